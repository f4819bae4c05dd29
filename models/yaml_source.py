"""Files that people write in YAML: a path or a text in, text or nodes that know their lines out.

What is wrong is raised as the caller's own exception, in one line with file and line.
"""

from __future__ import annotations

from pathlib import Path

import yaml


def read_source(path: Path, wrong: type[ValueError]) -> str:
    """The text of the file at `path`. Raises `wrong`."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise wrong(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise wrong(f"{path}:{line}: not UTF-8: {error.reason} at byte {error.start}") from error


def compose(text: str, origin: str, wrong: type[ValueError]) -> yaml.Node | None:
    """The document as nodes, None when it is empty. Raises `wrong` with `origin` and line."""
    try:
        root: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise wrong(f"{origin}:{mark.line + 1 if mark else '?'}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise wrong(f"{origin}: {error}") from error
    return root
