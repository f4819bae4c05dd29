"""Complaints of users with a channel, a region, a version and a cohort; a surge that touches all of them or a slice only.

Dimensions lean on each other as in life: the gray cohort runs the newest version, old versions come from few regions, hotline
callers name no version. Shares are uneven. Some of what a sliced surge brings lies outside the slice.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streams.history import Said

CHANNELS = ("app", "hotline", "weibo", "app_store", "chat")
REGIONS = ("广东", "江苏", "浙江", "山东", "北京", "四川", "上海", "河南", "湖北", "福建", "陕西", "甘肃")
VERSIONS = ("5.2.1", "5.2.0", "5.1.3", "5.1.2", "5.0.8", "4.9.9")
LEAK = 0.05


class Surge(NamedTuple):
    """Complaints before and during it, how many of those during were to be expected, and the slice planted ({}: none)."""

    before: list[Said]
    during: list[Said]
    expected: float
    planted: dict[str, str]


class Crowd:
    """Users drawn with one generator."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._region = self._random.dirichlet(np.linspace(4, 0.5, len(REGIONS))).cumsum()[:-1]
        self._version = self._random.dirichlet([3, 5, 3, 2, 1, 1]).cumsum()[:-1]

    def surge(self, dimensions: tuple[str, ...], brought: int, usual: int = 300) -> Surge:
        """A surge of about `brought` complaints in a slice that fixes `dimensions`, with a quarter of that of the usual ones."""
        before = [self._said(number) for number in range(usual)]
        expected = brought / 4
        during = [self._said(usual + number) for number in range(self._random.poisson(expected))]
        like = self._said(0)
        while not all(getattr(like, dimension) for dimension in dimensions):
            like = self._said(0)
        planted = {dimension: "gray" if dimension == "cohort" else getattr(like, dimension) for dimension in dimensions}
        during += [
            self._like(10**6 + number, {} if self._random.random() < LEAK else planted)
            for number in range(self._random.poisson(brought))
        ]
        return Surge(before, during, expected, planted)

    def family(self, brought: int) -> Surge:
        """A surge in every version of one family (5.1.x)."""
        made = self.surge((), brought)
        hit = [self._like(10**6 + number, {"app_version": ("5.1.2", "5.1.3")[number % 2]}) for number in range(brought)]
        return made._replace(during=made.during[: round(made.expected)] + hit, planted={"app_version": "5.1.x"})

    def _like(self, number: int, fixed: dict[str, str]) -> Said:
        """One of those who are in the slice: the newest of many who is, or, where hardly anybody is, one moved there."""
        for _ in range(300):
            said = self._said(number)
            if all(getattr(said, dimension) == value for dimension, value in fixed.items()):
                return said
        return said._replace(**fixed)

    def _said(self, number: int) -> Said:
        draw = self._random
        cohort = "gray" if draw.random() < 0.08 else "stable"
        channel = CHANNELS[int(np.searchsorted([0.5, 0.7, 0.8, 0.9], draw.random()))]
        region = REGIONS[int(np.searchsorted(self._region, draw.random()))]
        version = "5.2.1" if cohort == "gray" else VERSIONS[int(np.searchsorted(self._version, draw.random()))]
        if region in REGIONS[-4:] and draw.random() < 0.3:
            version = "4.9.9"
        return Said(str(number), number, "坏了", -1, "pay", "", channel, region, "" if channel == "hotline" else version, cohort)
