"""How grave an incident is: what is known of it in, a level (1 notice, 2 warning, 3 critical) and why, in words, out. Pure.

The detector's level says how significant and how large the surge is. Business that is clearly being lost, or many services
touched, raise it by one; a surge that stays within one channel or one region, where users usually complain through several, and
costs nothing, lowers it by one. A level never falls while the incident is open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from models.topology import Topology
from streams.history import Said
from streams.incidents import seconds
from streams.records import Incident, Loss

# Business is clearly being lost from this share of the forecast on, when the interval's lower end is above nothing.
LOST = 0.1
# So many services touched make it wide.
WIDE = 3
# Of one channel or region when this share of the complaints is, against that share at most before the surge, of so many.
ALONE, USUALLY, ENOUGH = 0.9, 0.6, 8


def level(base: int, incident: Incident, before: Sequence[Said], during: Sequence[Said]) -> int:
    """The level of an incident that the detector gives `base`, by its loss, its services and who complains."""
    raised = base + (costly(incident.loss) or len(incident.services) >= WIDE)
    contained = not costly(incident.loss) and bool(_alone(before, during)) and len(incident.services) < WIDE
    return max(1, min(3, raised - contained))


def costly(loss: Loss | None) -> bool:
    """Whether business is clearly being lost."""
    return loss is not None and loss.low > 0 and loss.lost >= LOST * loss.expected


def reasons(
    incident: Incident, before: Sequence[Said], during: Sequence[Said], topology: Topology, language: str
) -> tuple[str, ...]:
    """Why it has the level it has: size against the usual, spread, loss."""
    zh = language == "zh"
    found = [_size(incident, zh)]
    channels, regions = (len({value for said in during if (value := getattr(said, name))}) for name in ("channel", "region"))
    spread = [
        (len(incident.services), f"{len(incident.services)} 个服务", f"{len(incident.services)} services"),
        (channels, f"{channels} 个渠道", f"{channels} channel{'s' * (channels > 1)}"),
        (regions, f"{regions} 个地区", f"{regions} region{'s' * (regions > 1)}"),
    ]
    told = [words[not zh] for number, *words in spread if number > (1 if words[0].endswith("服务") else 0)]
    if told:
        found.append(("、" if zh else ", ").join(told))
    if alone := _alone(before, during):
        found.append(f"几乎都来自 {alone}" if zh else f"nearly all from {alone}")
    if incident.loss is not None and incident.loss.low > 0:
        share, name = incident.loss.lost / max(incident.loss.expected, 1e-9), topology.title(incident.loss.service)
        least = f"{incident.loss.lost:,.0f}"
        found.append(
            f"{name} {incident.loss.metric} 少约 {least}（{share:.0%}）"
            if zh
            else f"{name} {incident.loss.metric} down by {least} ({share:.0%})"
        )
    return tuple(found)


def _size(incident: Incident, zh: bool) -> str:
    minutes = max(1, round((seconds(incident.updated_at) - seconds(incident.onset)) / 60))
    usual, times = max(incident.expected, 0.0), incident.complaints / max(incident.expected, 0.5)
    span = f"{minutes} 分钟" if minutes < 180 else f"{minutes / 60:.0f} 小时"
    if zh:
        return f"{span} {incident.complaints} 条，平时 {usual:.2g} 条（{times:.0f} 倍）"
    return f"{incident.complaints} in {minutes} min, usually {usual:.2g} ({times:.0f}×)"


def _alone(before: Sequence[Said], during: Sequence[Said]) -> str:
    """The channel or region that nearly all complaints come from, though usually they come from several; '' for none."""
    for name in ("channel", "region"):
        now, then = _shares(during, name), _shares(before, name)
        if now.total() < ENOUGH or then.total() < ENOUGH:
            continue
        [(value, count)] = now.most_common(1)
        if count >= ALONE * now.total() and then[value] <= USUALLY * then.total():
            return value
    return ""


def _shares(said: Iterable[Said], name: str) -> Counter[str]:
    return Counter(value for one in said if (value := getattr(one, name)))
