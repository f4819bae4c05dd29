"""What people read on pages, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Mapping

CATEGORIES: Mapping[str, tuple[str, str]] = {
    "payment": ("支付", "payment"),
    "login": ("登录", "login"),
    "crash": ("卡顿闪退", "crashes and slowness"),
    "delivery": ("物流", "delivery"),
    "refund": ("退款售后", "refunds"),
    "price": ("价格优惠", "prices"),
    "quality": ("质量", "quality"),
    "attitude": ("服务态度", "attitude"),
    "connection": ("连接", "connection"),
    "other": ("其他", "other"),
    "": ("", ""),
}
_WORDS: Mapping[str, tuple[str, str]] = {
    "onset": ("起点", "Onset"),
    "opened": ("发现", "Opened"),
    "resolved": ("恢复", "Resolved"),
    "still_open": ("未恢复", "still open"),
    "lasted": ("历时", "Lasted"),
    "complaints": ("投诉", "Complaints"),
    "usual": ("平时同期", "usually"),
    "touched": ("涉及服务", "Services touched"),
    "owner": ("负责人", "Owner"),
    "slice": ("集中于", "Concentrated in"),
    "verdict": ("为什么", "Why"),
    "explained": ("找到了可信的原因", "A credible cause was found"),
    "unexplained": ("监控和变更里没有找到可信的原因", "Nothing in metrics or changes earns the blame"),
    "probability": ("可能性", "Probability"),
    "lead": ("早于投诉", "Ahead of complaints"),
    "evidence": ("依据", "Evidence"),
    "path": ("传导路径", "Path"),
    "since": ("起", "since"),
    "curves": ("同一条时间轴", "On one time axis"),
    "voices": (
        "每分钟声音：全部灰、负面红，虚线为前几天",
        "Said a minute: all grey, negative red, dashed: days before",
    ),
    "changes": ("变更", "Changes"),
    "no_changes": ("这段时间没有相关变更", "No change to these services in this window"),
    "suspected": ("嫌疑", "suspicion"),
    "quotes": ("用户原话（已脱敏）", "In users' words (masked)"),
    "loss": ("业务损失", "Business lost"),
    "expected": ("预计", "expected"),
    "actual": ("实际", "actual"),
    "none_lost": ("未见明显损失", "no clear loss"),
    "mark_onset": ("起", "on"),
    "mark_opened": ("发现", "found"),
    "digest": ("用户声音日报", "Sentiment digest"),
    "all": ("全部声音", "All voices"),
    "negative": ("负面", "Negative"),
    "positive": ("正面", "Positive"),
    "share": ("负面占比", "Negative share"),
    "before": ("前 {days} 天日均", "mean of {days} days before"),
    "no_before": ("此前没有数据", "no days before"),
    "over_limit": (
        "负面提及超过每日上限 {limit} 条，请启动危机预案",
        "Negative mentions above the daily limit of {limit}: start the crisis plan",
    ),
    "emerging": ("新出现的问题", "Emerging issues"),
    "times_before": ("前 28 天的 {lift} 倍", "{lift} times as often as in 28 days before"),
    "hardly_before": ("前 28 天几乎没有", "hardly said in 28 days before"),
    "since_day": ("{day} 起", "since {day}"),
    "pains": ("主要痛点", "Pain points"),
    "praises": ("好评", "Praise"),
    "wishes": ("建议", "Suggestions"),
    "incidents": ("事件", "Incidents"),
    "no_incidents": ("当日没有事件", "No incidents"),
    "followups": ("回访闭环", "Follow-up"),
    "open": ("待处理", "open"),
    "handling": ("处理中", "handling"),
    "called_back": ("已回访", "called back"),
    "closed": ("已关闭", "closed"),
    "satisfaction": ("满意度", "satisfaction"),
    "unanswered": ("等得最久的用户", "Waiting longest"),
    "promised": ("承诺", "promised"),
    "unassigned": ("未指明产品", "No product named"),
    "hourly": (
        "每小时声音：全部灰、负面红，虚线为前几天",
        "Said an hour: all grey, negative red, dashed: days before",
    ),
    "hour": ("时", "h"),
    "pieces": ("条", ""),
    "nothing": ("当日没有声音", "Nothing was said"),
    "products": ("产品", "Products"),
    "demo": ("回音演示：商店的一天", "Huiyin demonstration: a day in a shop"),
    "messages": ("值班群收到的消息", "What the on-call chat received"),
    "dashboards": ("Grafana 看板", "Grafana dashboards"),
    "pages": ("事件页", "Incident pages"),
    "false": ("误报事件", "False incidents"),
    "stored": ("送出与入库", "Sent and stored"),
    "chat_message": ("群消息", "chat message"),
    "users": ("用户", "users"),
    "cause": ("原因", "cause"),
    "backtest": ("回放：历史上会发现什么", "Backtest: what history would have shown"),
    "span": ("时间范围", "Span"),
    "what_if": ("换一组设置会怎样", "What other settings would have called"),
    "what_if_note": (
        "同一份投诉计数，逐项改一个设置重算（5 分钟一步）；以服务为单位计激增，一个事件可含几个。",
        "The same counts, one setting changed at a time, in steps of five minutes. Surges of single services.",
    ),
    "settings": ("设置", "Settings"),
    "in_force": ("当前设置", "in force"),
    "surges": ("激增", "Surges"),
    "kept": ("仍发现", "Kept"),
    "lost_ones": ("漏掉", "Lost"),
    "added_ones": ("多出", "Added"),
    "series": ("每个服务的投诉", "Complaints by service"),
    "series_note": (
        "红线：每小时负面；灰带：平时范围（约 95% 的普通小时）；底色：事件及其级别；橙色竖线：变更；蓝点：其他设置会在何时发现。",
        "Red: negative an hour. Grey: the usual (some 95 % of ordinary hours). Shaded: incidents by level. Orange: changes."
        " Blue dots: when other settings would have called.",
    ),
    "more_series": ("其他服务", "More services"),
    "cause_found": ("原因", "Cause"),
    "no_cause": ("无可信原因", "none credible"),
    "alerts": ("预警", "Alerts"),
    "none_followed": ("当日没有回访记录", "No follow-up recorded"),
}


def words(language: str) -> dict[str, str]:
    """Every word by its name, in `language` ('zh' or 'en')."""
    return {name: pair[language != "zh"] for name, pair in _WORDS.items()}


def category(name: str, language: str) -> str:
    """What a category of problem is called."""
    return CATEGORIES.get(name, (name, name))[language != "zh"]
