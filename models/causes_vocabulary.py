"""What a metric's name gives away: which direction hurts, and whether it counts work rather than health.

A name that says nothing is judged in both directions. The words are the field's own (Prometheus exporters, SRE signals).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from models.window import SeriesKey

_WORSE_HIGH = re.compile(
    r"lat|delay|duration|response_?time|rtt|jitter|error|err\b|fail|loss|lost|drop|timeout|retr|queue|backlog|lag|5xx|4xx"
    r"|reject|crash|restart|throttl|saturat|refund|cancel|complain|abandon|bounce|ping\b|\bp\d{2,3}\b|_p\d{2,3}(_|\b)"
    r"|耗时|时延|延迟|错误|失败|超时|丢包|重试|积压|队列|拒绝|异常|投诉|退款|取消",
    re.IGNORECASE,
)
_WORSE_LOW = re.compile(
    r"avail|success|uptime|health|hit|satisf|conver|complet|apdex|score|throughput|goodput|orders?\b|gmv|revenue|sales|paid"
    r"|成功|可用|命中|转化|完成|下单|成交|营收",
    re.IGNORECASE,
)
_LOAD = re.compile(
    r"req|qps|rps|tps|\blod\b|load|traffic|volume|calls|invocation|workload|sessions?|\bpv\b|\buv\b|visits|throughput|orders?\b"
    r"|gmv|revenue|sales|transmit|receive|egress|ingress|bandwidth|请求|流量|访问|调用|并发|会话|吞吐|单量",
    re.IGNORECASE,
)
_USE = re.compile(r"cpu|mem|disk|util|usage|used|heap|pool|conn|thread|fd\b|使用率|占用|内存|连接|线程", re.IGNORECASE)


class Meaning(NamedTuple):
    """`hurts`: +1 when high values hurt, -1 when low ones do, 0 unknown. `load`: it counts work that callers send."""

    hurts: int
    load: bool
    ratio: bool  # may be read as a share of successes when it sits at its ceiling


def meaning(key: SeriesKey) -> Meaning:
    """What the name and the layer of a series say."""
    return _meaning(key.metric, key.layer in ("business", "experience"))


@lru_cache(maxsize=10_000)
def _meaning(name: str, outcome: bool) -> Meaning:
    high, low, load = (bool(words.search(name)) for words in (_WORSE_HIGH, _WORSE_LOW, _LOAD))
    if high:  # the latency or the failures of requests are no load
        return Meaning(1, False, False)
    if low:
        return Meaning(-1, load, not load)
    if outcome:
        return Meaning(-1, load, not load)
    return Meaning(0, load, not load and not _USE.search(name))
