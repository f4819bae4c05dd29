"""Tokens of a batch in, log-odds of praise out: one convolution over words or over characters, the best place of each filter
counted (Kim 2014, without its several widths).

What a filter's tap answers to a token depends on the token alone, so all answers are computed once, as 16-bit integers: to
judge a text is to look up, add and take the maximum.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BOUNDARY, UNKNOWN, FIRST = 0, 1, 2  # rows of the embedding: beside a text, a token not learnt, the first that was
_SLOTS = 20  # bits of a slot in the table of tokens; two tokens in one slot: the more frequent has it
_MIX = np.uint32(0x9E3779B1)
_FEW = 12  # texts that are still going on, below which each is finished by itself


class Tokens(NamedTuple):
    """Text i has the tokens key[start[i] : start[i] + length[i]]; a key is a word's hash or a code point."""

    key: NDArray[np.uint32]
    start: NDArray[np.int64]
    length: NDArray[np.int64]

    def of(self, texts: NDArray[np.int64]) -> Tokens:
        """Those of the texts given by number."""
        return Tokens(self.key, self.start[texts], self.length[texts])


class Network(NamedTuple):
    """What was learnt: row FIRST + i of `embedding` is token `keys[i]` (most frequent first); `filters` are taps × dimension ×
    filters; a text's log-odds are relu(best + bias) · output + constant.
    """

    keys: NDArray[np.uint32]
    embedding: NDArray[np.float32]
    filters: NDArray[np.float32]
    bias: NDArray[np.float32]
    output: NDArray[np.float32]
    constant: float


class Rows(NamedTuple):
    """Texts as columns, the longest first: `row[taps // 2 + j, i]` is the embedding's row of token j of text `order[i]`."""

    row: NDArray[np.int32]
    length: NDArray[np.int64]
    order: NDArray[np.int64]


class Vocabulary:
    """Keys → rows of the embedding."""

    def __init__(self, keys: NDArray[np.uint32]) -> None:
        self._keys = np.concatenate([np.zeros(FIRST, np.uint32), keys])
        self._table = np.zeros(1 << _SLOTS, np.uint16)
        self._table[_slot(keys[::-1])] = np.arange(FIRST + len(keys) - 1, FIRST - 1, -1)

    def rows(self, keys: NDArray[np.uint32]) -> NDArray[np.int32]:
        """The row of each key, UNKNOWN for one that was not learnt."""
        found = self._table[_slot(keys)]
        return np.where((self._keys[found] == keys) & (found >= FIRST), found, UNKNOWN).astype(np.int32)


class Convolution:
    """A network made ready to judge. `longest`: tokens of a text that are read."""

    def __init__(self, network: Network, longest: int) -> None:
        self._vocabulary = Vocabulary(network.keys)
        self._longest = longest
        answers = [network.embedding @ each for each in network.filters]
        self._step = max(sum(float(np.abs(each).max()) for each in answers), 1e-6) / np.iinfo(np.int16).max
        self._answers = [np.round(each / self._step).astype(np.int16) for each in answers]
        self._network = network

    def log_odds(self, tokens: Tokens) -> NDArray[np.float64]:
        """ln P(praise)/P(blame) of each text; a text without tokens gets what nothing says."""
        rows = columns(self._vocabulary.rows(tokens.key), tokens, len(self._answers), self._longest)
        best = self._best(rows).astype(np.float32) * np.float32(self._step)
        found = np.empty(len(rows.order))
        active = np.maximum(best + self._network.bias, 0)
        # not @: its sums may depend on how many texts there are
        found[rows.order] = np.einsum("ij,j->i", active, self._network.output) + self._network.constant
        return found

    def _best(self, rows: Rows) -> NDArray[np.int16]:
        """The largest answer of each filter to each text: place by place, over the texts that are so long."""
        answers, row = self._answers, rows.row
        best = np.full((len(rows.length), answers[0].shape[1]), np.iinfo(np.int16).min, np.int16)
        total, one = np.empty_like(best), np.empty_like(best)
        going = lasting(rows.length)
        place = 0
        while place < len(going) and going[place] >= _FEW:
            count = going[place]
            here, add = total[:count], one[:count]
            np.take(answers[0], row[place, :count], 0, out=here, mode="clip")
            for tap in range(1, len(answers)):
                np.take(answers[tap], row[place + tap, :count], 0, out=add, mode="clip")
                here += add
            np.maximum(best[:count], here, out=best[:count])
            place += 1
        for text in range(going[place] if place < len(going) else 0):
            end = rows.length[text]
            rest = sum(each[row[place + tap : end + tap, text]] for tap, each in enumerate(answers))
            best[text] = np.maximum(best[text], np.max(rest, axis=0))
        return best


def columns(row: NDArray[np.int32], tokens: Tokens, taps: int, longest: int) -> Rows:
    """The rows of all tokens laid out place by place; BOUNDARY beside each text."""
    length = np.minimum(tokens.length, longest)
    order = np.argsort(-length, kind="stable")
    length = length[order]
    found = np.full((int(length[0]) + taps - 1 if len(length) else 0, len(length)), BOUNDARY, np.int32)
    before = np.cumsum(length) - length
    place = np.arange(int(length.sum())) - np.repeat(before, length)
    found[place + taps // 2, np.repeat(np.arange(len(length)), length)] = row[np.repeat(tokens.start[order], length) + place]
    return Rows(found, length, order)


def lasting(length: NDArray[np.int64]) -> list[int]:
    """How many texts have a token at each place; `length` descends."""
    found: list[int] = np.searchsorted(-length, -np.arange(int(length[0]) if len(length) else 0), side="left").tolist()
    return found


def encode(name: str, network: Network) -> dict[str, NDArray[Any]]:
    """The arrays of an artefact."""
    return {
        f"{name}_keys": network.keys,
        f"{name}_embedding": network.embedding.astype(np.float16),
        f"{name}_filters": network.filters,
        f"{name}_head": np.stack([network.bias, network.output, np.full_like(network.bias, network.constant)]),
    }


def decode(name: str, arrays: Mapping[str, NDArray[Any]]) -> Network:
    """The network that `encode` wrote. Raises KeyError when an array is not there."""
    bias, output, constant = arrays[f"{name}_head"]
    embedding = arrays[f"{name}_embedding"].astype(np.float32)
    return Network(arrays[f"{name}_keys"], embedding, arrays[f"{name}_filters"], bias, output, float(constant[0]))


def _slot(keys: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return (keys * _MIX) >> np.uint32(32 - _SLOTS)
