"""How the shop's users say it: a service and a way of talking in, a text out. Templates, slots, slang, slips and emoji.

Some texts hold personal data (invented numbers of the right form), so that masking has something to mask.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from streams.demo.shop import phrases

TYPO_SHARE = 0.05
PERSONAL_SHARE = 0.03
# How often several people of one mood repeat only the bare symptom.
BARE_SHARE = 0.3


class Voices:
    """Texts, drawn with one random generator so that a seed gives the same day."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._words = phrases()

    def say(self, service: str, way: str) -> str:
        """One text about `service` ('' for none). `way`: fault, everyday, praise, suggestion, question or chatter."""
        draw, words = self._random, self._words
        if way == "chatter":
            return self._fill(draw.choice(words["chatter"]) + draw.choice(words["happy"][:4]))
        if service:
            core = draw.choice(words["services"][service][way])
        else:
            core = draw.choice(words["generic"]["negative" if way in ("fault", "everyday") else way])
        if way in ("fault", "everyday"):
            text = self._complaint(core)
        elif way == "praise":
            text = core + draw.choice(words["happy"])
        else:
            text = draw.choice(words["openers"]["plain"]) + core
        text = self._fill(text)
        if draw.random() < TYPO_SHARE:
            text = self._slip(text)
        if way != "praise" and draw.random() < PERSONAL_SHARE:
            text += self._personal()
        return text

    def promise(self) -> str:
        """What the hotline promises."""
        return str(self._random.choice(self._words["promises"]))

    def _complaint(self, core: str) -> str:
        draw, words = self._random, self._words
        if draw.random() < BARE_SHARE:
            return core + str(draw.choice(words["closers"]))
        parts = [core, draw.choice(words["consequences"]), draw.choice(words["demands"])]
        comma = draw.choice(("，", "，", "，", " ", ",", "。"))
        opener = draw.choice(words["openers"]["angry" if draw.random() < 0.6 else "plain"])
        return str(opener + comma.join(part for part in parts if part) + draw.choice(words["closers"]))

    def _fill(self, text: str) -> str:
        for slot, values in self._words["slots"].items():
            if f"<{slot}>" in text:
                text = text.replace(f"<{slot}>", self._random.choice(values))
        return text

    def _slip(self, text: str) -> str:
        known = [word for word in self._words["typos"] if word in text]
        if known and self._random.random() < 0.7:
            word = self._random.choice(known)
            return text.replace(word, self._words["typos"][word], 1)
        at = self._random.randrange(len(text))
        dropped = len(text) > 8 and self._random.random() < 0.5
        return text[:at] + text[at + 1 :] if dropped else text[: at + 1] + text[at:]

    def _personal(self) -> str:
        draw = self._random
        digits = "".join(draw.choices("0123456789", k=8))
        born = f"110105{draw.randrange(1960, 2000)}0{draw.randrange(1, 10)}15{draw.randrange(1000):03d}"
        invented = {
            "phone": draw.choice(("138", "159", "186", "177")) + digits,
            "card": luhn([6, 2, 1, 7, 0, 0] + [draw.randrange(10) for _ in range(12)]),
            "identity": resident([int(digit) for digit in born]),
            "email": f"user{digits[:5]}@example.com",
        }
        text = str(draw.choice(self._words["personal"]))
        for slot, value in invented.items():
            text = text.replace(f"<{slot}>", value)
        return self._fill(text)


def luhn(digits: Sequence[int]) -> str:
    """A card number: these digits and their check digit (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if place % 2 == 0 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return "".join(map(str, digits)) + str(-total % 10)


def resident(digits: Sequence[int]) -> str:
    """A resident identity number: these 17 digits and their check character (GB 11643)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "".join(map(str, digits)) + "10X98765432"[sum(w * d for w, d in zip(weights, digits, strict=True)) % 11]
