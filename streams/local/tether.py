"""Runs a command that ends with its parent: `tether.py PARENT_PID COMMAND…` becomes the command.

On Linux the kernel kills the command when the thread that started it ends (prctl PR_SET_PDEATHSIG, kept across exec), so
nothing is left running even after kill -9 of the parent. Elsewhere the command is just run.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Ties this process to its parent, then becomes the command; leaves at once when the parent is already gone."""
    parent, command = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the parent is gone")
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
