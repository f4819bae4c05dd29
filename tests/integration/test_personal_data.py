"""Nothing personal is stored: what was planted in every field of complaints, follow-ups, changes and refused records is gone."""

from __future__ import annotations

import datetime as dt
import json
import threading
from contextlib import closing
from typing import Any

import pytest

from models.tag import load_tagger
from streams import records as r
from streams.config import Settings
from streams.decode import Delivery
from streams.sink import Sink
from streams.store.client import Store
from streams.store.schema import migrate

pytestmark = pytest.mark.integration
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0).isoformat()
PERSONAL = {
    "13812345678": "电话13812345678",
    "138-1234": "138-1234-５６７８",
    "11010519491231002X": "身份证11010519491231002X",
    "6222021234567890128": "卡号6222 0212 3456 7890 128",
    "zhang.san@example.com": "邮箱zhang.san@example.com",
    "lisi_2020": "微信号lisi_2020",
    "87654321": "QQ：87654321",
    "62345678": "座机010-62345678",
    "京A12345": "车牌京A12345",
    "欧阳小明": "收货人：欧阳小明",
    "王建国": "我叫王建国，",
    "望京街道": "地址：北京市朝阳区望京街道花家地小区",
    "三五七": "电话一三八三五七二四六八零",
    "2019042012345678": "订单号2019042012345678",
}


def deliver(topic: str, *values: Any) -> list[Delivery]:
    raw = [value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode() for value in values]
    return [Delivery(r.Origin(topic, 0, offset), value) for offset, value in enumerate(raw)]


def everything(store: Store) -> str:
    tables = ("complaints", "followups", "changes", "dead_letters")
    return "\n".join(str(row) for table in tables for row in store.rows(f"SELECT * FROM {table} FINAL"))


def test_nothing_personal_is_stored_and_what_belongs_together_still_meets(settings: Settings) -> None:
    with closing(Store(settings.clickhouse_access("admin"))) as admin:
        migrate(admin, settings.retention_days)
    said = "，".join(PERSONAL.values())
    phone = "13812345678"
    complaint = {
        "ts": NOW, "text": f"付款失败，{said}", "user": phone, "region": PERSONAL["望京街道"], "order": phone, "service": "pay",
    }  # fmt: skip
    change = {"id": "c", "ts": NOW, "kind": "release", "service": "pay", "title": said, "operator": "zhang.san@example.com"}
    with closing(Store(settings.clickhouse_access("writer"))) as store:
        sink = Sink(store, load_tagger(), 60, threading.Event(), token_key="a key")
        sent = sink.process(deliver(r.COMPLAINTS, complaint | {"id": phone}, complaint | {"id": "c-2"}, {"text": said}))
        sent += sink.process(deliver(r.COMPLAINTS, said.encode(), complaint | {"id": "3", "rating": said}))
        sent += sink.process(
            deliver(r.FOLLOWUPS, {"complaint": phone, "ts": NOW, "status": "closed", "note": said}, {"complaint": said})
        )
        sent += sink.process(deliver(r.CHANGES, change))
        stored = everything(store)
        assert store.rows("SELECT count() FROM complaints FINAL") == [(2,)]
        assert store.rows("SELECT count() FROM dead_letters FINAL")[0][0] >= 3
        met = "SELECT count() FROM complaints AS c FINAL INNER JOIN followups AS f FINAL ON c.id = f.complaint"
        assert store.rows(met) == [(1,)]
        assert store.rows("SELECT uniqExact(user), any(order_id) = any(user), countIf(severity != '') FROM complaints FINAL") == [
            (1, 1, 2)
        ]
    leaving = stored + "".join(out.value.decode() for out in sent)
    assert [plain for plain in PERSONAL if plain in leaving] == []
