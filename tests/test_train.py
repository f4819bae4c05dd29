"""Training through its public door: the same data give the same model, bad data and worse models are refused."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner

from models.artefact import SHIPPED, read_card
from models.corpus import CorpusError, folds, read_corpus
from models.tag import load_tagger
from streams.commands.train import command

GOOD = ["很好用", "非常满意", "物流很快", "味道不错", "推荐购买", "客服热情", "质量很棒", "五星好评"]
BAD = ["太差了", "非常失望", "物流很慢", "味道难吃", "千万别买", "客服恶劣", "质量很烂", "一星差评"]
THINGS = ["手机", "衣服", "酒店", "水果", "耳机", "电脑", "外卖", "书本", "软件", "空调"]


@pytest.fixture(autouse=True)
def _no_corrections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUIYIN_HOME", str(tmp_path / "home"))


def _write(folder: Path, rows: Iterable[tuple[int, str]]) -> Path:
    folder.mkdir(exist_ok=True)
    lines = ["label,text", *(f"{label},{text}" for label, text in rows)]
    (folder / "takeaway.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [(label, f"这个{thing}{said}") for label, words in ((1, GOOD), (0, BAD)) for said in words for thing in THINGS]
    return _write(tmp_path_factory.mktemp("labelled"), rows)


def _train(data: Path, out: Path, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, ["--data", str(data), "--out", str(out), *options])
    return result.exit_code, result.output


def test_the_same_data_give_the_same_model_and_it_tags(data: Path, tmp_path: Path) -> None:
    first, again = tmp_path / "first", tmp_path / "again"
    for out in (first, again):
        code, output = _train(data, out)
        assert code == 0, output
    assert (first / "sentiment.codes.npy").read_bytes() == (again / "sentiment.codes.npy").read_bytes()
    card = read_card(first, "sentiment")
    assert card is not None and card.data == {"takeaway": 160} and card.scores["takeaway"]["accuracy"] > 0.9
    assert _train(data, first, "--task", "keywords")[0] == 0
    good, bad = load_tagger(artefacts=first).judge(["这个杯子很好用", "这个杯子太差了"])
    assert good.sentiment > 0 > bad.sentiment


def test_a_worse_model_is_not_installed_unless_forced(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "models"
    assert _train(data, out)[0] == 0
    before = (out / "sentiment.codes.npy").read_bytes()
    noise = _write(tmp_path / "noise", [(label, f"第{said}件{thing}") for label, thing, said in _pairs()])
    code, output = _train(noise, out)
    assert code == 1 and "not installed" in output
    assert (out / "sentiment.codes.npy").read_bytes() == before
    assert _train(noise, out, "--force")[0] == 0
    assert (out / "sentiment.codes.npy").read_bytes() != before


def _pairs() -> list[tuple[int, str, str]]:
    """Labels that no sum over words can tell: one of thing and number odd, the other even."""
    return [((i + j) % 2, thing, said) for i, said in enumerate("一二三四五六七八九十") for j, thing in enumerate(THINGS)]


def test_bad_labelled_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="none of"):
        read_corpus(tmp_path)
    with pytest.raises(CorpusError, match=r"takeaway\.csv\.gz:3: expected columns text and label"):
        read_corpus(_write(tmp_path, [(1, "好"), (7, "坏")]))
    (tmp_path / "takeaway.csv.gz").write_bytes(b"not gzip")
    with pytest.raises(CorpusError, match=r"takeaway\.csv\.gz"):
        read_corpus(tmp_path)


def test_repeated_texts_share_a_fold(tmp_path: Path) -> None:
    corpus = read_corpus(_write(tmp_path, [(1, f"很好{mark}") for mark in ("", "！", "。", "!!!")] + [(0, "很差"), (0, "很 差")]))
    assert corpus.group.tolist() == [0, 0, 0, 0, 1, 1]
    fold = folds(corpus, 5)
    assert len(set(fold[:4].tolist())) == 1 and fold[4] == fold[5]


def test_the_shipped_card_says_where_the_model_comes_from() -> None:
    card = read_card(SHIPPED, "sentiment")
    assert card is not None
    assert card.scores.keys() == card.data.keys() and card.limits and card.method
    assert json.loads((SHIPPED / "sentiment.json").read_text())["files"]


def _own(path: Path, dated: bool) -> Path:
    said = {
        "屏幕": ["屏幕碎了", "屏幕发黄", "屏幕有亮点"],
        "轮胎": ["轮胎鼓包", "轮胎漏气", "轮胎偏磨"],
        "空调": ["空调不冷", "空调异响", "空调漏水"],
    }
    rows = [(f"第{number}次{text}", name) for number in range(10) for name, texts in said.items() for text in texts]
    head = "date,text,category" if dated else "text,category"
    lines = [(f"2020-01-{place // 9 + 1:02d}," if dated else "") + f"{text},{name}" for place, (text, name) in enumerate(rows)]
    path.write_text("\n".join([head, *lines]), encoding="utf-8")
    return path


@pytest.mark.parametrize(("dated", "split"), [(True, "newest fifth"), (False, "5-fold cross-validation")])
def test_own_categories_are_learnt_and_used(dated: bool, split: str, tmp_path: Path) -> None:
    file, out = _own(tmp_path / "own.csv", dated), tmp_path / "category"
    result = CliRunner().invoke(command, ["--task", "category", str(file), "--out", str(out)])
    assert result.exit_code == 0, result.output
    card = read_card(out, "category")
    assert card is not None and card.labels == ("屏幕", "空调", "轮胎") and card.scores[split]["accuracy"] > 0.9
    judged = load_tagger(own=out.parent).judge(["我的轮胎又漏气了", "空调一点都不冷"])
    assert [each.category for each in judged] == ["轮胎", "空调"]


def test_codes_tell_what_else_is_said_and_which_leads_is_learnt(tmp_path: Path) -> None:
    said = {"屏": ["屏幕碎了", "屏幕发黄"], "胎": ["轮胎鼓包", "轮胎漏气"], "调": ["空调不冷", "空调漏水"]}
    order = list(said)  # what stands first here leads, wherever it stands in the text
    lines = ["text,category,codes"]
    for number in range(8):
        for one, other in ((a, b) for a in order for b in order):
            beside = "" if one == other else f"{said[other][number % 2]}而且"
            text = f"{beside}{said[one][number // 2 % 2]}第{number}次"
            lead, second = sorted((one, other), key=order.index)
            lines.append(f'{text},{lead},"{lead}1,{second}1,"')
    path = tmp_path / "own.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    result = CliRunner().invoke(command, ["--task", "category", str(path), "--out", str(tmp_path / "own" / "category")])
    assert result.exit_code == 0, result.output
    card = read_card(tmp_path / "own" / "category", "category")
    assert card is not None and "codes" in card.method and card.scores["5-fold cross-validation"]["accuracy"] > 0.9
    judged = load_tagger(own=tmp_path / "own").judge(["今天空调漏水而且屏幕碎了", "轮胎漏气而且空调不冷", "空调不冷"])
    assert [each.category for each in judged] == ["屏", "胎", "调"]


def test_unusable_category_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    for content, reason in (
        ("text,label\n好,1\n", "own.csv:2: expected columns text and category"),
        ("text,category\n好,a\n", "at least two"),
    ):
        path.write_text(content, encoding="utf-8")
        result = CliRunner().invoke(command, ["--task", "category", str(path), "--out", str(tmp_path / "out")])
        assert result.exit_code == 1 and reason in result.output
    none = CliRunner().invoke(command, ["--task", "category"])
    assert none.exit_code == 1 and "corrections: at least two" in none.output
