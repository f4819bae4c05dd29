"""Makes .venv beside this folder from the lock files, with any Python from 3.11 to 3.13 and nothing else.

uv installs (fast); pip, which every Python brings, installs uv, and everything where uv does not run. Set-ups started at
the same time wait for one another; one that was cut starts over. What is wrong is said in one line.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

DEPLOY = Path(__file__).resolve().parent
LOCK, INSTALLER = DEPLOY / "requirements.lock", DEPLOY / "installer.lock"
ENVIRONMENT = DEPLOY.parent / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
STAMP = ENVIRONMENT / "requirements.lock"
NEEDED = 3 * 1024**3  # bytes: the environment takes half of it, and uv unpacks beside it

# pip's settings that uv does not read, and what uv calls them.
UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}
NO_SPACE = ("no space left", "disk quota exceeded")
NO_NETWORK = ("connection", "connect error", "dns error", "name resolution", "timed out", "unreachable", "failed to fetch")


class SetUpError(Exception):
    """What keeps the environment from being made, in one line."""


class CommandFailed(SetUpError):
    """A command's reason, sorted where it is a known one."""

    def __init__(self, step: str, said: str) -> None:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        errors = [line for line in lines if line.lower().startswith(("error", "× ", "caused by"))] or lines
        self.disk = any(words in said.lower() for words in NO_SPACE)
        self.network = not self.disk and any(words in said.lower() for words in NO_NETWORK)
        unreachable = "no network, or the package index does not answer"
        why = "the disk is full" if self.disk else unreachable if self.network else "it failed"
        super().__init__(f"{step}: {why} ({errors[0][:200] if errors else 'no reason given'})")


def main() -> None:
    with LOCK.open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up is running: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if PYTHON.exists() and STAMP.exists() and STAMP.read_bytes() == LOCK.read_bytes():
            return
        os.set_inheritable(lock.fileno(), True)  # a child that outlives a killed set-up keeps the lock until it is done
        set_up(lock.fileno())


def set_up(lock: int) -> None:
    """Makes or updates the environment; the stamp goes first and comes back last, so that a cut set-up starts over."""
    check()
    if STAMP.exists() and PYTHON.exists():
        say("the lock file changed: updating the environment")
        STAMP.unlink()
    else:
        say(f"making {ENVIRONMENT} with Python {sys.version.split()[0]} (once, about a minute; 1.5 GB)")
        run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], lock, "making the virtual environment")
    install(lock)
    # jieba's source has escapes that Python warns of when it compiles them: here, not on the user's first run.
    jieba = [str(folder) for folder in ENVIRONMENT.glob("lib/python3*/site-packages/jieba")]
    run([str(PYTHON), "-W", "ignore", "-m", "compileall", "-q", *jieba], lock, "compiling jieba")
    partial = STAMP.with_suffix(".partial")
    shutil.copyfile(LOCK, partial)
    partial.replace(STAMP)
    say("the environment is ready")


def install(lock: int) -> None:
    """Installs the lock file's packages, each checked against its hash; nothing needs a compiler."""
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--progress-bar", "off", "--retries", "1"]
    uv = [str(PYTHON), "-m", "uv", "pip", "install", "--python", str(PYTHON), "--build-constraints", str(INSTALLER)]
    locked = ["--require-hashes", "--only-binary", ":all:", "--no-binary", "jieba", "-r", str(LOCK)]
    try:
        run([*pip, "--quiet", "--require-hashes", "--only-binary", ":all:", "-r", str(INSTALLER)], lock, "installing uv")
        run([str(PYTHON), "-m", "uv", "--version"], lock, "starting uv")
    except CommandFailed as error:
        if error.disk or error.network:
            raise
        say(f"{error}; going on with pip, which takes a few minutes")
        run([*pip, *locked], lock, "installing packages")
    else:
        run([*uv, *locked], lock, "installing packages", uv_settings())


def check() -> None:
    """Raises SetUpError when the environment cannot be made here."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        remedy = f"on Debian or Ubuntu: apt install python{version}-venv"
        raise SetUpError(f"{sys.executable} has no {error.name} module; {remedy}") from error
    if not os.access(DEPLOY.parent, os.W_OK):
        raise SetUpError(f"{DEPLOY.parent} cannot be written; copy the project to a folder of yours")
    free = shutil.disk_usage(DEPLOY.parent).free
    if free < NEEDED and not STAMP.exists():
        raise SetUpError(f"{DEPLOY.parent} has {free / 1024**3:.1f} GB free and the environment needs {NEEDED / 1024**3:.0f} GB")


def uv_settings() -> dict[str, str]:
    """The environment with what the user set for pip given to uv as well."""
    listed = subprocess.run([str(PYTHON), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False).stdout
    settings = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        if uv_name := UV_NAMES.get(name.rpartition(".")[2]):
            settings[uv_name] = value.strip("'\"").replace("\\n", " ").strip()
    return {**settings, **os.environ}


def run(command: Sequence[str], lock: int, step: str, environment: Mapping[str, str] | None = None) -> None:
    """Runs the command, its progress shown line by line. Raises CommandFailed."""
    say(step)
    said = []
    out, both = subprocess.PIPE, subprocess.STDOUT
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=both, text=True, pass_fds=[lock]
    )
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        if not line.startswith((" + ", "Ignoring ")):  # uv's closing list of all packages; pip on other systems' packages
            say("  " + line.rstrip())
    if process.wait():
        raise CommandFailed(step, "".join(said))


def say(text: str) -> None:
    print(f"huiyin: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main()
    except SetUpError as error:
        sys.exit(f"huiyin: {error}")
    except OSError as error:
        sys.exit(f"huiyin: the environment could not be made: {error}")
    except KeyboardInterrupt:
        sys.exit("huiyin: set-up interrupted; the next start makes it anew")
