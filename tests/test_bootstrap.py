"""`./huiyin`: finds a Python, says in one line what is missing, and runs from anywhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("sh", "readlink", "dirname", "cmp")  # all that the script calls


class Machine:
    """A bare machine: the project in a folder with a space in its name, and a PATH with nothing but what the script calls."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.project, self.bin = folder, folder / "the project", folder / "bin"
        self.project.mkdir()
        self.bin.mkdir()
        shutil.copy2(ROOT / "huiyin", self.project)
        shutil.copytree(ROOT / "deploy", self.project / "deploy")
        for tool in TOOLS:
            (self.bin / tool).symlink_to(str(shutil.which(tool)))

    def python(self, script: str, name: str = "python3") -> None:
        """Puts a `python3` on PATH that runs the given shell line; $PYTHON is the real one."""
        (self.bin / name).write_text(f"#!/bin/sh\nPYTHON='{sys.executable}'\n{script}\n")
        (self.bin / name).chmod(0o755)

    def run(self, *arguments: str, command: Path | None = None, **extra: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.bin), "HOME": str(self.folder), "LANG": "C.UTF-8", **extra}
        called = [str(command or self.project / "huiyin"), *arguments]
        return subprocess.run(called, env=environment, cwd=self.folder, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("old", [None, "exit 1", "exit 127"])
def test_no_suitable_python_is_one_line(machine: Machine, old: str | None) -> None:
    if old:
        machine.python(old)
    done = machine.run("--help")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "huiyin: Python 3.11, 3.12 or 3.13 is needed and none was found on PATH; install one or set HUIYIN_PYTHON\n"
    )


@pytest.mark.parametrize("module", ["ensurepip", "venv"])
def test_a_python_without_venv_is_one_line_and_the_next_one_is_tried(machine: Machine, module: str) -> None:
    """Debian's python3 has no ensurepip until python3-venv is installed."""
    lacking = machine.folder / "lacking"
    lacking.mkdir()
    (lacking / f"{module}.py").write_text(f"raise ImportError(name={module!r})")
    machine.python(f'PYTHONPATH="{lacking}" exec "$PYTHON" "$@"')
    done = machine.run("--help")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"has no {module} module; on Debian or Ubuntu: apt install python3." in done.stderr
    machine.python('echo "chosen: $*" >&2; case "$1" in -c) exec "$PYTHON" "$@";; esac; exit 7', name="python3.12")
    assert machine.run("--help").returncode == 7


def test_the_environment_is_used_as_it_is_when_the_lock_is_the_same(machine: Machine) -> None:
    """No Python on PATH is needed; the packages come from the project, whatever lies in the caller's folder."""
    shutil.copytree(ROOT / "streams", machine.project / "streams", ignore=shutil.ignore_patterns("__pycache__"))
    (machine.project / ".venv" / "bin").mkdir(parents=True)
    interpreter = machine.project / ".venv" / "bin" / "python"
    interpreter.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    interpreter.chmod(0o755)
    shutil.copy2(machine.project / "deploy" / "requirements.lock", machine.project / ".venv")
    (machine.folder / "streams").mkdir()
    (machine.folder / "streams" / "cli.py").write_text("raise SystemExit('the wrong folder')")
    (machine.folder / "linked").symlink_to(machine.project / "huiyin")
    for called in (machine.project / "huiyin", machine.folder / "linked"):
        done = machine.run("--help", command=called)
        assert (done.returncode, done.stderr) == (0, "")
        assert "Usage:" in done.stdout
    nothing = machine.run("down")
    assert nothing.stderr == f"nothing is running on {machine.folder / '.huiyin'}\n", "the data folder is the caller's"
    (machine.project / ".venv" / "requirements.lock").write_text("an older lock")
    assert "Python 3.11, 3.12 or 3.13 is needed" in machine.run("--help").stderr, "a changed lock asks for a set-up"


@pytest.mark.integration
def test_no_network_is_one_line_after_the_steps(machine: Machine) -> None:
    machine.python('exec "$PYTHON" "$@"')
    done = machine.run("--help", PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_NO_INDEX="", PIP_CONFIG_FILE="/dev/null")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith("huiyin: installing uv: no network, or the package index does not answer (")
    assert not (machine.project / ".venv" / "requirements.lock").exists()
