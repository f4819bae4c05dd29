"""Recorded history in one folder (DESIGN §3), held in memory: files in, a History out, for rank, impact and backtest.

Enters: metrics.csv[.gz] (ts,layer,service,metric,value and label columns), services.yaml (else discovered from the data),
changes.ndjson[.gz], complaints.ndjson[.gz]; each may be absent. Leaves: MetricWindow, MinuteCounts, ChangeMark, Said.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO

import numpy as np

from models.tag import Judgement
from models.topology import Topology, discover, read_topology
from models.window import ChangeMark, MetricWindow
from streams.decode import Decoded, Delivery, decode
from streams.folder_csv import MILLISECONDS, FolderError
from streams.folder_metrics import MetricTable, read_metrics
from streams.history import MinuteCounts, Said
from streams.records import CHANGES, COMPLAINTS, Complaint, Origin


class Folder:
    """A History over the files of `path`. Raises FolderError (file, line, reason) for what it cannot read."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not self.path.is_dir():
            raise FolderError(f"{self.path}: no such folder")

    @cached_property
    def topology(self) -> Topology:
        """From services.yaml, else the services and IDCs seen in the data, without edges."""
        described = self.path / "services.yaml"
        if described.exists():
            return read_topology(described)
        seen = {(key.layer, key.service) for key in self.table.window.keys}
        return discover(seen | {("app", change.service) for change in self.marks if change.service})

    @cached_property
    def table(self) -> MetricTable:
        """Every metric on one regular grid at the data's own step."""
        found = self._find("metrics.csv")
        if found is None:
            return read_metrics(io.StringIO(), self.path / "metrics.csv")
        with _open(found) as lines:
            return read_metrics(lines, found)

    @cached_property
    def span(self) -> tuple[int, int]:
        """The first and the last epoch second that anything in the folder speaks of."""
        times = [int(at) for at in self.table.window.times[[0, -1]]] if len(self.table.window.times) else []
        times += [mark.at for mark in self.marks] + [int(c.ts.timestamp()) for c in self.complaints]
        if not times:
            raise FolderError(
                f"{self.path}: neither metrics.csv[.gz] nor complaints.ndjson[.gz] nor changes.ndjson[.gz] holds a record"
            )
        return min(times), max(times)

    @cached_property
    def complaints(self) -> tuple[Complaint, ...]:
        """Complaints by time, a repeated (ts, id) once."""
        records = self._decoded("complaints.ndjson", COMPLAINTS).complaints
        return tuple(sorted({(c.ts, c.id): c for c in records}.values(), key=lambda c: (c.ts, c.id)))

    @cached_property
    def marks(self) -> tuple[ChangeMark, ...]:
        """Changes, oldest first."""
        records = self._decoded("changes.ndjson", CHANGES).changes
        marks = {
            (c.ts, c.id, c.stage): ChangeMark(c.id, int(c.ts.timestamp()), c.kind, c.service, c.title, c.stage, c.cohort)
            for c in records
        }
        return tuple(marks[key] for key in sorted(marks))

    def counts(self, start: int, end: int) -> MinuteCounts:
        """Complaint counts of every service in [start, end)."""
        minute, service, category, total, negative = self._counted
        low, high = np.searchsorted(minute, (start // 60 * 60, -(-end // 60) * 60))
        return MinuteCounts(minute[low:high], service[low:high], category[low:high], total[low:high], negative[low:high])

    def metrics(self, services: Collection[str], start: int, end: int) -> MetricWindow:
        """Series of these services and IDCs (empty: all) in [start, end); a view of the grid, not to be written to."""
        return self.table.cut(services, start, end)

    def changes(self, services: Collection[str], start: int, end: int) -> Sequence[ChangeMark]:
        """Changes to these services (empty: all) in [start, end), oldest first."""
        wanted = set(services)
        return [mark for mark in self.marks if start <= mark.at < end and (not wanted or mark.service in wanted)]

    def said(self, service: str, category: str, start: int, end: int, limit: int) -> Sequence[Said]:
        """The newest `limit` complaints about a service (and category, unless empty), newest first."""
        low, high = np.searchsorted(self._times, (start, end))
        chosen: list[Said] = []
        for index in range(int(high) - 1, int(low) - 1, -1):
            complaint, judged = self.complaints[index], self.judgements[index]
            if judged.service == service and category in ("", judged.category):
                chosen.append(_said(complaint, judged))
                if len(chosen) == limit:
                    break
        return chosen

    def cohorts(self, service: str, at: int) -> Mapping[str, tuple[int, int]]:
        """Cohort → its negative complaints about a service in the hour from `at`, and in the day before; '' is everyone else."""
        if not any(complaint.cohort for complaint in self.complaints):
            return {}
        counts: dict[str, tuple[int, int]] = {}
        for moment, complaint, judged in zip(self._times.tolist(), self.complaints, self.judgements, strict=True):
            if judged.polarity < 0 and judged.service == service and at - 86_400 <= moment < at + 3600:
                during, before = counts.get(complaint.cohort, (0, 0))
                counts[complaint.cohort] = (during + (moment >= at), before + (moment < at))
        return counts

    @cached_property
    def judgements(self) -> tuple[Judgement, ...]:
        """What tagging makes of each complaint, in the order of `complaints`; a service that was given is kept."""
        if not self.complaints:
            return ()
        from models.tag import load_tagger

        tagger = load_tagger(self.topology)
        return tuple(tagger.judge([c.text for c in self.complaints], [c.service for c in self.complaints]))

    @cached_property
    def _times(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.fromiter((int(c.ts.timestamp()) for c in self.complaints), np.int64, len(self.complaints))

    @cached_property
    def _counted(self) -> MinuteCounts:
        rows: dict[tuple[int, str, str], list[int]] = {}
        for at, complaint, judged in zip(self._times.tolist(), self.complaints, self.judgements, strict=True):
            cell = rows.setdefault((at // 60 * 60, judged.service, judged.category or complaint.category), [0, 0])
            cell[0] += 1
            cell[1] += judged.polarity < 0
        keys = sorted(rows)
        return MinuteCounts(
            np.array([key[0] for key in keys], np.int64),
            [key[1] for key in keys],
            [key[2] for key in keys],
            np.array([rows[key][0] for key in keys], np.int64),
            np.array([rows[key][1] for key in keys], np.int64),
        )

    def _find(self, name: str) -> Path | None:
        return next((path for path in (self.path / name, self.path / f"{name}.gz") if path.exists()), None)

    def _decoded(self, name: str, topic: str) -> Decoded:
        """The records of a file, through the same decoder as the stream's; a line that it refuses is a FolderError."""
        found = self._find(name)
        if found is None:
            return Decoded()
        try:
            with _open(found) as lines:
                deliveries = [
                    Delivery(Origin(topic, 0, number), line.encode()) for number, line in enumerate(lines, 1) if line.strip()
                ]
        except (UnicodeDecodeError, EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FolderError(f"{found}: {error}") from error
        # Recorded history may lie in any year to come of a simulation; the clock is no judge of it.
        decoded = decode(deliveries, now=float(MILLISECONDS - 86_400))
        if decoded.bad:
            first = decoded.bad[0]
            raise FolderError(f"{found}:{first.origin.offset}: {first.reason}")
        return decoded


def _open(path: Path) -> IO[str]:
    return (
        gzip.open(path, "rt", encoding="utf-8", newline="") if path.suffix == ".gz" else path.open(encoding="utf-8", newline="")
    )


def _said(complaint: Complaint, judged: Judgement) -> Said:
    return Said(
        id=complaint.id,
        at=int(complaint.ts.timestamp()),
        text=judged.text,
        polarity=judged.polarity,
        service=judged.service,
        category=judged.category,
        channel=complaint.channel,
        region=complaint.region,
        app_version=complaint.app_version,
        cohort=complaint.cohort,
        rating=complaint.rating,
    )
