"""What is new is found, first and in words that people would use; what is usual, periodic or merely more is not."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import random
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from models.emerging import emerging
from models.emerging_phrases import phrases, prepared
from models.emerging_significance import compared, discovered
from streams.commands.emerging import command
from streams.demo.shop import topology
from streams.demo.voices import Voices
from streams.emerging import said_before, said_newly
from streams.folder import Folder
from streams.history import Said

NEW = (
    "人脸识别老是提示光线不足", "开着灯人脸识别也不认", "人脸识别换了三个角度都失败", "登录非要人脸识别，识别不出来",
    "人脸识别一晃就闪了", "昨天起人脸识别就没成功过", "为什么付款还要人脸识别，根本过不了", "人脸识别卡在转圈",
)  # fmt: skip
SERVICES = tuple(topology().services)


class Shop:
    """Days of ordinary complaints, each day's number drawn around `size`."""

    def __init__(self, seed: int, size: int = 60) -> None:
        self._random, self._voices, self._size = random.Random(seed), Voices(seed), size

    def day(self, *more: str, times: float = 1) -> list[str]:
        size = round(times * self._size * self._random.uniform(0.7, 1.3))
        return [self._voices.say(self._random.choice(SERVICES), "everyday") for _ in range(size)] + list(more)

    def days(self, count: int) -> list[list[str]]:
        return [self.day() for _ in range(count)]


def test_a_new_issue_comes_first_by_its_name_and_with_its_texts() -> None:
    shop = Shop(1)
    today = shop.day(*NEW)
    (first, *_) = emerging(today, shop.days(28))
    assert "人脸识别" in first.title
    assert {today[place] for place in first.texts} >= set(NEW)
    assert len(first.texts) <= len(NEW) + 1
    assert first.lift > 10
    assert first.lasted == 0


def test_ordinary_days_bring_nothing_even_with_three_times_as_many_complaints() -> None:
    shop = Shop(2)
    past = shop.days(28)
    assert [emerging(shop.day(times=times), past) for times in (1, 1, 1, 3, 3, 0.1)] == [()] * 6


def test_what_bursts_every_week_is_not_new_and_what_began_two_days_ago_still_is() -> None:
    shop = Shop(3)
    weekly = [shop.day(*(NEW if day % 7 == 0 else ())) for day in range(28)]
    assert not emerging(shop.day(*NEW), weekly)
    running = [*shop.days(26), shop.day(*NEW[:5]), shop.day(*NEW)]
    (topic,) = emerging(shop.day(*NEW), running)
    assert topic.lasted == 2
    assert not emerging(shop.day(*NEW), [*shop.days(14), *(shop.day(*NEW) for _ in range(14))])


def test_two_issues_are_two_topics() -> None:
    shop = Shop(4)
    lockers = [
        f"{text}{end}" for text in ("自提柜打不开", "自提柜没有格子", "自提柜屏幕黑了") for end in ("，急", "！", "，怎么取")
    ]
    found = emerging(shop.day(*NEW, *lockers), shop.days(28))
    assert len(found) == 2
    assert {word for topic in found for word in ("人脸识别", "自提柜") if word in topic.title} == {"人脸识别", "自提柜"}


def test_nothing_is_new_without_a_past_or_with_a_past_of_nothing() -> None:
    assert emerging(list(NEW), []) == ()
    assert emerging(list(NEW), [[], []]) == ()
    assert emerging([], [list(NEW)]) == ()


def test_phrases_read_as_phrases() -> None:
    texts = prepared(
        ["更新之后就不能用了，一直收不到验证码", "我更新之后不能用啊！总是收不到验证码", "又是更新之后不能用的 收不到验证码"] * 2
    )
    found = phrases(texts, 3)
    assert {"收不到验证码", "不能用"} <= set(found.names)
    assert not {name for name in found.names if name[0] in "就的了我又" or name[-1] in "之的了啊"}
    assert not set(found.names) & {"验证码", "收不到"}  # pieces of the longer one
    assert {"登录不上", "登录"} >= set(phrases(prepared(["登录不上", "登录不了", "登录不上去"] * 2), 3).names)


def test_masks_make_no_phrase_and_traditional_characters_and_spaces_no_difference() -> None:
    texts = prepared([f"[手机号] 登錄  失敗 Face ID 不行 {number}" for number in range(5)])
    assert "登录失败" not in phrases(texts, 3).names  # a space ends a clause between Chinese words
    assert "face id" in phrases(texts, 3).names
    assert not any("手机" in name for name in phrases(texts, 3).names)


