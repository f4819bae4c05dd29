"""The sentiment model on batches: what corrections add, and that artefacts which do not fit are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.artefact import ArtefactError, Card, write_artefact
from models.features import SCHEME, Batch, batch_features
from models.segment import Segmenter
from models.sentiment import DELTA_SCHEME, NAME, load_sentiment

SAID = ["东西不错，下次还来", "等了两个小时还没送到", "一般般", ""]


def _batch(texts: list[str]) -> Batch:
    return batch_features(texts, Segmenter().cut(texts))


def _delta(folder: Path, buckets: list[int], weights: list[float], scheme: str = DELTA_SCHEME) -> Path:
    card = Card(
        name=NAME,
        scheme=scheme,
        made="2026-01-01",
        data={},
        method="",
        features="",
        scores={},
        limits="",
        parameters={},
        files={},
    )
    write_artefact(folder, card, {"buckets": np.array(buckets, np.uint32), "weights": np.array(weights, np.float32)})
    return folder


def test_a_delta_adds_to_the_texts_that_have_its_features_and_to_no_others(tmp_path: Path) -> None:
    batch = _batch(SAID)
    plain = load_sentiment().log_odds(batch)
    features = batch.features
    theirs = features.bucket[features.text == 2]
    chosen = np.setdiff1d(theirs, features.bucket[features.text != 2])
    adapted = load_sentiment(own=_delta(tmp_path, chosen.tolist(), [0.5] * len(chosen))).log_odds(batch)
    np.testing.assert_allclose(adapted - plain, [0, 0, 0.5 * len(chosen) / np.sqrt(features.size[2]), 0], atol=1e-9)
    assert adapted[3] == 0


def test_a_delta_of_nothing_changes_nothing_and_one_of_another_scheme_is_refused(tmp_path: Path) -> None:
    batch = _batch(SAID)
    assert (load_sentiment(own=_delta(tmp_path, [], [])).log_odds(batch) == load_sentiment().log_odds(batch)).all()
    with pytest.raises(ArtefactError, match="train it again"):
        load_sentiment(own=_delta(tmp_path, [], [], scheme=SCHEME))
    with pytest.raises(ArtefactError, match="missing"):
        load_sentiment(own=tmp_path / "none")


def test_a_text_says_the_same_alone_and_among_others() -> None:
    together = load_sentiment().log_odds(_batch(SAID))
    alone = [float(load_sentiment().log_odds(_batch([text]))[0]) for text in SAID]
    np.testing.assert_allclose(together, alone, atol=1e-5)
