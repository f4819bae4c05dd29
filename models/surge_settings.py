"""What may be set about surges in counts; the same for every series."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.calendar import Calendar


@dataclass(frozen=True)
class SurgeSettings:
    """Few and global. `floor` complaints in a window are the least that make an incident; `ratio` is the least rise.

    `false_alarms` is what chance may raise per week over all series; `half_life_days` is how long the past counts;
    after `accept_hours` a lasting surge is the new normal; `misjudged` is the share of non-negative records that the
    text model takes for negative; `activity` bounds how far more of everything explains more complaints.
    """

    floor: int = 8
    ratio: float = 1.8
    false_alarms: float = 0.5
    half_life_days: float = 10.0
    accept_hours: float = 72.0
    misjudged: float = 0.05
    activity: float = 3.0
    calendar: Calendar = field(default_factory=Calendar)
