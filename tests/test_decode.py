"""Decoding through its public door: what is kept, what is refused and why, and that nothing is lost between the two."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import records as r
from streams.decode import Decoded, Delivery, decode

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC).timestamp()
COMPLAINT = {"id": "c1", "ts": "2026-02-28T20:00:00+08:00", "text": "付款一直转圈"}
POINT = {"ts": 1772280000, "layer": "business", "service": "pay", "metric": "orders", "value": 3}
CHANGE = {"id": "d1", "ts": 1772280000, "kind": "release", "service": "pay"}
FOLLOWUP = {"complaint": "c1", "ts": 1772280000, "status": "closed"}
VALID = {
    r.COMPLAINTS: COMPLAINT,
    r.METRICS: POINT,
    r.MONITORS_APP: {key: value for key, value in POINT.items() if key != "layer"},
    r.MONITORS_IDC: {**POINT, "layer": "idc"},
    r.CHANGES: CHANGE,
    r.FOLLOWUPS: FOLLOWUP,
}


def read(topic: str, value: object, offset: int = 7) -> Decoded:
    payload = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    return decode([Delivery(r.Origin(topic, 3, offset), payload)], NOW)


def good(decoded: Decoded) -> int:
    return len(decoded.complaints) + len(decoded.points.value) + len(decoded.changes) + len(decoded.followups)


def reasons(decoded: Decoded) -> list[str]:
    return [bad.reason for bad in decoded.bad]


@pytest.mark.parametrize("topic", r.SOURCES)
def test_an_object_and_an_array_of_each_topic(topic: str) -> None:
    decoded = read(topic, VALID[topic])
    assert (good(decoded), decoded.bad) == (1, [])
    decoded = read(topic, [VALID[topic]] * 1000)
    assert (good(decoded), decoded.bad) == (1000, [])


@pytest.mark.parametrize(
    "ts",
    [
        "2026-02-28T12:00:00Z",
        "2026-02-28T20:00:00.000+08:00",
        "2026-02-28T07:00:00-05:00",
        1772280000,
        1772280000.0,
        1772280000000,
    ],
)
def test_the_same_moment_in_every_notation(ts: object) -> None:
    assert read(r.COMPLAINTS, {**COMPLAINT, "ts": ts}).complaints[0].ts == dt.datetime(2026, 2, 28, 12, tzinfo=dt.UTC)
    assert read(r.METRICS, {**POINT, "ts": ts}).points.ts == [1772280000000]


@pytest.mark.parametrize("topic", [r.COMPLAINTS, r.METRICS])
@pytest.mark.parametrize(
    ("ts", "reason"),
    [
        ("2026-02-28T12:00:00", "timezone"),
        ("1970-01-01T00:00:00Z", "before 2000"),
        (0, "before 2000"),
        (-1e300, "before 2000"),
        ("2027-03-01T00:00:00Z", "in the future"),
        (NOW + 86_401, "in the future"),
        (1772280000000000, "in the future"),  # microseconds
        ("yesterday", "RFC3339"),
        (True, "bool"),
        (None, "null"),
    ],
)
def test_times_that_are_refused(topic: str, ts: object, reason: str) -> None:
    decoded = read(topic, [VALID[topic], {**VALID[topic], "ts": ts}])
    assert good(decoded) == 1
    assert decoded.bad[0].origin == r.Origin(topic, 3, 7, index=1)
    assert reason in decoded.bad[0].reason
    assert json.loads(decoded.bad[0].payload)["ts"] == ts


@pytest.mark.parametrize(
    ("topic", "change", "reason"),
    [
        (r.COMPLAINTS, {"id": ""}, "$.id"),
        (r.COMPLAINTS, {"id": " "}, "id is blank"),
        (r.COMPLAINTS, {"id": 5}, "$.id"),
        (r.COMPLAINTS, {"text": "\n \u3000"}, "text is blank"),
        (r.COMPLAINTS, {"text": "退" * 100_001}, "$.text"),
        (r.COMPLAINTS, {"text": "nu\x00ll"}, "null character"),
        (r.COMPLAINTS, {"rating": 0}, "$.rating"),
        (r.COMPLAINTS, {"rating": 6}, "$.rating"),
        (r.COMPLAINTS, {"user": "u" * 257}, "$.user"),
        (r.METRICS, {"layer": "app"}, "does not belong in huiyin.metrics"),
        (r.METRICS, {"layer": None}, "does not belong in huiyin.metrics"),
        (r.METRICS, {"service": " "}, "service is blank"),
        (r.METRICS, {"value": "3"}, "$.value"),
        (r.METRICS, {"labels": {"region": 5}}, "int"),
        (r.METRICS, {"labels": {"region": "x" * 2000}}, "labels are longer"),
        (r.MONITORS_IDC, {"layer": "app"}, "does not belong in huiyin.monitors.idc"),
        (r.CHANGES, {"kind": "party"}, "party"),
        (r.CHANGES, {"percent": 101}, "$.percent"),
        (r.FOLLOWUPS, {"satisfaction": 9}, "$.satisfaction"),
    ],
)
def test_fields_that_are_refused_cost_only_their_record(topic: str, change: dict[str, object], reason: str) -> None:
    decoded = read(topic, [VALID[topic], {**VALID[topic], **change}, VALID[topic]])
    assert good(decoded) == 2
    assert [bad.origin.index for bad in decoded.bad] == [1]
    assert reason in decoded.bad[0].reason


@pytest.mark.parametrize(
    "element",
    [
        b'{"ts": 1772280000, "layer": "business", "service": "pay", "metric": "orders", "value": NaN}',
        b'{"ts": 1772280000, "layer": "business", "service": "pay", "metric": "orders", "value": -Infinity}',
        b'{"ts": 1772280000, "layer": "business", "service": "pay", "metric": "orders", "value": 1e999}',
        b'{"ts": 1772280000, "layer": "business", "service": "p\xffy", "metric": "orders", "value": 1}',
        b'{"ts": 1772280000, "layer": "business", "service": "\\ud800", "metric": "orders", "value": 1}',
        b'{"ts": 1772280000, "layer": "business", "service": "a", "metric": "m", "value": 1, "labels": {"x": "\xff"}}',
        b'{"ts": 1772280000, "layer": "business", "service": "a", "metric": "m", "value": 1, "labels": {"x": "\\u0000"}}',
        b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"",
        b"null",
        b"[]",
    ],
)
def test_a_broken_element_stays_inside_its_array(element: bytes) -> None:
    whole = json.dumps(POINT).encode()
    decoded = read(r.METRICS, b"[" + whole + b" ,\n" + element + b"," + whole + b"]\n")
    assert good(decoded) == 2
    assert [(bad.origin.index, bad.payload) for bad in decoded.bad] == [(1, element)]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "truncated"),
        (b"[]", "an empty array"),
        (json.dumps([COMPLAINT] * 1001).encode(), "more than 1,000"),
        (b"[" * 100_000, ""),
        (b'[{"id": "x', ""),
        (b'[{"id": "a"}] tail', ""),
        (b"\xef\xbb\xbf{}", "malformed"),
        (b'"just text"', "Expected"),
    ],
)
def test_a_value_beyond_repair_is_one_bad_record(payload: bytes, reason: str) -> None:
    decoded = read(r.COMPLAINTS, payload)
    assert good(decoded) == 0
    assert [(bad.origin, bad.payload) for bad in decoded.bad] == [(r.Origin(r.COMPLAINTS, 3, 7), payload)]
    assert reason in decoded.bad[0].reason


def test_an_escaped_backslash_before_u0000_is_just_text() -> None:
    assert read(r.COMPLAINTS, {**COMPLAINT, "text": "C:\\u0000 是目录"}).complaints[0].text == "C:\\u0000 是目录"


def test_labels_become_one_canonical_text_and_a_cohort() -> None:
    first = {**POINT, "labels": {"region": "华北", "cohort": "gray"}}
    second = {**POINT, "labels": {"cohort": "gray", "region": "华北"}, "unit": "ignored"}
    series = read(r.METRICS, [first, second]).points.series
    assert series[0] == series[1]
    assert (series[0].labels, series[0].cohort) == ('{"cohort":"gray","region":"华北"}', "gray")


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=20).filter(str.strip)
moments = st.datetimes(dt.datetime(2000, 1, 2), dt.datetime(2026, 2, 28), timezones=st.just(dt.UTC)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)


@given(st.lists(st.tuples(moments, words, words, st.floats(allow_nan=False, allow_infinity=False)), min_size=1, max_size=30))
def test_points_round_trip(rows: list[tuple[dt.datetime, str, str, float]]) -> None:
    value = [
        {"ts": ts.isoformat(), "layer": "business", "service": service, "metric": metric, "value": value}
        for ts, service, metric, value in rows
    ]
    points = read(r.METRICS, value).points
    assert points.ts == [round(ts.timestamp() * 1000) for ts, *_ in rows]
    assert [(series.service, series.metric) for series in points.series] == [(service, metric) for _, service, metric, _ in rows]
    assert points.value == [value for *_, value in rows]


@given(st.builds(dict, id=words, ts=moments, text=words, user=words, rating=st.none() | st.integers(1, 5), cohort=words))
def test_complaints_round_trip(fields: dict[str, object]) -> None:
    decoded = read(r.COMPLAINTS, json.dumps(fields, default=lambda moment: moment.isoformat()).encode())
    assert decoded.complaints == [r.Complaint(**fields)]  # type: ignore[arg-type]


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
json_values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(st.sampled_from(r.SOURCES), st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_raise(topic: str, payload: bytes) -> None:
    decoded = read(topic, payload)
    assert good(decoded) + len(decoded.bad) >= 1


@given(st.sampled_from(r.SOURCES), st.lists(st.none() | json_values, min_size=1, max_size=20))
def test_every_element_is_kept_or_refused(topic: str, elements: list[object]) -> None:
    value = [VALID[topic] if element is None else element for element in elements]
    decoded = read(topic, json.dumps(value).encode())
    assert good(decoded) + len(decoded.bad) == len(value)
    assert good(decoded) >= elements.count(None)
    assert [bad.origin.index for bad in decoded.bad] == sorted({bad.origin.index for bad in decoded.bad})
