"""Variables named HUIYIN_…: a mapping in; texts, numbers, choices and secrets out, a wrong one named. Only config.py uses it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


class SettingError(ValueError):
    """A setting is missing or wrong; the message names it."""


class Environment:
    """The variables by their name without HUIYIN_."""

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self.mapping = mapping

    def text(self, name: str, default: str) -> str:
        return self.mapping.get(f"HUIYIN_{name}", default)

    def secret(self, name: str) -> str:
        path = self.mapping.get(f"HUIYIN_{name}_FILE")
        if not path:
            return self.text(name, "")
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingError(f"HUIYIN_{name}_FILE={path}: {error.strerror}") from error

    def integer(self, name: str, default: int) -> int:
        value = self.text(name, str(default))
        try:
            number = int(value)
        except ValueError as error:
            raise SettingError(f"HUIYIN_{name}={value}: not a whole number") from error
        if number < 1:
            raise SettingError(f"HUIYIN_{name}={value}: must be at least 1")
        return number

    def seconds(self, name: str, default: float) -> float:
        value = self.text(name, str(default))
        try:
            seconds = float(value)
        except ValueError as error:
            raise SettingError(f"HUIYIN_{name}={value}: not a number of seconds") from error
        if not 0 < seconds < float("inf"):
            raise SettingError(f"HUIYIN_{name}={value}: must be above 0")
        return seconds

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self.text(name, default)
        if value not in allowed:
            raise SettingError(f"HUIYIN_{name}={value}: one of {', '.join(allowed)}")
        return value
