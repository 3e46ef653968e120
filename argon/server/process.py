"""What the operating system knows of a process.

A process id alone says little: ids are used again, after a crash and above
all after a reboot. Together with the moment it was started an id names one
process for ever.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from argon.server.directory import DataDirectory

_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """One process, told apart from any other that had or will have its id."""

    pid: int
    started: str

    @property
    def is_alive(self) -> bool:
        """Whether this very process still runs."""
        return identify(self.pid) == self

    @property
    def has_ended(self) -> bool:
        """Whether it is gone with its files and ports, which it holds a little longer than it runs."""
        seen = _observe(self.pid)
        return seen is None or seen.started != self.started


@dataclass(frozen=True)
class _Seen:
    started: str
    is_ending: bool


def identify(pid: int) -> Process | None:
    """Find the process that has an id now.

    Args:
        pid: A process id.

    Returns:
        The process, or None where none that still runs has this id.
    """
    seen = _observe(pid)
    return Process(pid, seen.started) if seen and not seen.is_ending else None


def _observe(pid: int) -> _Seen | None:
    if pid <= 0:
        return None
    return _observe_linux(pid) if sys.platform == "linux" else _observe_posix(pid)


def _observe_linux(pid: int) -> _Seen | None:
    try:
        # Fields are counted from behind the command's closing parenthesis: its name may hold anything.
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    state, threads, ticks_since_boot = fields[0], int(fields[17]), fields[19]
    if state in "ZX" and threads <= 1:
        return None  # only its exit code is left
    # A killed process is a zombie while its other threads still run down, with files and ports open.
    return _Seen(f"{boot}+{ticks_since_boot}", is_ending=state in "ZX")


def _observe_posix(pid: int) -> _Seen | None:
    state, _, started = _ps(pid, "stat=,lstart=").partition(" ")
    return None if not state or state.startswith("Z") else _Seen(started.strip(), is_ending=False)


def _ps(pid: int, columns: str) -> str:
    listing = subprocess.run(
        ["ps", "-ww", "-o", columns, "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    return listing.stdout.strip()


def command_line(pid: int) -> str:
    """The command that started a process, its arguments joined by blanks.

    Args:
        pid: A process id.

    Returns:
        The command line, empty where there is no such process.
    """
    if sys.platform != "linux":
        return _ps(pid, "command=")
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def find_server(directory: DataDirectory) -> tuple[Process, int] | None:
    """Find the ``mongod`` that has a data directory open, whoever started it.

    ``mongod`` writes its own process id into ``mongod.lock``, so this finds
    one whose starter died before it could note anything down.

    Args:
        directory: The directory that it serves.

    Returns:
        The process and its port, or None where no server has these files open.
    """
    try:
        pid = int((directory.database / "mongod.lock").read_text())
    except (OSError, ValueError):
        return None
    process = identify(pid)
    served = re.search(rf"--dbpath {re.escape(str(directory.database))} --port (\d+)", command_line(pid))
    return (process, int(served[1])) if process and served else None
