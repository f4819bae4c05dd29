"""What people read on the dashboards, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    "service_dashboard": ("回音 · 服务关联视图", "Huiyin · service correlation"),
    "service_about": (
        "一个服务的投诉、业务、应用、机房指标与变更、事件，共用一条时间轴。",
        "One service: complaints, business, application and IDC metrics, changes and incidents on one time axis.",
    ),
    "overview_dashboard": ("回音 · 总览", "Huiyin · overview"),
    "overview_about": ("所有服务的用户体验与未恢复的事件。", "Every service's user experience, and the incidents still open."),
    "folder": ("回音", "Huiyin"),
    "service": ("服务", "Service"),
    "metric": ("指标", "Metric"),
    "product": ("产品", "Product"),
    "complaints": ("用户声音（每分钟）", "What users say, per minute"),
    "total": ("全部", "all"),
    "negative": ("负面", "negative"),
    "before": ("昨日同时", "a day before"),
    "negative_share": ("负面占比", "Negative share"),
    "business": ("业务与体验（平时 = 100%）", "Business and experience, usual = 100%"),
    "app": ("应用（平时 = 100%）", "Application, usual = 100%"),
    "callees": ("被调服务（偏离最大的 8 条，平时 = 100%）", "Services it calls: the 8 series that moved most, usual = 100%"),
    "idc": ("机房与网络（平时 = 100%）", "IDC and network, usual = 100%"),
    "values": ("原值", "As measured"),
    "incidents": ("事件", "Incidents"),
    "changes": ("变更", "Changes"),
    "said": ("用户原话（已脱敏）", "What users said (masked)"),
    "slices": ("负面集中在谁身上", "Whom it hits"),
    "open_incidents": ("未恢复事件", "Open incidents"),
    "negative_today": ("今日负面提及", "Negative mentions today"),
    "voices": ("用户声音", "User voices"),
    "dead_letters": ("死信", "Dead letters"),
    "stored_through": ("数据到", "Data through"),
    "services": ("服务一览", "Services"),
    "by_service": ("各服务负面（每分钟）", "Negative by service, per minute"),
    "by_channel": ("渠道", "Channels"),
    "open": ("未恢复", "open"),
    "sentiment": ("平均情感", "mean sentiment"),
    "page_load": ("页面加载 ms", "page load ms"),
    "time": ("时间", "time"),
    "onset": ("起点", "onset"),
    "opened_at": ("发现", "opened"),
    "resolved_at": ("恢复", "resolved"),
    "title": ("名称", "title"),
    "level": ("级别", "level"),
    "status": ("状态", "status"),
    "verdict": ("结论", "verdict"),
    "cause": ("首因", "first cause"),
    "text": ("原话", "text"),
    "channel": ("渠道", "channel"),
    "region": ("地区", "region"),
    "cohort": ("分组", "cohort"),
    "app_version": ("版本", "version"),
    "polarity": ("极性", "polarity"),
    "category": ("类别", "category"),
    "slice": ("切面", "slice"),
    "alerts": ("预警（没有投诉激增也成立）", "Alerts beside complaint surges"),
    "experience": ("体验指数", "experience"),
    "experience_lowest": ("最低体验", "lowest experience"),
    "experience_worst": (
        "体验指数最低的服务（平时约 80）",
        "Experience index of the services that fared worst, usually about 80",
    ),
    "experience_parts": ("体验指数与各项（平时约 80）", "Experience index and its parts, usually about 80"),
    "part": ("项", "part"),
    "reasons": ("理由", "reasons"),
    "emerging": ("新出现的说法", "said newly"),
    "kind": ("种类", "kind"),
    "starts_at": ("开始", "starts"),
    "ends_at": ("结束", "ends"),
    "threshold": ("界限", "limit"),
    "before_negative": ("上一区间负面", "negative before"),
}


def word(key: str, language: str) -> str:
    """What `key` is called in `language` ('zh' or 'en')."""
    chinese, english = WORDS[key]
    return chinese if language == "zh" else english
