"""The digest's numbers are those of the tables, for the local day and no other; page and message come from the command."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from shop import fill, incident, save

from streams import config
from streams.commands.digest import command
from streams.config import Settings
from streams.demo.scenario import Scenario
from streams.digest import Digest, gather
from streams.notify.inbox import Inbox, serving
from streams.store.client import Store

pytestmark = pytest.mark.integration
ZONE = ZoneInfo("Asia/Shanghai")
DAY = dt.date(2026, 3, 10)
SCENARIO = Scenario(DAY, ZONE, seed=5, quiet_days=1)
MIDNIGHT = SCENARIO.clock.day


@pytest.fixture(scope="module")
def filled(settings: Settings) -> Settings:
    """Two hours on either side of local midnight, and an incident on either side."""
    fill(settings, SCENARIO, MIDNIGHT - 7200, MIDNIGHT + 7200)
    save(settings, incident("pay", MIDNIGHT - 60), incident("pay", MIDNIGHT + 3600), incident("cart", MIDNIGHT + 3600))
    return settings


@pytest.fixture(scope="module")
def digest(filled: Settings) -> Digest:
    with closing(Store(filled.clickhouse_access("reader"))) as store:
        return gather(store, DAY, ZONE)


def test_volumes_are_of_the_local_day_and_compared_with_the_day_before(filled: Settings, digest: Digest) -> None:
    with closing(Store(filled.clickhouse_access("reader"))) as store:
        ours = "count(), countIf(polarity < 0), countIf(polarity > 0)"
        today = store.rows(f"SELECT {ours} FROM complaints FINAL WHERE ts >= toDateTime({MIDNIGHT})")[0]
        before = store.rows(f"SELECT {ours} FROM complaints FINAL WHERE ts < toDateTime({MIDNIGHT})")[0]
    assert today[0] > 500
    assert tuple(sum(one.day[place] for one in digest.products) for place in range(3)) == today
    assert digest.days_before == 1
    assert tuple(sum(one.before[place] for one in digest.products) for place in range(3)) == before
    for product in digest.products:
        assert sum(said for said, _ in product.hourly) == product.day.total
        assert not any(said for said, _ in product.hourly[2:])
        assert any(said for said, _ in product.hourly_before[22:])


def test_products_have_their_own_pains_quotes_and_incidents(digest: Digest) -> None:
    products = {one.product: one for one in digest.products}
    assert products.keys() == {"收银台", "导购", "履约", "账号", ""}
    delivery = products["履约"]
    assert delivery.pains[0].service == "delivery"
    assert delivery.pains[0].mentions >= delivery.pains[1].mentions > 0
    assert delivery.pains[0].quotes
    assert delivery.praises
    assert delivery.wish_count >= len(delivery.wishes) > 0
    assert [one.service for one in products["收银台"].incidents] == ["pay"]
    assert [one.service for one in products["导购"].incidents] == ["cart"]
    assert delivery.over_limit
    assert digest.products[-1].product == ""


def test_followups_stand_as_at_the_days_end(filled: Settings, digest: Digest) -> None:
    with closing(Store(filled.clickhouse_access("reader"))) as store:
        expected = store.rows(
            "SELECT uniqExact(complaint) FROM followups FINAL"
            f" WHERE complaint IN (SELECT id FROM complaints FINAL WHERE ts >= toDateTime({MIDNIGHT}))"
        )[0][0]
    assert sum(sum(one.followups.statuses.values()) for one in digest.products) == expected > 10
    for product in digest.products:
        waiting = [owed.since for owed in product.followups.oldest]
        assert waiting == sorted(waiting)
        assert all(owed.status in ("open", "handling") for owed in product.followups.oldest)


def test_the_command_writes_both_and_sends_what_the_robot_takes(
    filled: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUIYIN_HOME", str(filled.home))
    monkeypatch.setenv("HUIYIN_DATABASE", filled.clickhouse_access("reader").database)
    arguments = ["--date", str(DAY), "--out", str(tmp_path / "out")]
    with serving(Inbox(tmp_path / "inbox", "SEC1")) as webhook:
        monkeypatch.setenv("HUIYIN_DINGTALK_WEBHOOK", webhook)
        monkeypatch.setenv("HUIYIN_DINGTALK_SECRET", "SEC1")
        assert config.load().dingtalk_webhook == webhook
        result = CliRunner().invoke(command, [*arguments, "--send"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    page, message = (Path(line) for line in result.stdout.splitlines())
    assert "用户声音日报" in page.read_text(encoding="utf-8")
    assert len(message.read_bytes()) <= 4096
    (received,) = (tmp_path / "inbox").glob("*.md")
    assert received.read_text(encoding="utf-8").strip() == message.read_text(encoding="utf-8").strip()
    one = CliRunner().invoke(command, [*arguments, "--product", "收银台"], catch_exceptions=False)
    assert one.exit_code == 0
    assert "配送" not in Path(one.stdout.splitlines()[0]).read_text(encoding="utf-8")
    wrong = CliRunner().invoke(command, [*arguments, "--product", "没有"])
    assert wrong.exit_code == 2
    assert "没有" in wrong.stderr
