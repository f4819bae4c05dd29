"""The end of the demonstration: a Result in; a table on the terminal, pages, digest, dashboards and an index.html out."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import click
from rich.console import Console
from rich.table import Table

import dashboards
from dashboards.panels import Json
from streams import pages
from streams.commands.dashboards import publish_all, write
from streams.config import Settings
from streams.demo.events import Planted
from streams.demo.run import Result
from streams.demo.scenario import Scenario
from streams.demo.summary import LATE, Finding
from streams.digest import gather
from streams.message import Wording
from streams.records import Incident
from streams.store.client import Store
from streams.store.history import StoredHistory

HEADS = {
    "zh": ("埋下的事件", "起点", "结果", "发现延迟", "真因排名", "对变更的判断", "消息延迟", "提前预警"),
    "en": ("planted", "felt at", "result", "delay", "true cause", "changes", "message after", "warned ahead"),
}


class Row(NamedTuple):
    """One line of the table, in words."""

    planted: str
    felt: str
    result: str
    delay: str
    rank: str
    changes: str
    waited: str = ""
    warned: str = ""


def rows(result: Result, wording: Wording) -> list[Row]:
    """The table: one row a planted event, in the order in which users felt them."""
    ordered = sorted(result.summary.findings, key=lambda finding: finding.planted.felt or finding.planted.begins)
    return [_row(finding, result, wording) for finding in ordered]


def _row(finding: Finding, result: Result, wording: Wording) -> Row:
    zh, planted = wording.language == "zh", finding.planted
    title = planted.title if zh else planted.english or planted.title
    felt = f"{dt.datetime.fromtimestamp(planted.felt or planted.begins, wording.timezone):%H:%M}"
    if not planted.incident:
        wrong = [one for one in result.summary.false if _during(one, planted)]
        calm = ("没有误报" if zh else "no alarm") if not wrong else (f"误报 {len(wrong)}" if zh else f"{len(wrong)} false")
        return Row(title, felt, calm, "", "", "")
    if finding.incident is None:
        return Row(title, felt, "未发现" if zh else "missed", "", "", "")
    more = f" (+{len(finding.more)})" if finding.more else ""
    rank = f"#{finding.rank}" if finding.rank else ("未列出" if zh else "not listed")
    if finding.incident.verdict == "unexplained":
        rank += "（判为无因）" if zh else " (unexplained)"
    delay = f"{finding.delay_minutes:.0f} {'分钟' if zh else 'min'}"
    wait = result.waits.get(finding.incident.id)
    waited = f"{wait:.1f} {'秒' if zh else 's'}" if wait is not None else ""
    return Row(title, felt, ("发现" if zh else "found") + more, delay, rank, _verdict(finding, zh), waited, _ahead(finding, zh))


def _ahead(finding: Finding, zh: bool) -> str:
    """How long before users felt it, and before a usual threshold would have spoken, sub-health was warned of."""
    if finding.warned is None:
        return ""
    at = finding.warned.starts_at.timestamp()
    felt, crossed = ((then - at) / 60 for then in (finding.planted.felt, finding.planted.crossed))
    told = f"{felt:.0f} 分钟（用户感到前）" if zh else f"{felt:.0f} min before users"
    if not finding.planted.crossed:
        return told
    return told + (f"，{crossed:.0f} 分钟（静态阈值前）" if zh else f", {crossed:.0f} min before a threshold")


def _verdict(finding: Finding, zh: bool) -> str:
    suspect = finding.planted.change or finding.planted.innocent
    if not suspect:
        return ""
    if finding.change is None:
        return f"{suspect} {'未被怀疑' if zh else 'not suspected'}"
    return f"{suspect} {finding.change.probability:.0%} (#{finding.change_rank})"


def _during(incident: Incident, planted: Planted) -> bool:
    touched = not planted.services or {incident.service, *incident.services} & set(planted.services)
    return bool(touched) and planted.begins <= incident.opened_at.timestamp() <= planted.ends + LATE


def show(result: Result, wording: Wording, console: Console) -> None:
    """Prints the summary."""
    zh = wording.language == "zh"
    table = Table(title=("埋下的事件与找到的" if zh else "What was planted and what was found"), title_justify="left")
    for head in HEADS[wording.language]:
        table.add_column(head, overflow="fold")
    for row in rows(result, wording):
        table.add_row(*row)
    console.print(table)
    console.print(("误报事件" if zh else "False incidents") + f": {len(result.summary.false)}")
    for incident in result.summary.false:
        console.print(
            f"  {wording.clock(incident.opened_at)} {incident.title} · {incident.complaints}", markup=False, highlight=False
        )
    if result.before:
        console.print(("预热期间的事件" if zh else "Incidents during warm-up") + f": {len(result.before)}")
    kept = " · ".join(
        f"{one.kind} {one.sent:,} = {one.stored:,}" if one.sent == one.stored else f"{one.kind} {one.sent:,} ≠ {one.stored:,}"
        for one in result.stored
    )
    console.print(("送出与入库" if zh else "Sent and stored") + f": {kept}", highlight=False)
    took = result.seconds
    speed = 86400 / took["day"] if took["day"] else 0
    said = f"预热 {took['quiet']:.0f} 秒，当天 {took['day']:.0f} 秒（{speed:.0f} 倍速），收尾 {took['settling']:.0f} 秒"
    console.print(
        said
        if zh
        else f"warm-up {took['quiet']:.0f} s, the day {took['day']:.0f} s ({speed:.0f}×), settling {took['settling']:.0f} s"
    )
    if not result.settled:
        console.print(
            "收尾超时：部分数据尚未入库或判定" if zh else "timed out: some data are not stored or not judged", style="red"
        )


class Written(NamedTuple):
    """What was written: relative paths with their titles, and where the dashboards were published (or why not)."""

    incidents: list[tuple[str, Incident]]
    messages: list[tuple[str, str]]
    dashboards: list[str]
    published: list[str]


def write_all(result: Result, scenario: Scenario, settings: Settings, out: Path, wording: Wording) -> Written:
    """Writes pages, digest, dashboards and index.html. Raises StoreError, StoreUnavailable."""
    date = dt.datetime.fromtimestamp(scenario.clock.day, scenario.clock.zone).date()
    with closing(Store(settings.clickhouse_access("reader"))) as store:
        history = StoredHistory(store)
        named = [(f"incidents/{_file_name(incident)}", incident) for incident in result.incidents]
        for path, incident in named:
            _text(out / path, pages.incident_page(incident, history, wording))
        digest = gather(store, date, settings.timezone)
    _text(out / "digest.html", pages.digest_page(digest, wording))
    message = pages.digest_message(digest, wording)
    _text(out / "digest.md", message.text + "\n")
    built = dashboards.build(settings.language)
    for board in built.values():
        board["time"] = {name: _iso(scenario.clock.day + after) for name, after in (("from", 0), ("to", 86400))}
    paths = [str(path.relative_to(out)) for path in write(built, out / "dashboards")]
    published = _published(settings, built)
    written = Written(named, _messages(out), paths, published)
    table = {"date": date, "rows": rows(result, wording), "heads": HEADS[wording.language]}
    _text(out / "index.html", pages.page("index.html", wording, **table, written=written, result=result))
    return written


def _published(settings: Settings, built: dict[str, Json]) -> list[str]:
    """Where the dashboards went, when a Grafana is named. One that refuses does not spoil the demonstration."""
    if not settings.grafana_url:
        return []
    try:
        return publish_all(settings, built)
    except click.ClickException as error:
        error.show()
        return []


def _messages(out: Path) -> list[tuple[str, str]]:
    files: Sequence[Path] = sorted((out / "messages").glob("[0-9]*.md"))
    return [(f"messages/{path.name}", path.read_text(encoding="utf-8")) for path in files]


def _file_name(incident: Incident) -> str:
    return re.sub(r"[^\w.-]+", "-", incident.id) + ".html"


def _iso(at: int) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
