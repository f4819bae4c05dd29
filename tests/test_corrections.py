"""Corrections: whatever is sent is understood or named by its line; kept without a server; the newest word on a field wins."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from models.tag import Judgement
from streams.commands.label import command
from streams.corrections import FIELDS, Correction, corrected, merged, parse, with_texts
from streams.records import Complaint, Tagged
from streams.store.corrections import columns, from_row

NOW = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)

_said = st.fixed_dictionaries(
    {"complaint": st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=20).filter(str.strip)},
    optional={
        "polarity": st.sampled_from([-1, 0, 1]),
        "service": st.sampled_from(["", "pay", "物流"]),
        "category": st.sampled_from(["", "refund"]),
        "intents": st.lists(st.sampled_from(["complaint", "question", "praise"]), max_size=2),
        "text": st.sampled_from(["付款失败", "太慢了"]),
        "ts": st.sampled_from([1_767_225_600, 1_767_225_600_000, "2026-01-01T08:00:00+08:00"]),
        "channel": st.just("of no interest"),
    },
).filter(lambda one: any(field in one for field in FIELDS))


def lines(records: list[Any]) -> bytes:
    return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


@given(st.lists(_said, min_size=1, max_size=8))
def test_lines_and_an_array_say_the_same_and_come_back_from_their_own_output(records: list[dict[str, Any]]) -> None:
    found = parse(lines(records), NOW)
    assert not found.refused and len(found.found) == len(records)
    assert parse(json.dumps(records).encode(), NOW) == found
    assert parse(json.dumps(records[0], indent=1).encode(), NOW).found == found.found[:1]
    again = parse(msgspec.json.Encoder().encode_lines([one for _, one in found.found]), NOW)
    assert again == found


@given(st.binary(max_size=200) | st.lists(st.binary(max_size=40), max_size=6).map(b"\n".join))
def test_any_bytes_are_taken_apart_into_corrections_and_named_errors(data: bytes) -> None:
    found = parse(data, NOW)
    blank = not data.strip()
    assert blank or found.found or found.refused
    assert all(error.line >= 1 and error.reason and str(error).startswith(f"{error.line}: ") for error in found.refused)


@given(st.lists(_said, max_size=6), st.randoms())
def test_rows_of_the_table_in_any_order_give_the_newest_word_on_each_field(records: list[dict[str, Any]], random: Any) -> None:
    given_ = [one for _, one in parse(lines(records), NOW).found]
    dated = [msgspec.structs.replace(one, ts=NOW + dt.timedelta(seconds=place)) for place, one in enumerate(given_)]
    table = columns(dated)
    names = ("complaint", "field", "value", "text", "by")
    rows = [
        (*row, dt.datetime.fromtimestamp(ts / 1000, dt.UTC).replace(tzinfo=None))
        for *row, ts in zip(*(table[name] for name in names), table["ts"], strict=True)
    ]
    random.shuffle(rows)
    newest = {one.complaint: one for one in merged([from_row(row) for row in rows])}
    for field in FIELDS:
        for complaint, one in newest.items():
            said = [getattr(each, field) for each in dated if each.complaint == complaint and getattr(each, field) is not None]
            assert getattr(one, field) == (said[-1] if said else None)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"complaint": "a"}', "says nothing"),
        ('{"polarity": 1}', "complaint .* or text is needed"),
        ('{"complaint": " ", "polarity": 1}', "complaint .* or text is needed"),
        ('{"complaint": "a", "polarity": 2}', "polarity"),
        ('{"complaint": "a", "polarity": true}', "polarity"),
        ('{"complaint": "a", "intents": ["rant"]}', "intents"),
        ('{"complaint": "a", "service": "%s"}' % ("x" * 300), "service"),
        ('{"complaint": "a\\u0000", "polarity": 1}', "null character"),
        ('{"complaint": "a", "polarity": 1, "ts": "2027-01-01T00:00:00Z"}', "future"),
        ('{"complaint": "a", "polarity": 1, "ts": 1e300}', ""),
        ('{"complaint": "a", "polarity": 1, "ts": "2026-01-01T00:00:00"}', "ts"),
        ('[{"complaint": "a", "polarity": 1}', "without an end"),
        ("[]", "empty array"),
    ],
)
def test_what_is_wrong_is_named(line: str, reason: str) -> None:
    found = parse(line.encode(), NOW)
    assert found.found == []
    with pytest.raises(ValueError, match=f"^1: .*{reason}"):
        raise found.refused[0]


def test_personal_data_is_masked_before_anything_keeps_it() -> None:
    found = parse(lines([{"text": "我的电话13812345678没人接", "polarity": -1, "by": "me@example.com"}]), NOW)
    (_, one), *_ = found.found
    assert "[手机号]" in one.text and "138" not in one.text and one.by == "[邮箱]"
    assert parse(lines([{"text": "我的电话13912345678没人接", "polarity": 0}]), NOW).found[0][1].complaint == one.complaint


def test_a_correction_by_id_needs_a_stored_text() -> None:
    parsed = parse(lines([{"complaint": "a", "polarity": 1}, {"complaint": "b", "polarity": 1}]), NOW)
    known = with_texts(parsed, {"a": "好用"})
    assert [(line, one.text) for line, one in known.found] == [(1, "好用")]
    assert [str(error) for error in known.refused] == ["2: complaint 'b' is not stored, and no text is given"]


def test_a_reader_overrules_the_judgement_and_the_collector_and_only_in_what_he_says() -> None:
    judged = Judgement(text="好", sentiment=0.8, polarity=1, service="pay", category="price", intents=("praise",))
    tagged = Tagged(Complaint(id="a", ts=NOW, text="好", service="pay", category="price"), judged)
    said = corrected(tagged, Correction(complaint="a", ts=NOW, polarity=-1, service="", intents=("complaint",)))
    assert (said.judgement.polarity, said.judgement.sentiment, said.judgement.intents) == (-1, -1.0, ("complaint",))
    assert (said.complaint.service, said.judgement.service) == ("", "")
    assert (said.complaint.category, said.judgement.category) == ("price", "price")
    assert corrected(tagged, Correction(complaint="a", ts=NOW, by="li")) == tagged


def label(home: Path, *arguments: str, given: bytes = b"") -> tuple[int, str, str]:
    result = CliRunner().invoke(command, arguments, input=given, env={"HUIYIN_HOME": str(home)})
    return result.exit_code, result.stdout, result.stderr


def test_without_a_server_good_lines_are_kept_bad_ones_named_and_the_newest_wins(tmp_path: Path) -> None:
    file = tmp_path / "said.ndjson"
    file.write_bytes(lines([{"text": "还行吧", "polarity": 1}, {"complaint": "x", "polarity": 1}]) + b"\n{]\n")
    assert label(tmp_path, str(file), "--dry-run")[:2] == (1, "1 would be taken, 2 refused\n")
    assert label(tmp_path, "--export") == (0, "", "")
    status, said, errors = label(tmp_path, str(file))
    assert (status, said) == (1, "1 taken, 2 refused\n")
    assert f"{file}:2: complaint 'x' is not stored" in errors and f"{file}:4: JSON is malformed" in errors
    assert label(tmp_path, "-", given=lines([{"text": "还行吧", "polarity": 0, "category": "other"}]))[:2] == (
        0,
        "1 taken, 0 refused\n",
    )
    (exported,) = map(json.loads, label(tmp_path, "--export")[1].splitlines())
    assert (exported["text"], exported["polarity"], exported["category"]) == ("还行吧", 0, "other")


def test_the_command_says_what_it_cannot_do(tmp_path: Path) -> None:
    assert label(tmp_path)[0] == 2
    assert label(tmp_path, "--export", "--uncertain", "3")[0] == 2
    assert label(tmp_path, "--export", "--since", "2026-01-01")[0] == 2
    status, _, errors = label(tmp_path, "--uncertain", "3")
    assert status == 1 and "no ClickHouse for reader" in errors
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "corrections.ndjson").write_text('{"text": "x", "polarity": 1}\nbroken\n')
    status, _, errors = label(tmp_path, "--export")
    assert status == 1 and "corrections.ndjson:2: " in errors
