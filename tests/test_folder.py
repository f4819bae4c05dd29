"""A folder of recorded history, through its public door: files in, History out, errors with their place."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.window import SeriesKey
from streams.folder import Folder
from streams.folder_columns import read_columns
from streams.folder_csv import FolderError, Points, epoch_seconds, read_points

START = 1_700_000_040  # on a whole minute
HEADER = "ts,layer,service,metric,value\n"


def folder(path: Path, **files: str) -> Folder:
    for name, text in files.items():
        (path / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return Folder(path)


def metrics(path: Path, body: str, header: str = HEADER) -> Folder:
    return folder(path, metrics__csv=header + body)


def test_epoch_and_rfc3339_and_columns_in_any_order_land_in_the_same_minute(tmp_path: Path) -> None:
    at = dt.datetime.fromtimestamp(START + 60, dt.timezone(dt.timedelta(hours=8))).isoformat()
    body = f"1.5,qps,pay,{START},app\n2.5,qps,pay,{(START + 30) * 1000},app\n7,qps,pay,{at},app\n,qps,pay,{START + 120},app\n"
    window = metrics(tmp_path, body, "value,metric,service,ts,layer\n").metrics((), START, START + 300)
    assert window.keys == (SeriesKey("app", "pay", "qps"),)
    # 30 s apart is the commonest distance here, so every point keeps its own step; the empty value is a gap.
    assert window.step == 30
    assert np.array_equal(window.values, [[1.5, 2.5, 7.0]], equal_nan=True)


def test_the_step_is_the_datas_own_and_labels_are_averaged(tmp_path: Path) -> None:
    rows = "".join(
        f'{START + 300 * i},business,pay,orders,{value},"{{""cohort"": ""{cohort}""}}"\n'
        for i in range(4)
        for cohort, value in (("grey", 10), ("", 30))
    )
    history = metrics(tmp_path, rows, HEADER.replace("value", "value,labels"))
    window = history.metrics((), 0, 2**40)
    assert (window.step, window.values.tolist()) == (300, [[20.0] * 4])
    treated, others = history.table.cohort("grey")
    assert (treated.values.tolist(), others.values.tolist()) == ([[10.0] * 4], [[30.0] * 4])
    assert history.table.cohort("nobody")[0].keys == ()


def test_ranges_are_half_open_and_services_chosen(tmp_path: Path) -> None:
    rows = "".join(f"{START + 60 * i},app,{name},cpu,{i}\n" for i in range(5) for name in ("pay", "risk"))
    window = metrics(tmp_path, rows).metrics(["risk"], START + 60, START + 180)
    assert window.times.tolist() == [START + 60, START + 120]
    assert [key.service for key in window.keys] == ["risk"]
    assert window.values.tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("body", "line", "reason"),
    [
        ("1700000000,app,pay,cpu,1\n1700000060,app,pay,cpu,many\n", 3, "many"),
        ("1700000000,app,pay,cpu,1\n\n1700000060,app,pay,cpu\n", 4, "4 columns"),
        ("yesterday,app,pay,cpu,1\n", 2, "yesterday"),
        ("2023-11-14T22:13:20,app,pay,cpu,1\n", 2, "no offset"),
        ("1700000000,cloud,pay,cpu,1\n", 2, "layer 'cloud'"),
        ("1700000000,app,,cpu,1\n", 2, "must not be empty"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, body: str, line: int, reason: str) -> None:
    with pytest.raises(FolderError, match=rf"metrics\.csv:{line}: .*{reason}"):
        metrics(tmp_path, body).metrics((), 0, 2**40)


def test_missing_column_damaged_gzip_and_missing_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="no column value"):
        metrics(tmp_path, "", "ts,layer,service,metric\n").metrics((), 0, 1)
    (tmp_path / "metrics.csv").unlink()
    (tmp_path / "metrics.csv.gz").write_bytes(gzip.compress((HEADER + "1700000000,app,pay,cpu,1\n" * 999).encode())[:-9])
    with pytest.raises(FolderError, match="damaged gzip"):
        Folder(tmp_path).metrics((), 0, 1)
    with pytest.raises(FolderError, match="no such folder"):
        Folder(tmp_path / "nowhere")


def test_changes_come_oldest_first_and_a_bad_one_is_named(tmp_path: Path) -> None:
    lines = [{"id": f"c{i}", "ts": START + at, "kind": "release", "service": "pay"} for i, at in enumerate((90, 0))]
    history = folder(tmp_path, changes__ndjson="".join(json.dumps(line) + "\n" for line in lines))
    assert [mark.id for mark in history.changes((), START, START + 91)] == ["c1", "c0"]
    assert [mark.id for mark in history.changes(["pay"], START, START + 90)] == ["c1"]
    assert history.changes(["risk"], 0, 2**40) == []
    assert history.span == (START, START + 90)
    bad = folder(tmp_path, changes__ndjson=json.dumps(lines[0]) + '\n{"id": "x", "ts": 1700000000, "kind": "party"}\n')
    with pytest.raises(FolderError, match=r"changes\.ndjson:2: "):
        _ = bad.marks


def test_complaints_are_tagged_once_counted_by_minute_and_shown_newest_first(tmp_path: Path) -> None:
    described = "services:\n- {name: pay, title: 支付, keywords: [支付, 付款]}\n- {name: search, title: 搜索, keywords: [搜索]}\n"
    said = [
        {"id": "1", "ts": START + 5, "text": "支付一直失败，太差劲了，钱扣了订单没有"},
        {"id": "1", "ts": START + 5, "text": "支付一直失败，太差劲了，钱扣了订单没有"},
        {"id": "2", "ts": START + 70, "text": "付款又报错，气死人", "service": "pay", "cohort": "grey"},
        {"id": "3", "ts": START + 75, "text": "搜索很好用，非常满意", "service": "search"},
    ]
    lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in said)
    history = folder(tmp_path, services__yaml=described, complaints__ndjson=lines)
    counts = history.counts(START, START + 120)
    assert set(zip(counts.minute.tolist(), counts.service, counts.total.tolist(), counts.negative.tolist(), strict=True)) == {
        (START, "pay", 1, 1),
        (START + 60, "pay", 1, 1),
        (START + 60, "search", 1, 0),
    }
    assert [one.id for one in history.said("pay", "", START, START + 120, 9)] == ["2", "1"]
    assert [one.id for one in history.said("pay", "", START, START + 120, 1)] == ["2"]
    assert history.cohorts("pay", START + 60) == {"": (0, 1), "grey": (1, 0)}


def _points(found: Points) -> set[tuple[SeriesKey, str, float, float]]:
    rows = zip(found.rows.tolist(), found.times.tolist(), found.values.tolist(), strict=True)
    return {(found.series[row], found.cohorts[row], at, value) for row, at, value in rows}


def test_both_readers_of_metrics_read_the_same(tmp_path: Path) -> None:
    at = dt.datetime.fromtimestamp(START, dt.timezone(dt.timedelta(hours=8))).isoformat()
    lines = [f"{START + 60 * i},app,s{i % 7},m{i % 3},{i}.5,{'gray' * (i % 2)}" for i in range(500)]
    lines += [f"{at},business,pay,orders,,", f"{START}000,idc,sh-1,rtt,1e-3,", ""]
    path = tmp_path / "metrics.csv"
    path.write_text("ts,layer,service,metric,value,cohort\n" + "\n".join(lines), encoding="utf-8")
    fast = read_columns(path)
    with path.open(encoding="utf-8") as text:
        careful = read_points(text, path)
    assert fast is not None
    assert fast.series == careful.series
    assert _points(fast) == _points(careful)
    packed = tmp_path / "metrics.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    again = read_columns(packed)
    assert again is not None
    assert _points(again) == _points(fast)


@pytest.mark.parametrize("line", ["x,app,pay,cpu,1", f"{START},sky,pay,cpu,1", f"{START},app,pay,cpu,much", f"{START},app,pay"])
def test_what_is_odd_is_left_to_the_reader_that_names_it(tmp_path: Path, line: str) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text(f"{HEADER}{START},app,pay,cpu,1\n{line}\n", encoding="utf-8")
    assert read_columns(path) is None


def test_what_was_tagged_is_not_judged_again(tmp_path: Path) -> None:
    said = [{"id": "a", "ts": START, "text": "支付一直失败"}, {"id": "b", "ts": START + 60, "text": "付款又报错，气死人"}]
    told = {"id": "a", "sentiment": 0.5, "polarity": 1, "service": "elsewhere", "category": "price", "text": "masked"}
    files = {"complaints__ndjson": "".join(json.dumps(one) + "\n" for one in said), "tagged__ndjson": json.dumps(told) + "\n"}
    history = folder(tmp_path, services__yaml="services:\n- {name: pay, keywords: [支付, 付款]}\n", **files)
    assert [(one.service, one.polarity) for one in history.judgements] == [("elsewhere", 1), ("pay", -1)]
    assert [one.text for one in history.said("elsewhere", "price", START, START + 60, 9)] == ["masked"]
    broken = folder(tmp_path, tagged__ndjson='{"id": "a"}\n')
    with pytest.raises(FolderError, match=r"tagged\.ndjson:1: .*text"):
        _ = broken.judgements


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="holds a record"):
        _ = Folder(tmp_path).span


@given(st.integers(0, 4_000_000_000), st.sampled_from(["s", "ms", "rfc"]))
def test_every_way_of_writing_a_time_reads_the_same(at: int, way: str) -> None:
    at = max(at, 200_000_000) if way == "ms" else at  # below, milliseconds and seconds overlap
    written = {"s": str(at), "ms": str(at * 1000), "rfc": dt.datetime.fromtimestamp(at, dt.UTC).isoformat()}[way]
    assert epoch_seconds(written) == at
