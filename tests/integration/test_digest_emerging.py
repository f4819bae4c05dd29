"""A new issue comes first in the digest of its day, of its product and over all; a quiet day and one without a past have none."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from click.testing import CliRunner

from models.tag import load_tagger
from streams import records
from streams.commands.digest import command
from streams.config import Settings
from streams.decode import Delivery
from streams.demo.shop import topology
from streams.demo.voices import Voices
from streams.digest import Digest, gather
from streams.sink import Sink
from streams.store import rollup
from streams.store import topology as stored_topology
from streams.store.client import Store
from streams.store.schema import migrate

pytestmark = pytest.mark.integration
ZONE = ZoneInfo("Asia/Shanghai")
FIRST = dt.date(2026, 3, 1)
PLANTED, QUIET = FIRST + dt.timedelta(days=12), FIRST + dt.timedelta(days=13)
NEW = (
    "自提柜打不开，取件码无效，气死了", "快递扔进自提柜也不说一声，差评", "自提柜屏幕黑了，东西拿不出来",
    "自提柜坏了，没人管，太差了", "取件码是错的，自提柜不认，垃圾", "自提柜离我家两公里，送货上门根本没有",
    "自提柜又满了，快递给退回去了，失望", "自提柜还要收费，太坑了",
)  # fmt: skip


@pytest.fixture(scope="module")
def filled(settings: Settings) -> Settings:
    """Fourteen days of two products, 80 complaints a day; on the thirteenth, deliveries have a new issue."""
    voices, choose = Voices(9), random.Random(9)
    with closing(Store(settings.clickhouse_access("admin"))) as admin:
        migrate(admin, settings.retention_days)
    with closing(Store(settings.clickhouse_access("writer"))) as store:
        sink = Sink(store, load_tagger(topology()), 60, threading.Event())
        stored_topology.save(store, topology())
        for number in range(14):
            day = FIRST + dt.timedelta(days=number)
            ordinary = [(service, voices.say(service, "everyday")) for service in choose.choices(("pay", "delivery"), k=80)]
            new = [("delivery", text) for text in NEW if day == PLANTED]
            sink.process([Delivery(records.Origin(records.COMPLAINTS, 0, number), _array(day, [*ordinary, *new]))])
        while rollup.refresh(store):
            pass
    return settings


def _array(day: dt.date, said: Sequence[tuple[str, str]]) -> bytes:
    start = dt.datetime.combine(day, dt.time(), ZONE).timestamp()  # the first and the last complaint are close to midnight
    return msgspec.json.encode(
        [
            {"id": f"{day}-{place}", "ts": start + 86_399 * place / len(said), "service": service, "text": text}
            for place, (service, text) in enumerate(said)
        ]
    )


def test_a_new_issue_is_first_of_its_product_and_over_all(filled: Settings) -> None:
    digest = _digest(filled, PLANTED)
    products = {one.product: one for one in digest.products}
    for topics in (digest.emerging, products["履约"].emerging):
        assert "自提柜" in topics[0].title
        assert topics[0].since == PLANTED
        assert topics[0].mentions >= 6
        assert topics[0].lift > 10
        assert set(topics[0].quotes) <= set(NEW)
    assert not products["收银台"].emerging


def test_a_quiet_day_and_a_day_without_a_past_have_none(filled: Settings) -> None:
    for day in (QUIET - dt.timedelta(days=2), QUIET, FIRST):
        digest = _digest(filled, day)
        assert not digest.emerging
        assert not any(one.emerging for one in digest.products)


def test_page_and_message_say_it(filled: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUIYIN_HOME", str(filled.home))
    monkeypatch.setenv("HUIYIN_DATABASE", filled.clickhouse_access("reader").database)
    for language, heading in (("zh", "新出现的问题"), ("en", "Emerging issues")):
        monkeypatch.setenv("HUIYIN_LANGUAGE", language)
        shown = []
        for day in (PLANTED, QUIET):
            result = CliRunner().invoke(command, ["--date", str(day), "--out", str(tmp_path)], catch_exceptions=False)
            shown.append([Path(line).read_text(encoding="utf-8") for line in result.stdout.splitlines()])
        assert all(heading in text and "自提柜" in text for text in shown[0])
        assert not any(heading in text for text in shown[1])


def _digest(settings: Settings, day: dt.date) -> Digest:
    with closing(Store(settings.clickhouse_access("reader"))) as store:
        return gather(store, day, ZONE)
