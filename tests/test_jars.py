"""The jar cache: a folder that cannot be written is one reason, named."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.local.jars import JarsUnavailable, classpath


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(JarsUnavailable, match=r"cache folder .*cache.jars cannot be written: .*set HUIYIN_CACHE"):
        classpath(tmp_path / "cache", print)