@given(st.lists(st.text(max_size=30), max_size=12), st.lists(st.lists(st.text(max_size=20), max_size=4), max_size=3))
def test_any_texts_are_taken(today: list[str], before: list[list[str]]) -> None:
    today = [text.encode("utf-8", "replace").decode() for text in today]
    before = [[text.encode("utf-8", "replace").decode() for text in day] for day in before]
    for topic in emerging([*today, *today[:2] * 3], before):
        assert topic.title.strip()
        assert max(topic.texts) < len(today) + 6


def test_three_among_eight_are_judged_by_how_much_past_there_is() -> None:
    chances = [compared(np.array([3]), 8, np.zeros((1, days), np.int64), np.full(days, 8)).chance[0] for days in (1, 4, 16, 64)]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > 0.01
    assert chances[-1] < 1e-4


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.integers(0, 200))
def test_discoveries_are_those_of_benjamini_and_hochberg(chances: list[float], more: int) -> None:
    looked = len(chances) + more
    ranked = sorted(chances)
    bar = max((chance for rank, chance in enumerate(ranked, 1) if chance <= 0.05 * rank / looked), default=-1.0)
    assert discovered(np.array(chances), looked, 0.05).tolist() == [chance <= bar for chance in chances]


def test_an_incident_names_what_its_users_say_and_nothing_when_they_say_the_usual() -> None:
    shop = Shop(5, 300)
    before = [_said(text, 60 * place) for place, text in enumerate(shop.day())]
    assert "人脸识别" in said_newly(before, [_said(text, 10**5) for text in [*NEW, *shop.day()[:20]]])[0]
    assert said_newly(before, [_said(text, 10**5) for text in shop.day()[:60]]) == ()
    assert said_newly([], [_said(text, 10**5) for text in NEW]) == said_newly(before, []) == ()


def test_where_little_is_said_weeks_of_it_are_compared_with(tmp_path: Path) -> None:
    onset = 1_772_000_000
    lines = [{"id": str(day), "ts": onset - 86_400 * day - 60, "text": "付不了款，太差了", "service": "pay"} for day in range(40)]
    (tmp_path / "complaints.ndjson").write_text("\n".join(map(json.dumps, lines)))
    history = Folder(tmp_path)
    assert len(said_before(history, "pay", onset, [])) == 28
    many = [_said("付不了款", 0)] * 200
    assert said_before(history, "pay", onset, many) is many


def test_the_command_reads_a_file_and_prints_topics_of_a_local_day(tmp_path: Path) -> None:
    shop, start = Shop(6, 30), dt.datetime(2026, 3, 1, 9, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    days = [*shop.days(10), shop.day(*(f"{text}，打13812345678没人接" for text in NEW)), shop.day()]
    lines = [
        json.dumps({"id": f"{day}-{number}", "ts": (start + dt.timedelta(days=day)).isoformat(), "text": text, "service": "app"})
        for day, texts in enumerate(days)
        for number, text in enumerate(texts)
    ]
    file = tmp_path / "said.ndjson.gz"
    file.write_bytes(gzip.compress("\n".join(lines).encode()))
    result = CliRunner().invoke(command, [str(file), "--day", "2026-03-11"], catch_exceptions=False)
    (topic, *_) = map(json.loads, result.stdout.splitlines())
    assert "人脸识别" in topic["title"]
    assert topic["since"] == topic["day"] == "2026-03-11"
    assert topic["mentions"] >= 6
    assert "13812345678" not in result.stdout
    assert CliRunner().invoke(command, [str(file)], catch_exceptions=False).stdout == ""
    file.write_bytes(gzip.compress(b'{"id": "1"}\n'))
    wrong = CliRunner().invoke(command, [str(file)])
    assert wrong.exit_code == 1
    assert "said.ndjson.gz:1" in wrong.stderr


@pytest.mark.parametrize("wrong", [["--day", "2026-03-11", "--every-day"], ["--service", "no"]])
def test_the_command_refuses_what_it_cannot_do(tmp_path: Path, wrong: list[str]) -> None:
    file = tmp_path / "said.ndjson"
    file.write_text(json.dumps({"id": "1", "ts": 1e9, "text": "付不了款", "service": "pay"}))
    assert CliRunner().invoke(command, [str(file), *wrong]).exit_code == 2


def _said(text: str, at: int) -> Said:
    return Said(f"{at}{text}", at, text, -1, "pay", "", "", "", "", "")
