"""Judgements against texts labelled by reading; the texts are not in the tree, so most of this needs the public sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from models.artefact import SHIPPED, read_card
from models.corpus import CorpusError
from models.evaluate import OPINION_LABELS, agreements, labelled_texts, read_opinion_labels
from models.held_out import HeldOut, calibration_error, confusion, read_held_out, reliability
from models.lexicon import load_lexicon
from models.tag import load_tagger
from streams.commands.evaluate import command

DATA = Path(__file__).parents[2] / "shared" / "data" / "text"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="the public sets are not here (../shared/data/text)")

# What held when the rules were made, less what one text in 150 changes; a rule that costs more is a worse rule.
LEAST = {
    **{"intent complaint": 0.85, "intent praise": 0.85, "intent question": 0.75, "intent suggestion": 0.76},
    **{"category": 0.7, "aspect": 0.74, "severity": 0.72, "acceptance": 0.74},
}


def test_the_labels_name_what_the_tagger_can_say_and_quote_no_text() -> None:
    lexicon = load_lexicon()
    halves = [read_opinion_labels(OPINION_LABELS, held_out=held_out) for held_out in (False, True)]
    assert [len(half) for half in halves] == [579, 407]
    for intent in ("question", "suggestion"):
        assert sum(intent in label.intents for label in halves[1]) >= 25
    for label in [*halves[0], *halves[1]]:
        assert label.category in {"", *lexicon.categories} and set(label.aspects) <= set(lexicon.aspects)
        assert set(label.intents) <= {"complaint", "question", "suggestion", "praise", "chatter"}
        assert label.severity in {"", "annoyed", *lexicon.severity}
        assert bool(label.severity) == bool(label.category) == ("complaint" in label.intents)


@needs_data
def test_held_out_texts_are_judged_as_precisely_as_before() -> None:
    labels = read_opinion_labels(OPINION_LABELS, held_out=True)
    found = {each.field: each for each in agreements(load_tagger(), labels, labelled_texts(labels, DATA))}
    assert {field: found[field].precision for field in LEAST if found[field].precision < LEAST[field]} == {}
    assert found["intent complaint"].recall > 0.8


@needs_data
def test_the_command_prints_and_draws_everything_beside_the_baselines(tmp_path: Path) -> None:
    options = ["--data", str(DATA), "--out", str(tmp_path), "--baseline", "--folds", "1", "--limit", "30"]
    result = CliRunner().invoke(command, options)
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    for name in ("huiyin", "characters", "jieba"):
        judged = {line[line.index("texts") - 2] for line in lines if line[:2] == ["sentiment", name]}
        assert judged == {"shopping", "takeaway", "appstore", "car_opinion"}
    assert "held out             intent complaint" in result.stdout and ["speed", "huiyin", "tag"] in [line[:3] for line in lines]
    assert [line[1] for line in lines if line[0] == "category" and "newest" in line] == ["huiyin", "jieba"]
    assert ["words", "rjieba"] in [line[:2] for line in lines]
    assert {path.name for path in tmp_path.iterdir()} == {"confusion.svg", "calibration.svg", "speed.svg"}
    assert all("<svg" in path.read_text(encoding="utf-8") for path in tmp_path.iterdir())


def test_confusion_and_calibration_count_every_text_once() -> None:
    said = np.array([0.95, 0.92, 0.9, 0.2, 0.12, 0.51])
    held_out = HeldOut(said, np.array([1, 1, 0, 0, 0, 1], np.int8), np.array([0, 0, 0, 0, 1, 1], np.int8), ("a", "b"))
    assert confusion(held_out).tolist() == [[2, 1], [0, 3]]
    assert [confusion(held_out.of(number)).sum() for number in (0, 1)] == [4, 2]
    bins = reliability(held_out)
    assert [each.texts for each in bins] == [1, 1, 1, 3]
    assert bins[-1].said == pytest.approx(0.9233, abs=1e-4) and bins[-1].true == pytest.approx(2 / 3)
    assert calibration_error(bins) == pytest.approx((0.2 + 0.12 + 0.49 + 3 * (0.92333 - 2 / 3)) / 6, abs=1e-4)


def test_what_was_held_out_adds_up_to_the_cards_scores() -> None:
    card, held_out = read_card(SHIPPED, "sentiment"), read_held_out()
    assert card is not None
    for number, name in enumerate(held_out.domains):
        counts = confusion(held_out.of(number))
        assert counts.sum() == card.scores[name]["texts"]
        assert counts.trace() / counts.sum() == pytest.approx(card.scores[name]["accuracy"], abs=2e-4)
    assert calibration_error(reliability(held_out)) < 0.03


def test_what_cannot_be_looked_up_is_named(tmp_path: Path) -> None:
    path = tmp_path / "labels.ndjson"
    path.write_text('{"file": "x.csv", "id": 3}\n', encoding="utf-8")
    with pytest.raises(CorpusError, match=r"labels\.ndjson:1"):
        read_opinion_labels(path, held_out=False)
    result = CliRunner().invoke(command, ["--data", str(tmp_path)])
    assert result.exit_code == 1 and "none of shopping.csv.gz" in result.output
