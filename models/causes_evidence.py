"""Evidence of causes and of impact as facts, and the one place that puts them into words.

Facts are small tuples, so that a language is a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Fact(NamedTuple):
    """What was seen: a kind from PHRASES and the values its phrase names."""

    kind: str
    values: Mapping[str, str | float | int]


PHRASES: dict[str, dict[str, str]] = {
    "deviation": {
        "zh": "{metric} 偏离 {sigma:.1f}σ，持续 {minutes:.0f} 分钟",
        "en": "{metric} deviates by {sigma:.1f} sigma for {minutes:.0f} min",
    },
    "lead": {"zh": "比投诉早 {minutes:.0f} 分钟", "en": "{minutes:.0f} min before the complaints"},
    "follow": {"zh": "比投诉晚 {minutes:.0f} 分钟", "en": "{minutes:.0f} min after the complaints"},
    "callees_fine": {"zh": "下游与机房未见同等异常", "en": "nothing it depends on is as anomalous"},
    "callers_suffer": {"zh": "受影响的调用方：{callers}", "en": "callers that suffer: {callers}"},
    "unreached": {"zh": "{service} 并不依赖它", "en": "{service} does not depend on it"},
    "after_change": {
        "zh": "{service} 在变更后 {minutes:.0f} 分钟出现异常，变更前正常",
        "en": "{service} went wrong {minutes:.0f} min after the change, and not before",
    },
    "only_complaints": {"zh": "变更后只有投诉增加，指标未见异常", "en": "only complaints rose after the change, no metric did"},
    "cohort": {
        "zh": "灰度群 {cohort} 投诉相对风险 {ratio:.1f}（95% 区间 {low:.1f}–{high:.1f}）",
        "en": "relative risk of complaints in {cohort} {ratio:.1f} (95 % {low:.1f} to {high:.1f})",
    },
    "control_sisters": {
        "zh": "对照组：未受变更影响的同类服务",
        "en": "control: sister services that the change cannot have touched",
    },
    "control_cohort": {
        "zh": "对照组：灰度群 {cohort} 之外的用户（双重差分）",
        "en": "control: users outside {cohort} (difference in differences)",
    },
    "control_days": {"zh": "对照组：此前几天的同一时段", "en": "control: the same hours of earlier days"},
    "control_level": {
        "zh": "无对照组：没有此前同一时段的数据，仅与变更前比较",
        "en": "no control: no earlier day is known, compared with before only",
    },
    "control_trend": {
        "zh": "无对照组：没有此前同一时段的数据，仅与变更前趋势比较",
        "en": "no control: no earlier day is known, compared with the trend before only",
    },
    "control_unlike": {
        "zh": "无对照组：此前几天的同一时段与当天不相似，仅与变更前比较",
        "en": "no control: earlier days are unlike this one, compared with before only",
    },
    "control_complaints": {"zh": "对照组：灰度群 {cohort} 之外用户的投诉", "en": "control: complaints of users outside {cohort}"},
    "single_yes": {
        "zh": "单一变量：前后 1 小时内上下游没有其他变更",
        "en": "single variable: no other change nearby within an hour",
    },
    "single_no": {
        "zh": "单一变量不成立：前后 1 小时内另有变更 {changes}",
        "en": "not a single variable: also changed within an hour: {changes}",
    },
    "life_watched": {
        "zh": "全周期：变更后已观察 {minutes:.0f} 分钟",
        "en": "life cycle: watched for {minutes:.0f} min after the change",
    },
    "life_short": {
        "zh": "全周期不足：变更后仅观察 {minutes:.0f} 分钟",
        "en": "life cycle: only {minutes:.0f} min watched after the change",
    },
    "life_stages": {"zh": "阶段：{stages}", "en": "stages: {stages}"},
    "life_lasting": {"zh": "{metric} 的变化仍在持续", "en": "the shift of {metric} lasts"},
    "life_over": {"zh": "{metric} 观察期末已在常态范围", "en": "{metric} is within its usual range at the end"},
    "shift": {
        "zh": "{metric} 的变化是无变更时段常见波动的 {ratio:.1f} 倍",
        "en": "{metric} moved {ratio:.1f} times what one moment in ten without a change shows",
    },
    "innocent_quiet": {
        "zh": "变更 {change} 无责：{service} 自身无异常",
        "en": "change {change} is not guilty: {service} itself is normal",
    },
    "innocent_before": {
        "zh": "变更 {change} 无责：{service} 在变更前已异常",
        "en": "change {change} is not guilty: {service} was wrong before it",
    },
    "innocent_explained": {
        "zh": "变更 {change} 无责：{service} 的异常由其依赖解释",
        "en": "change {change} is not guilty: what {service} depends on explains it",
    },
    "innocent_cohort": {
        "zh": "变更 {change} 无责：灰度群 {cohort} 的投诉不多于其他用户",
        "en": "change {change} is not guilty: its cohort {cohort} complains no more than others",
    },
}


def say(fact: Fact, language: str = "zh") -> str:
    """The fact in words; language zh or en."""
    return PHRASES[fact.kind][language].format(**fact.values)
