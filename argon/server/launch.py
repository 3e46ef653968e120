"""Run ``mongod`` as a background process, and say why when it will not run."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from argon.errors import EmbeddedServerError
from argon.server.directory import DATA_DIR_VARIABLE, DataDirectory
from argon.server.locate import WAYS_OUT, probe_version
from argon.server.state import REPLICA_SET, read_state

PORT_IN_USE = 48
DATA_IN_USE = 100
INCOMPATIBLE_DATA = 62

OPLOG_MEGABYTES = 1024  # the default is a twentieth of the disk, which nobody expects of a tool
_GIGABYTE = 1 << 30
_OPEN_FILES = 64_000
"""What MongoDB's manual asks for: each collection and each index is a file."""
_PORTS = range(27100, 28100)  # below those from which systems take ports for outgoing connections


def free_port(preferred: int | None) -> int:
    """Find a loopback port to listen on.

    Args:
        preferred: The port to take if nobody has it.

    Returns:
        A port that was free a moment ago.
    """
    candidates = [*([preferred] if preferred else []), *random.sample(_PORTS, 8), 0]  # 0: any
    for port in candidates:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise EmbeddedServerError("the system has no free port on 127.0.0.1 for the embedded server.")


def cache_gigabytes() -> float:
    """A quarter of the memory that this process may use, 0.25 to 1 GB."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no control groups, or "max": no limit
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return round(min(1.0, max(0.25, memory / 4 / _GIGABYTE)), 2)


@dataclass(frozen=True)
class Launched:
    """How a launch ended.

    Attributes:
        code: The exit code, 0 where the server listens now.
        said: What the server said where it failed.
    """

    code: int
    said: str


def launch(
    mongod: Path, directory: DataDirectory, port: int, parameters: Mapping[str, object], timeout: float
) -> Launched:
    """Start ``mongod`` in the background and return once it listens or has failed.

    ``mongod`` forks itself into a session of its own, so it outlives the
    client that started it, and a ctrl-C meant for that client does not reach it.

    Args:
        mongod: The program.
        directory: Where its data is.
        port: The loopback port to listen on.
        parameters: Server parameters (``--setParameter``) beside Argon's own.
        timeout: Seconds to wait. A server that is still recovering its data is left to go on.

    Returns:
        How it ended.

    Raises:
        EmbeddedServerError: The program cannot run here, or needs longer than the timeout.
    """
    settings = {"diagnosticDataCollectionEnabled": "false", **parameters}
    command = [
        *(str(mongod), "--fork", "--quiet", "--nounixsocket", "--bind_ip", "127.0.0.1"),
        # In this order: it is how argon.server.process.find_server knows its own.
        *("--dbpath", str(directory.database), "--port", str(port), "--replSet", REPLICA_SET),
        *("--logpath", str(directory.log), "--logappend", "--oplogSize", str(OPLOG_MEGABYTES)),
        *("--wiredTigerCacheSizeGB", str(cache_gigabytes())),
        *(word for name, value in settings.items() for word in ("--setParameter", f"{name}={value}")),
    ]
    log_start = directory.turn_over_log()
    # A file, because a pipe would stay open as long as the server.
    with many_open_files(), tempfile.TemporaryFile() as output:
        try:
            ended = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=timeout,
                start_new_session=True,
                check=False,
            )
        except OSError as error:
            raise EmbeddedServerError(f"{mongod} cannot be run: {error}.\n{WAYS_OUT}") from error
        except subprocess.TimeoutExpired as error:
            raise EmbeddedServerError(
                f"mongod does not listen yet after {timeout:.0f} s; it may still be recovering its data. "
                f"Try again in a while; its log is {directory.log}.\n{log_tail(directory, log_start)}"
            ) from error
        output.seek(0)
        printed = output.read().decode(errors="replace")
    if ended.returncode == 0:
        return Launched(0, "")
    said = log_tail(directory, log_start)
    if not said:
        probe_version(mongod)  # it got nowhere: explain that, where the program cannot run at all
    return Launched(ended.returncode, said or printed.strip())


@contextmanager
def many_open_files() -> Iterator[None]:
    """Raise the limit of open files, as far as this user may, for a child process started meanwhile."""
    import resource  # which Windows lacks, where this module is imported all the same

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        yield
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def launch_error(directory: DataDirectory, launched: Launched) -> EmbeddedServerError:
    """The error for a ``mongod`` that ended instead of serving.

    Args:
        directory: Where its data is.
        launched: How the launch ended.

    Returns:
        An error with the remedy where the cause is known, and the end of the log.
    """
    code, said = launched.code, launched.said
    return EmbeddedServerError(
        f"the embedded mongod could not start (exit code {code}). {_remedy(directory, code, said)}\n"
        f"The end of its log, {directory.log}:\n{said}"
    )


def _remedy(directory: DataDirectory, code: int, said: str) -> str:
    elsewhere = f"set {DATA_DIR_VARIABLE} to another directory"
    if "No space left on device" in said or "ENOSPC" in said:
        return f"The disk that holds {directory.root} is full: free some space, or {elsewhere}."
    if code == INCOMPATIBLE_DATA or "unsupported WiredTiger file version" in said:
        state = read_state(directory)
        writer = f"MongoDB {state.version}" if state and state.version else "another version of MongoDB"
        return (
            f"The data in {directory.root} was written by {writer}: set ARGON_MONGOD to a mongod of that "
            f"version, or {elsewhere} to begin anew."
        )
    if "Permission denied" in said or "Operation not permitted" in said:
        return f"Files in {directory.root} belong to another user: take them over, or {elsewhere}."
    if code == DATA_IN_USE:
        return f"Another server has {directory.database} open: stop it, or {elsewhere}."
    return f"Mend what the log names, or {elsewhere}."


def log_tail(directory: DataDirectory, start: int = 0, lines: int = 8) -> str:
    """The last words of the server, errors before all else.

    Args:
        directory: Whose log to read.
        start: The offset at which this run's part of the log begins.
        lines: How many lines to give.

    Returns:
        The last errors, or where there are none the last lines, as ``message: detail``.
    """
    try:
        with directory.log.open("rb") as log:
            log.seek(max(start, log.seek(0, os.SEEK_END) - (1 << 18)))
            written = log.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    entries = [_read_entry(line) for line in written if line.strip()]
    errors = [text for severity, text in entries if severity in ("E", "F")]
    return "\n".join(f"  {text}" for text in (errors or [text for _, text in entries])[-lines:])


def _read_entry(line: str) -> tuple[str, str]:
    try:
        entry = json.loads(line)
        attributes = entry.get("attr", {})
    except (ValueError, AttributeError):
        return "", line
    detail = attributes.get("error") or attributes.get("message") or attributes
    return entry.get("s", ""), f"{entry.get('msg')}: {detail}" if detail else str(entry.get("msg"))
