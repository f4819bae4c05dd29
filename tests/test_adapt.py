"""Adapting: corrected texts and those like them are judged as readers say, others as before; what is worse is not installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from models.adapt import AdaptError, adapt
from models.artefact import ArtefactError, read_card
from models.tag import load_tagger
from models.train import WorseModelError
from streams.commands.train import command
from streams.own_models import Reloading

THINGS = ["手机", "衣服", "酒店", "水果", "耳机", "电脑", "外卖", "书本", "软件", "空调", "窗帘", "台灯"]
LIKED, DISLIKED = ("拉满了", "直接封神"), ("咕咕了", "又摆烂")  # a team's own words
TEXTS = [f"这次的{thing}{word}" for word in LIKED + DISLIKED for thing in THINGS]
POLARITY = [1 if word in LIKED else -1 for word in LIKED + DISLIKED for _ in THINGS]
OTHERS = ["快递三天才到，盒子也破了", "客服很耐心，马上就解决了", "请问怎么开发票", "座椅有点硬", "一般般，凑合用"]


def sentiments(own: Path | None, texts: list[str]) -> list[float]:
    return [each.sentiment for each in load_tagger(own=own).judge(texts)]


def test_what_was_learnt_holds_for_texts_like_them_and_moves_no_others(tmp_path: Path) -> None:
    card = adapt(TEXTS, POLARITY, tmp_path / "sentiment")
    assert card.scores["corrections, adapted"]["accuracy"] > card.scores["corrections"]["accuracy"]
    assert card.scores["guard, adapted"]["accuracy"] >= card.scores["guard"]["accuracy"] - 0.01
    alike = ["那台冰箱拉满了", "新版本直接封神", "你们的发货咕咕了", "这个功能又摆烂"]
    before, after = sentiments(None, alike), sentiments(tmp_path, alike)
    assert all(new > old for old, new in zip(before[:2], after[:2], strict=True))
    assert all(new < old for old, new in zip(before[2:], after[2:], strict=True))
    assert after[0] > 0 and after[1] > 0 and after[2] < 0 and after[3] < 0
    moved = [abs(new - old) for old, new in zip(sentiments(None, OTHERS), sentiments(tmp_path, OTHERS), strict=True)]
    assert max(moved) < 0.05
    again = adapt(list(reversed(TEXTS)), list(reversed(POLARITY)), tmp_path / "again")
    assert again.scores["guard, adapted"] == card.scores["guard, adapted"]


def test_too_little_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AdaptError, match=r"1 texts .* at least 20"):
        adapt(["太好了"] * 40, [1] * 40, tmp_path)


def test_noise_and_what_turns_plain_texts_around_are_not_installed_unless_forced(tmp_path: Path) -> None:
    noise = [1 if (place + place // len(THINGS)) % 2 else -1 for place in range(len(TEXTS))]
    with pytest.raises(WorseModelError, match=r"held out.*not installed"):
        adapt(TEXTS, noise, tmp_path)
    turned = {"很好": -1, "非常满意": -1, "太喜欢了": -1, "真好用": -1, "太差了": 1, "让人失望": 1, "质量很差": 1, "不好用": 1}
    said = [(f"这个{thing}{word}", sign) for word, sign in turned.items() for thing in THINGS]
    with pytest.raises(WorseModelError, match=r"plain texts are judged worse.*not installed"):
        adapt([text for text, _ in said], [sign for _, sign in said], tmp_path)
    assert not list(tmp_path.iterdir())
    adapt(TEXTS, noise, tmp_path, force=True)
    assert read_card(tmp_path, "sentiment") is not None


def test_the_command_learns_from_a_file_and_a_worker_takes_it_up_without_a_restart(tmp_path: Path) -> None:
    home = {"HUIYIN_HOME": str(tmp_path)}
    own = tmp_path / "models"
    running = Reloading(lambda: load_tagger(own=own), own)
    before = running.judge(["新版本又摆烂"])[0].sentiment
    file = tmp_path / "corrections.ndjson"
    rows = [{"text": text, "polarity": said} for text, said in zip(TEXTS, POLARITY, strict=True)]
    file.write_text("\n".join(json.dumps(row) for row in rows[:10]), encoding="utf-8")
    refused = CliRunner().invoke(command, ["--task", "adapt", str(file)], env=home)
    assert refused.exit_code == 1 and "at least 20 are needed" in refused.stderr and refused.stdout == ""
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    done = CliRunner().invoke(command, ["--task", "adapt", str(file)], env=home)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["data"]["corrections"] == len(TEXTS)
    after = running.judge(["新版本又摆烂"])[0].sentiment
    assert after < before
    assert sentiments(own, ["新版本又摆烂"]) == [after]
    card = own / "sentiment" / "sentiment.json"
    other = json.loads(card.read_text())
    card.write_text(json.dumps(other | {"parameters": {"prior": 1.0}}))
    assert running.judge(["新版本又摆烂"])[0].sentiment == after
    with pytest.raises(ArtefactError, match=r"sentiment\.json was learnt beside another shipped model"):
        load_tagger(own=own)


def test_services_and_categories_are_learnt_from_a_file_and_from_what_was_corrected(tmp_path: Path) -> None:
    home = {"HUIYIN_HOME": str(tmp_path)}
    said = {"pay": ["扣款两次", "付不了钱", "支付转圈"], "ship": ["快递没动静", "三天没发货", "包裹丢了"]}
    rows = [(f"第{number}次{text}", name) for number in range(6) for name, texts in said.items() for text in texts]
    given = [{"text": text, "service": name} for text, name in rows]
    (tmp_path / "own.ndjson").write_text("\n".join(json.dumps(row) for row in given[:18]), encoding="utf-8")
    (tmp_path / "models").mkdir()
    kept = [{"text": text, "service": name, "category": f"about-{name}", "ts": 1_767_225_600} for text, name in rows[18:]]
    (tmp_path / "models" / "corrections.ndjson").write_text("\n".join(json.dumps(row) for row in kept), encoding="utf-8")
    done = CliRunner().invoke(command, ["--task", "service", str(tmp_path / "own.ndjson")], env=home)
    assert done.exit_code == 0 and json.loads(done.stdout)["data"] == {"own.ndjson": 18, "corrections": 18}, done.output
    assert CliRunner().invoke(command, ["--task", "category"], env=home).exit_code == 0
    noise = [{"text": text, "service": str(place.bit_count() % 2)} for place, (text, _) in enumerate(rows)]
    (tmp_path / "noise.ndjson").write_text("\n".join(json.dumps(row) for row in noise), encoding="utf-8")
    refused = CliRunner().invoke(
        command, ["--task", "service", str(tmp_path / "noise.ndjson"), "--out", str(tmp_path / "x")], env=home
    )
    assert refused.exit_code == 1 and "not installed" in refused.stderr and not (tmp_path / "x").exists()
    judged = load_tagger(own=tmp_path / "models").judge(["第2次包裹丢了", "第3次扣款两次"])
    assert [(each.service, each.category) for each in judged] == [("ship", "about-ship"), ("pay", "about-pay")]
