"""Recorded files come out as lines: their topic, their time, merged, nothing dropped."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import records as r
from streams.recordings import RecordingError, line, read


def write(path: Path, *records: object) -> Path:
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in records))
    return path


@pytest.mark.parametrize(
    ("record", "topic", "key"),
    [
        ({"id": "1", "ts": 1, "text": "x", "service": "pay"}, r.COMPLAINTS, "pay"),
        ({"id": "1", "ts": 1, "text": "x"}, r.COMPLAINTS, "1"),
        ({"ts": 1, "layer": "business", "service": "pay", "metric": "m", "value": 1}, r.METRICS, "pay"),
        ({"ts": 1, "layer": "app", "service": "pay", "metric": "m", "value": 1}, r.MONITORS_APP, "pay"),
        ({"ts": 1, "layer": "idc", "service": "bj-1", "metric": "m", "value": 1}, r.MONITORS_IDC, "bj-1"),
        ({"id": "1", "ts": 1, "kind": "release", "service": "pay"}, r.CHANGES, "pay"),
        ({"complaint": "1", "ts": 1, "status": "closed"}, r.FOLLOWUPS, "1"),
    ],
)
def test_a_record_tells_its_topic_and_key(record: dict[str, object], topic: str, key: str) -> None:
    found = line(record)
    assert (found.topic, found.key, found.at) == (topic, key, 1.0)
    assert json.loads(found.value) == record


def test_files_are_merged_by_time_in_every_notation(tmp_path: Path) -> None:
    first = write(tmp_path / "complaints.ndjson", *({"id": str(at), "ts": at, "text": "x"} for at in (1772280000, 1772280020)))
    second = write(tmp_path / "changes.ndjson", {"id": "d", "ts": "2026-02-28T20:00:10+08:00", "kind": "config", "service": "s"})
    third = tmp_path / "metrics.csv.gz"
    with gzip.open(third, "wt") as file:
        file.write("ts,layer,service,metric,value,host\n1772280005000,idc,bj,loss,0.5,h1\n1772280030,app,pay,latency,n/a,\n")
    found = list(read([first, second, third]))
    assert [one.at for one in found] == [1772280000, 1772280005, 1772280010, 1772280020, 1772280030]
    assert json.loads(found[1].value)["labels"] == {"host": "h1"}
    assert json.loads(found[-1].value)["value"] == "n/a"


def test_what_cannot_be_read_goes_on_alone_and_in_place(tmp_path: Path) -> None:
    path = write(
        tmp_path / "complaints.ndjson", {"id": "1", "ts": 1, "text": "x"}, "{broken", "", {"id": "2", "ts": 2, "text": "x"}
    )
    found = list(read([path]))
    assert [(one.value, one.sound) for one in found][1] == (b"{broken", False)
    assert [one.topic for one in found] == [r.COMPLAINTS] * 3
    assert [one.at for one in found] == [1.0, 1.0, 2.0]


@given(st.lists(st.lists(st.integers(0, 50)), max_size=4))
def test_merging_keeps_every_line_in_order(tmp_path_factory: pytest.TempPathFactory, times: list[list[int]]) -> None:
    folder = tmp_path_factory.mktemp("files")
    paths = [
        write(folder / f"{n}.ndjson", *({"id": "x", "ts": t, "text": "x"} for t in sorted(ts))) for n, ts in enumerate(times)
    ]
    assert [one.at for one in read(paths)] == sorted(t for ts in times for t in ts)
    unsorted = [write(folder / f"{n}.ndjson", *({"id": "x", "ts": t, "text": "x"} for t in ts)) for n, ts in enumerate(times)]
    assert [one.at for one in read(unsorted, sort=True)] == sorted(t for ts in times for t in ts)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.ndjson", b'{"id": "1", "ts": 2, "text": "x"}\n{"id": "2", "ts": 1, "text": "x"}', "record 2 is older"),
        ("a.ndjson", b'{"what": 1}', ":1: neither its fields"),
        ("a.csv", b"time,value\n1,2\n", "needs the columns"),
        ("a.ndjson.gz", b"no gzip", "gzip"),
        ("a.ndjson.gz", gzip.compress(b'{"id": "1", "ts": 1, "text": "x"}' * 99)[:-9], "end"),
    ],
)
def test_a_file_that_cannot_be_replayed_is_named(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=reason) as error:
        list(read([path]))
    assert str(path) in str(error.value)
