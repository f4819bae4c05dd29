"""Categories that lead in a fixed order, through the command: the order is learnt from the codes where they show one."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from models.artefact import SHIPPED, ArtefactError, Card, read_card
from models.category import leading
from models.features import SCHEME
from models.own import load_models
from models.tag import load_tagger
from streams.commands.train import command

SAID = {
    "屏": ["屏幕碎了", "屏幕发黄", "屏幕有亮点"],
    "胎": ["轮胎鼓包", "轮胎漏气", "轮胎偏磨"],
    "调": ["空调不冷", "空调异响", "空调漏水"],
    "门": ["车门生锈", "车门关不严", "车门掉漆"],
    "灯": ["大灯起雾", "大灯不亮", "大灯发黄"],
}
ORDER = tuple(SAID)  # what stands first here leads, wherever it stands in the text
SPLIT = "5-fold cross-validation"


@pytest.fixture(autouse=True)
def _no_corrections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUIYIN_HOME", str(tmp_path / "home"))


def _train(path: Path, texts: list[tuple[str, str, str]], out: Path, task: str = "category") -> Card:
    lines = [f"text,{task},codes", *(f'{text},{label},"{codes}"' for text, label, codes in texts)]
    path.write_text("\n".join(lines), encoding="utf-8")
    result = CliRunner().invoke(command, ["--task", task, str(path), "--out", str(out)])
    assert result.exit_code == 0, result.output
    card = read_card(out, "category")
    assert card is not None
    return card


def _said(leader: str) -> list[tuple[str, str, str]]:
    """Texts that say one thing or two; what leads of two is the one that takes precedence, or (`leader`) said first or last."""
    found = [(f"{text}第{number}次", name, f"{name}1") for number in range(2) for name, told in SAID.items() for text in told]
    for number, pair in enumerate([*permutations(ORDER, 2)] * 3):
        one, other = (SAID[name][(number + place) % 3] for place, name in enumerate(pair))
        lead, beside = {
            "precedence": sorted(pair, key=ORDER.index),
            "turns": pair if number // 20 % 2 else pair[::-1],
        }[leader]
        found.append((f"{one}而且{other}", lead, f"{lead}1,{beside}1"))
    return found


def test_a_precedence_is_learnt_and_judges_better_than_labels_alone(tmp_path: Path) -> None:
    texts = _said("precedence")
    card = _train(tmp_path / "own.csv", texts, tmp_path / "own" / "category")
    assert card.labels == ORDER and card.parameters["precedence"] == 1 and "precedence" in card.method
    alone = _train(tmp_path / "alone.csv", [(text, label, "") for text, label, _ in texts], tmp_path / "alone")
    assert alone.labels == tuple(sorted(ORDER)) and not alone.parameters and "precedence" not in alone.method
    assert card.scores[SPLIT]["accuracy"] > max(0.95, alone.scores[SPLIT]["accuracy"] + 0.02)
    judged = load_tagger(own=tmp_path / "own").judge(["今天大灯不亮而且屏幕碎了", "车门生锈而且空调漏水", "大灯起雾", ""])
    assert [each.category for each in judged] == ["屏", "调", "灯", ""]


def test_without_a_precedence_what_leads_is_learnt_from_the_margins(tmp_path: Path) -> None:
    card = _train(tmp_path / "own.csv", _said("turns"), tmp_path / "category")
    assert not card.parameters and "precedence" not in card.method and card.labels == tuple(sorted(ORDER))


def test_a_few_texts_of_two_categories_show_no_precedence(tmp_path: Path) -> None:
    card = _train(tmp_path / "own.csv", _said("precedence")[:40], tmp_path / "category")
    assert "precedence" not in card.method


def test_a_service_by_precedence_is_silent_where_nothing_is_said(tmp_path: Path) -> None:
    card = _train(tmp_path / "own.csv", _said("precedence"), tmp_path / "own" / "service", task="service")
    assert card.parameters["precedence"] == 1 and card.parameters["least"] >= 0
    service = load_tagger(own=tmp_path / "own")
    assert [each.service for each in service.judge(["轮胎漏气第3次", "今天天气真好啊"])] == ["胎", ""]


def test_an_artefact_of_the_scheme_before_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "own" / "category"
    card = _train(tmp_path / "own.csv", _said("precedence"), out)
    assert load_models(SHIPPED, tmp_path / "own").category is not None
    (out / "category.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(card, scheme=SCHEME)))
    with pytest.raises(ArtefactError, match="train it again"):
        load_models(SHIPPED, tmp_path / "own")


def test_the_first_that_is_said_leads() -> None:
    said = np.array([[0.9, 0.99], [0.2, 0.9], [0.2, 0.3]])
    odds = leading(np.log(said / (1 - said)))
    assert np.allclose(1 / (1 + np.exp(-odds)), [[0.9, 0.099], [0.2, 0.72], [0.2, 0.24]])
    assert np.isfinite(leading(np.array([[800.0, 800.0], [-800.0, 1.0]]))).all()
