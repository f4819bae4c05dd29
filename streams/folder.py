"""Recorded history in one folder (DESIGN §3), held in memory: files in, a History out, for rank, impact and backtest.

Enters: metrics.csv[.gz] (ts,layer,service,metric,value and label columns), services.yaml (else discovered from the data),
changes, complaints, followups (.ndjson[.gz]), tagged.ndjson[.gz] (what `tag` printed, so that texts are not judged again);
each may be absent. Leaves: MetricWindow, MinuteCounts, ChangeMark, Said.
"""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.tag import Judgement
from models.topology import Topology, discover, read_topology
from models.window import ChangeMark, MetricWindow
from streams.folder_columns import read_columns
from streams.folder_csv import FolderError, read_points
from streams.folder_metrics import MetricTable, gridded
from streams.folder_records import find, judged, opened, records
from streams.history import ChannelCounts, MinuteCounts, Said
from streams.records import CHANGES, COMPLAINTS, FOLLOWUPS, Complaint, FollowUp


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
        found = find(self.path, "metrics.csv")
        if found is None:
            return gridded(read_points(io.StringIO(), self.path), self.path)
        points = read_columns(found)
        if points is None:
            with opened(found) as lines:
                points = read_points(lines, found)
        return gridded(points, found)

    @cached_property
    def span(self) -> tuple[int, int]:
        """The first and the last epoch second that anything in the folder speaks of."""
        times = [int(at) for at in self.table.window.times[[0, -1]]] if len(self.table.window.times) else []
        times += [mark.at for mark in self.marks] + self._times[[0, -1] if len(self._times) else []].tolist()
        if not times:
            raise FolderError(
                f"{self.path}: neither metrics.csv[.gz] nor complaints.ndjson[.gz] nor changes.ndjson[.gz] holds a record"
            )
        return min(times), max(times)

    @cached_property
    def complaints(self) -> tuple[Complaint, ...]:
        """Complaints by time, a repeated (ts, id) once."""
        found = records(self.path, "complaints.ndjson", COMPLAINTS).complaints
        return tuple(sorted({(c.ts, c.id): c for c in found}.values(), key=lambda c: (c.ts, c.id)))

    @cached_property
    def followups(self) -> tuple[FollowUp, ...]:
        """Steps in answering complaints, by time, a repeated one once."""
        found = records(self.path, "followups.ndjson", FOLLOWUPS).followups
        return tuple(sorted({(f.ts, f.complaint, f.status): f for f in found}.values(), key=lambda f: (f.ts, f.complaint)))

    @cached_property
    def marks(self) -> tuple[ChangeMark, ...]:
        """Changes, oldest first."""
        marks = {
            (c.ts, c.id, c.stage): ChangeMark(c.id, int(c.ts.timestamp()), c.kind, c.service, c.title, c.stage, c.cohort)
            for c in records(self.path, "changes.ndjson", CHANGES).changes
        }
        return tuple(marks[key] for key in sorted(marks))

    def counts(self, start: int, end: int) -> MinuteCounts:
        """Complaint counts of every service in [start, end)."""
        minute, service, category, total, negative = self._counted
        low, high = np.searchsorted(minute, (start // 60 * 60, -(-end // 60) * 60))
        return MinuteCounts(minute[low:high], service[low:high], category[low:high], total[low:high], negative[low:high])

    def channels(self, start: int, end: int) -> ChannelCounts:
        """What was said in every channel, of the minutes that begin in [start, end)."""
        low, high = np.searchsorted(self._channel_counts.minute, (start, end))
        minute, channel, total = self._channel_counts
        return ChannelCounts(minute[low:high], channel[low:high], total[low:high])

    def metrics(self, services: Collection[str], start: int, end: int) -> MetricWindow:
        """Series of these services and IDCs (empty: all) in [start, end); a view of the grid, not to be written to."""
        return self.table.cut(services, start, end)

    def changes(self, services: Collection[str], start: int, end: int) -> Sequence[ChangeMark]:
        """Changes to these services (empty: all) in [start, end), oldest first."""
        wanted = frozenset(services)
        return [mark for mark in self.marks if start <= mark.at < end and (not wanted or mark.service in wanted)]

    def said(self, service: str, category: str, start: int, end: int, limit: int) -> Sequence[Said]:
        """The newest `limit` complaints about a service (and category, unless empty), newest first."""
        ours = self._by_service.get(service, np.zeros(0, np.int64))
        low, high = np.searchsorted(self._times[ours], (start, end))
        chosen: list[Said] = []
        for index in ours[low:high][::-1].tolist():
            if category in ("", self.judgements[index].category):
                chosen.append(_said(self.complaints[index], self.judgements[index]))
                if len(chosen) == limit:
                    break
        return chosen

    def cohorts(self, service: str, at: int) -> Mapping[str, tuple[int, int]]:
        """Cohort → its negative complaints about a service in the hour from `at`, and in the day before; '' is everyone else."""
        if not any(complaint.cohort for complaint in self.complaints):
            return {}
        counts: dict[str, tuple[int, int]] = {}
        for index in self._by_service.get(service, np.zeros(0, np.int64)).tolist():
            moment, cohort = int(self._times[index]), self.complaints[index].cohort
            if self.judgements[index].polarity < 0 and at - 86_400 <= moment < at + 3600:
                during, before = counts.get(cohort, (0, 0))
                counts[cohort] = (during + (moment >= at), before + (moment < at))
        return counts

    @cached_property
    def judgements(self) -> tuple[Judgement, ...]:
        """What tagging makes of each complaint, in the order of `complaints`; a service that was given is kept."""
        known = judged(self.path) if self.complaints else {}
        fresh = [complaint for complaint in self.complaints if complaint.id not in known]
        if not fresh:
            return tuple(known[complaint.id] for complaint in self.complaints)
        from models.tag import load_tagger

        texts, services, channels = ([getattr(c, name) for c in fresh] for name in ("text", "service", "channel"))
        found = iter(load_tagger(self.topology).judge(texts, services, channels))
        return tuple(known.get(complaint.id) or next(found) for complaint in self.complaints)

    @cached_property
    def _times(self) -> NDArray[np.int64]:
        return np.fromiter((int(c.ts.timestamp()) for c in self.complaints), np.int64, len(self.complaints))

    @cached_property
    def _by_service(self) -> Mapping[str, NDArray[np.int64]]:
        """Service → where its complaints stand, in the order of time."""
        places: dict[str, list[int]] = defaultdict(list)
        for place, judgement in enumerate(self.judgements):
            places[judgement.service].append(place)
        return {service: np.array(own, np.int64) for service, own in places.items()}

    @cached_property
    def _counted(self) -> MinuteCounts:
        named = zip(self.complaints, self.judgements, strict=True)
        keys = [(judgement.service, judgement.category or complaint.category) for complaint, judgement in named]
        minutes, negative = (self._times // 60 * 60).tolist(), [judgement.polarity < 0 for judgement in self.judgements]
        total, blamed = Counter[tuple[int, str, str]](), Counter[tuple[int, str, str]]()
        for minute, (service, category), bad in zip(minutes, keys, negative, strict=True):
            total[minute, service, category] += 1
            blamed[minute, service, category] += bad
        rows = sorted(total)
        return MinuteCounts(
            np.array([row[0] for row in rows], np.int64),
            [row[1] for row in rows],
            [row[2] for row in rows],
            np.array([total[row] for row in rows], np.int64),
            np.array([blamed[row] for row in rows], np.int64),
        )

    @cached_property
    def _channel_counts(self) -> ChannelCounts:
        channels = [complaint.channel for complaint in self.complaints]
        rows = sorted(Counter(zip((self._times // 60 * 60).tolist(), channels, strict=True)).items())
        total = np.array([count for _, count in rows], np.int64)
        return ChannelCounts(np.array([key[0] for key, _ in rows], np.int64), [key[1] for key, _ in rows], total)


def _said(complaint: Complaint, judgement: Judgement) -> Said:
    return Said(
        id=complaint.id,
        at=int(complaint.ts.timestamp()),
        text=judgement.text,
        polarity=judgement.polarity,
        service=judgement.service,
        category=judgement.category,
        channel=complaint.channel,
        region=complaint.region,
        app_version=complaint.app_version,
        cohort=complaint.cohort,
        rating=complaint.rating,
    )
