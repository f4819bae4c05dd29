"""Kafka's jars: the lock file's names and SHA-256 in, verified files in the cache folder out.

What is there and right is used without touching the network; the rest is fetched by jgo. A mirror is set where jgo
looks for it, in its own settings file.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import ssl
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "embedded"


class JarsUnavailable(RuntimeError):
    """A jar could not be fetched, or is not what the lock file says."""


def classpath(cache: Path, say: Callable[[str], None]) -> list[Path]:
    """The jars of deploy/embedded/jgo.lock.toml as files whose SHA-256 is right. Raises JarsUnavailable."""
    locked = tomllib.loads((DEPLOY / "jgo.lock.toml").read_text(encoding="utf-8"))["dependencies"]
    repository = cache / "jars"
    missing = [jar for jar in locked if not _right(_path(repository, jar), jar["sha256"])]
    if missing:
        with _opened(repository / ".lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # a second start waits, then finds them
            _fetch(repository, missing, say)
    return [_path(repository, jar) for jar in locked]


def _opened(lock: Path) -> IO[str]:
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        return lock.open("w")
    except OSError as error:
        raise JarsUnavailable(f"the cache folder {lock.parent} cannot be written: {error.strerror}; set HUIYIN_CACHE") from error


def _path(repository: Path, jar: dict[str, Any]) -> Path:
    folder = repository.joinpath(*jar["groupId"].split("."), jar["artifactId"], jar["version"])
    return folder / f"{jar['artifactId']}-{jar['version']}.jar"


def _right(path: Path, sha256: str) -> bool:
    try:
        with path.open("rb") as jar:
            return hashlib.file_digest(jar, "sha256").hexdigest() == sha256
    except (FileNotFoundError, NotADirectoryError):
        return False


def _fetch(repository: Path, missing: list[dict[str, Any]], say: Callable[[str], None]) -> None:
    import requests
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext

    _trust_the_system()
    context = MavenContext(repo_cache=repository, remote_repos=GlobalSettings.load().repositories or None, timeout=30)
    for number, jar in enumerate(missing, start=1):
        path = _path(repository, jar)
        if _right(path, jar["sha256"]):
            continue
        say(f"fetching Kafka: jar {number} of {len(missing)}, {path.name}")
        path.unlink(missing_ok=True)
        try:
            context.project(jar["groupId"], jar["artifactId"]).at_version(jar["version"]).artifact().resolve()
        except requests.RequestException as error:
            why = f"no network, or the jar repository does not answer ({type(error).__name__})"
            raise JarsUnavailable(f"cannot fetch {path.name}: {why}") from error
        except OSError as error:
            raise JarsUnavailable(f"cannot write {path}: {error.strerror}") from error
        except RuntimeError as error:  # jgo's "not found in the repositories"
            raise JarsUnavailable(f"cannot fetch {path.name}: the jar repository does not have it") from error
        if not _right(path, jar["sha256"]):
            path.unlink(missing_ok=True)
            raise JarsUnavailable(f"{path.name} is not the file that deploy/embedded/jgo.lock.toml names (SHA-256 differs)")


def _trust_the_system() -> None:
    """requests brings a list of certificate authorities of its own; a company's is in the system's list."""
    paths = ssl.get_default_verify_paths()
    if (known := paths.cafile or paths.capath) and "CURL_CA_BUNDLE" not in os.environ:
        os.environ.setdefault("REQUESTS_CA_BUNDLE", known)
