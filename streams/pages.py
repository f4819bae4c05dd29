"""Pages for people: an incident or a digest in, one self-contained HTML file out, readable on a phone and in print."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache, partial
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from streams.curves import GREY, RED, Axis, Line, Mark, Panel, stacked
from streams.digest import Digest, ProductDigest
from streams.history import History
from streams.incident_curves import story
from streams.message import LAYERS, LEVELS, Wording, cut
from streams.notify.channel import Message, fit
from streams.page_words import category, words
from streams.records import Incident

WIDE, NARROW = 8.6, 4.0  # inches: a desk's page and a phone's
DIGEST_BYTES = 4096  # the smallest chat channel's limit


def incident_page(incident: Incident, history: History, wording: Wording) -> str:
    """The page of one incident: what users suffer from, why, and the joined curves."""
    say = words(wording.language)
    told = story(incident, history, wording.topology, wording.timezone, say)
    marks = [Mark(incident.onset.timestamp(), say["mark_onset"], RED)]
    letters = {(change.id, change.at): chr(ord("A") + number) for number, change in enumerate(told.changes[:26])}
    marks += [Mark(at, letter) for (_, at), letter in letters.items()]
    suspicion = {cause.change: cause.probability for cause in incident.causes if cause.kind == "change"}
    panels = [told.said, *told.measured]
    pictures = [stacked(told.axis, panels, marks, width) for width in (WIDE, NARROW)]
    return page(
        "incident.html", wording, i=incident, level=LEVELS[wording.language].get(incident.level, ""), pictures=pictures,
        changes=told.changes, letters=letters, suspicion=suspicion, owners=wording.owners(incident),
    )  # fmt: skip


def digest_page(digest: Digest, wording: Wording) -> str:
    """The page of a day: each product's voices, pain, praise, wishes, incidents and follow-up."""
    pictures = {product.product: _day_curves(product, digest, wording) for product in digest.products if product.day.total}
    return page("digest.html", wording, d=digest, pictures=pictures)


def digest_message(digest: Digest, wording: Wording) -> Message:
    """The day as one chat message, at most DIGEST_BYTES long; products with the most negative mentions first."""
    say = words(wording.language)
    text = page("digest.md.j2", wording, d=digest)
    lines = "\n".join(line.strip() for line in text.splitlines() if line.strip())
    laid = lines.replace("\n###", "\n\n###").replace("\n-", "\n\n-").replace("\n>", "\n\n>")
    return Message(f"{say['digest']} {digest.date}", fit(laid, DIGEST_BYTES, "\n\n…"))


def _day_curves(product: ProductDigest, digest: Digest, wording: Wording) -> list[str]:
    midnight = int(dt.datetime.combine(digest.date, dt.time(), wording.timezone).timestamp())
    hours = np.arange(24) * 3600 + midnight
    said, before = np.array(product.hourly), np.array(product.hourly_before)
    lines = [Line(said[:, 0], GREY, "area"), Line(said[:, 1], RED, "area")]
    if digest.days_before:
        lines += [Line(before[:, 0], GREY, "dashes"), Line(before[:, 1], RED, "dashes")]
    panel = Panel(words(wording.language)["hourly"], tuple(lines), high=True)
    return [stacked(Axis(hours, wording.timezone), [panel], (), width) for width in (WIDE, NARROW)]


def page(template: str, wording: Wording, **values: Any) -> str:
    """Any template of ours, with the words of the reader's language at hand."""
    return (
        _templates()
        .get_template(template)
        .render(
            t=words(wording.language),
            lang=wording.language,
            w=wording,
            layers=LAYERS[wording.language],
            levels=LEVELS[wording.language],
            category=partial(category, language=wording.language),
            **values,
        )
    )


def chat(text: str) -> Markup:
    """A chat message's Markdown as a chat shows it: headings, bold, code, quotes and list lines, all else escaped."""
    shown = []
    for line in text.splitlines():
        marked = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", re.sub(r"`(.+?)`", r"<code>\1</code>", str(escape(line.strip()))))
        for start, element in (("### ", "h3"), ("&gt; ", "blockquote"), ("- ", "li")):
            if marked.startswith(start):
                shown.append(f"<{element}>{marked.removeprefix(start)}</{element}>")
                break
        else:
            shown += [f"<p>{marked}</p>"] if marked else []
    return Markup("\n".join(shown))  # everything of the message is escaped above


def _compact(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("streams"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        autoescape=lambda name: (name or "").endswith(".html"),
    )
    environment.filters["compact"] = _compact
    environment.filters["cut"] = cut
    environment.filters["chat"] = chat
    environment.filters["percent"] = lambda share: f"{100 * share:.1f}%"
    return environment
