"""Silence of a channel, a service or everybody who usually talks: a collector is dead, or users cannot reach us.

It is warned of when what should have been said by then makes silence less likely by chance than the rule's probability.
"""

from __future__ import annotations

from streams.records import Alert
from streams.rules.asked import Asked
from streams.rules.heard import ALL, Quiet

# A service that fell silent with a silent channel (seconds) is that channel's silence.
TOGETHER = 15 * 60


def firing(asked: Asked) -> list[Alert]:
    """One alert a silent channel or service; when everybody is silent, one for that."""
    rule = asked.config.silence
    if not rule.enabled:
        return []
    quiet = asked.heard.quiet(asked.at, rule.probability)
    everybody = [one for one in quiet if one.source == ALL]
    if everybody:
        return [_alert(asked, everybody[0])]
    channels = [one for one in quiet if one.source[0] == "channel"]
    first = min((one.since for one in channels), default=None)
    services = [one for one in quiet if one.source[0] == "service" and (first is None or one.since < first - TOGETHER)]
    return [_alert(asked, one) for one in (*channels, *services)]


_TITLES = {
    "all": ("所有渠道都没有声音", "Nothing is heard from any channel"),
    "channel": ("渠道 {name} 没有声音", "Channel {name} has gone silent"),
    "service": ("{name}没有声音", "{name} has gone silent"),
}
_CHECKS = {
    "all": ("先查采集与 Kafka，再查用户能否联系到我们", "Check collectors and Kafka, then whether users can reach us"),
    "channel": ("检查渠道 {name} 的采集", "Check the collector of channel {name}"),
    "service": ("检查采集，以及用户能否打开{name}", "Check the collectors, and whether users can open {name}"),
}


def _alert(asked: Asked, quiet: Quiet) -> Alert:
    kind, name = quiet.source
    called = asked.topology.title(name) if kind == "service" else name
    since = f"{asked.calendar.local(quiet.since):%m-%d %H:%M}"
    reason = asked.words(
        f"{since} 起 0 条，应有约 {quiet.expected:.0f} 条（按平时，并按其他来源和近几小时的多少折算）",
        f"Nothing since {since}; about {quiet.expected:.0f} were expected (as usual, given what others say and the last hours)",
    )
    return asked.alert(
        f"{kind}:{name}", name if kind == "service" else "", level=asked.config.silence.level, since=quiet.since,
        measured=(0.0, quiet.expected),
        words=(asked.words(*_TITLES[kind]).format(name=called), reason, asked.words(*_CHECKS[kind]).format(name=called)),
    )  # fmt: skip
