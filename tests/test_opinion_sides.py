"""Who blames, who only talks: owners among themselves, wishes made out of liking, and which of two nested problems counts."""

from __future__ import annotations

import pytest

from models.lexicon import load_lexicon
from models.opinion import OpinionMiner, Opinions

MINER = OpinionMiner(load_lexicon())


def _judged(text: str, sentiment: float) -> Opinions:
    return MINER.judge(MINER.read([text])[0], sentiment, "")


@pytest.mark.parametrize("text", ["如果发动机漏油的话，去4s店检查一下垫片就可以", "你这变速箱顿挫是正常的，不用担心"])
def test_owners_who_advise_each_other_do_not_complain(text: str) -> None:
    assert "complaint" not in _judged(text, -0.9).intents


@pytest.mark.parametrize("text", ["发动机漏油严重", "变速箱顿挫4s店不解决"])
def test_a_report_of_the_same_faults_is_a_complaint(text: str) -> None:
    assert "complaint" in _judged(text, -0.3).intents


def test_an_owner_who_is_clearly_angry_complains() -> None:
    assert "complaint" in _judged("刚提车一个月，发动机就漏油，垃圾", -0.99).intents


def test_owners_wish_nothing_of_the_service_unless_they_blame_it() -> None:
    assert _judged("建议换全合成机油，发动机声音小", 0.1).intents == ()


def test_a_wish_made_out_of_liking_is_praise() -> None:
    assert _judged("支持国货，希望越做越好", 0.98).intents == ("praise",)
    assert "praise" not in _judged("希望早点支持横屏", 0.6).intents


def test_a_problem_inside_a_longer_one_does_not_count() -> None:
    assert _judged("网络不可用", -0.9).category == "connection"


def test_what_is_told_is_not_asked() -> None:
    assert "question" not in _judged("不知道是不是还在", 0.0).intents
    assert "question" in _judged("是不是还在？", 0.0).intents
