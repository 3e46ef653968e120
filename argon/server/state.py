"""The note that says which process serves a data directory."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass

from argon.server.directory import DataDirectory
from argon.server.process import Process

REPLICA_SET = "argon"


@dataclass(frozen=True)
class ServerState:
    """What one start of the server leaves for those who come after.

    Written once the server takes writes, so that finding it is enough to
    connect. After a stop it keeps the port, which the next start takes again
    if it can: clients that are still open find the server where it was.

    Attributes:
        port: The loopback port.
        version: The version of ``mongod`` that last served this directory, where it is known.
        process: The serving process, None after a stop.
    """

    port: int
    version: str | None
    process: Process | None

    @property
    def uri(self) -> str:
        """The connection string of the server."""
        return f"mongodb://127.0.0.1:{self.port}/?replicaSet={REPLICA_SET}"

    @property
    def is_running(self) -> bool:
        """Whether the process that is noted still runs."""
        return self.process is not None and self.process.is_alive


def read_state(directory: DataDirectory) -> ServerState | None:
    """Read the note of a data directory.

    Args:
        directory: The directory in question.

    Returns:
        The note, or None where there is none or where it cannot be read: it
        only saves time, the truth is in the running process.
    """
    try:
        note = json.loads(directory.state.read_text())
        process = note["process"] and Process(int(note["process"]["pid"]), str(note["process"]["started"]))
        return ServerState(int(note["port"]), note["version"], process or None)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_state(directory: DataDirectory, state: ServerState) -> None:
    """Replace the note of a data directory at one stroke.

    Args:
        directory: The directory in question.
        state: What to note.
    """
    draft = directory.state.with_name(f"{directory.state.name}.{os.getpid()}")
    draft.write_text(json.dumps(asdict(state)))
    draft.replace(directory.state)
