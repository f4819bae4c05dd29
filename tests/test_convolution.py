"""The convolution over tokens: the fast way adds up to the slow one, order is learnt, an artefact brings it back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.convolution import FIRST, UNKNOWN, Convolution, Network, Tokens, decode, encode
from models.train_convolution import Shape, fit

KEYS = np.array([70000, 5, 4_000_000_000, 17, 3], np.uint32)
SHAPE = Shape(taps=3, filters=8, dimension=4, longest=50, epochs=6, rate=0.02, hidden=0.0, dropped=0.0, batch=16)


def _tokens(texts: list[list[int]]) -> Tokens:
    length = np.array([len(text) for text in texts], np.int64)
    key = np.array([each for text in texts for each in text], np.uint32)
    return Tokens(key, np.cumsum(length) - length, length)


def _network(taps: int) -> Network:
    draw = np.random.default_rng(0).normal
    embedding = draw(size=(FIRST + len(KEYS), 4)).astype(np.float32)
    embedding[0] = 0
    filters = draw(size=(taps, 4, 6)).astype(np.float32)
    return Network(KEYS, embedding, filters, draw(size=6).astype(np.float32), draw(size=6).astype(np.float32), 0.25)


def _written_out(network: Network, text: list[int]) -> float:
    row = {int(key): FIRST + place for place, key in enumerate(KEYS)}
    taps = len(network.filters)
    beside = np.zeros((taps, network.embedding.shape[1]))
    vectors = np.concatenate([beside, [network.embedding[row.get(key, UNKNOWN)] for key in text], beside])
    best = np.full(network.bias.shape, -np.inf)
    for place in range(len(text)):
        first = taps + place - taps // 2
        best = np.maximum(best, sum(vectors[first + tap] @ network.filters[tap] for tap in range(taps)))
    return float(np.maximum(best + network.bias, 0) @ network.output) + network.constant


@given(st.lists(st.lists(st.sampled_from([*KEYS.tolist(), 99]), min_size=1, max_size=30), min_size=1, max_size=40))
@settings(max_examples=40, deadline=None)
def test_looking_up_equals_what_is_written_out(texts: list[list[int]]) -> None:
    for taps in (3, 4):
        network = _network(taps)
        found = Convolution(network, longest=100).log_odds(_tokens(texts))
        np.testing.assert_allclose(found, [_written_out(network, text) for text in texts], atol=0.02)


def test_only_the_longest_part_of_a_text_is_read_and_none_is_no_error() -> None:
    judge = Convolution(_network(3), longest=4)
    long = [5, 17, 3, 70000, 5, 5, 5]
    assert judge.log_odds(_tokens([long, long[:4]])).tolist() == [judge.log_odds(_tokens([long[:4]]))[0]] * 2
    assert judge.log_odds(_tokens([[], [5]]))[1] == judge.log_odds(_tokens([[5]]))[0]
    assert len(judge.log_odds(_tokens([]))) == 0


def test_what_only_order_tells_is_learnt_the_same_each_time_and_kept() -> None:
    draw = np.random.default_rng(1)
    label = draw.integers(0, 2, 400).astype(np.int8)
    around = draw.integers(10, 20, (400, 4)).tolist()
    texts = [[*words[:2], *((5, 17) if praise else (17, 5)), *words[2:]] for praise, words in zip(label, around, strict=True)]
    network = fit(_tokens(texts), label, SHAPE)
    assert ((Convolution(network, 50).log_odds(_tokens(texts)) > 0) == label).mean() > 0.95
    again = fit(_tokens(texts), label, SHAPE)
    assert all(
        (one == other).all() for one, other in zip(encode("x", network).values(), encode("x", again).values(), strict=True)
    )
    kept = Convolution(decode("x", encode("x", network)), 50).log_odds(_tokens(texts))
    assert kept == pytest.approx(Convolution(network, 50).log_odds(_tokens(texts)), abs=0.05)
