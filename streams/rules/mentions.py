"""The daily limit of negative mentions of a product (or service): beyond it the crisis plan starts, once a day."""

from __future__ import annotations

from collections import Counter

from streams.records import Alert
from streams.rules.asked import Asked

MOST_NAMED = 3


def firing(asked: Asked) -> list[Alert]:
    """One alert a product whose negative mentions have reached the limit since local midnight; it lasts until the next."""
    rule, topology = asked.config.mentions, asked.topology
    if not rule.enabled or asked.at - asked.heard.midnight > 86_400:
        return []
    together: dict[str, Counter[str]] = {}
    for service, count in asked.heard.today.items():
        known = topology.services.get(service)
        product = (known.product if known and rule.by == "product" else "") or service
        together.setdefault(product, Counter())[service] += count
    return [_alert(asked, name, counts) for name, counts in sorted(together.items()) if counts.total() >= rule.limit]


def _alert(asked: Asked, product: str, counts: Counter[str]) -> Alert:
    rule, topology = asked.config.mentions, asked.topology
    most = counts.most_common(MOST_NAMED)
    owners = dict.fromkeys(topology.services[name].owner for name, _ in most if name in topology.services)
    named = asked.words("、", ", ").join(owner for owner in owners if owner)
    title = topology.title(product) or asked.words("未指明产品", "No product named")
    day = asked.calendar.local(asked.heard.midnight)
    parts = asked.words("、", ", ").join(f"{topology.title(name) or title} {count}" for name, count in most)
    reasons = (
        asked.words(f"当日负面 {counts.total()} 条，每日上限 {rule.limit} 条；其中 {parts}",
                    f"{counts.total()} negative mentions today, the limit is {rule.limit}; of these {parts}"),
        asked.words(f"牵头：{named or '产品负责人（services.yaml 未写 owner）'}",
                    f"In charge: {named or 'the product owner (services.yaml names none)'}"),
        asked.words("危机预案：1) 确认事实与影响范围；2) 统一对外口径并在主要渠道回应；3) 逐条回访；4) 每小时更新进展，直到回落",
                    "Crisis plan: 1) establish facts and reach; 2) one statement, answered in the main channels; "
                    "3) call users back; 4) report every hour until it falls"),
    )  # fmt: skip
    return asked.alert(
        f"{product}:{day:%Y-%m-%d}", most[0][0], level=rule.level, since=asked.heard.midnight,
        measured=(float(counts.total()), float(rule.limit)),
        words=(asked.words(f"{title}：负面提及超过每日上限，请启动危机预案",
                           f"{title}: negative mentions beyond the daily limit, start the crisis plan"), *reasons),
    )  # fmt: skip
