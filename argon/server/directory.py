"""Where the embedded server keeps what it has.

::

    <root>/
    ├── db/           the data files, mongod's own
    ├── mongod.log    what mongod says (mongod.log.1: what it said before)
    ├── bin/mongod    a copy of the wheel's program, only where that cannot be run in place
    ├── server.json   which process serves, see argon.server.state
    └── server.lock   held while a server is started or stopped
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from argon.errors import EmbeddedServerError

DATA_DIR_VARIABLE = "ARGON_DATA_DIR"
LOG_ROTATION_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True)
class DataDirectory:
    """The layout of one embedded server's directory."""

    root: Path

    @property
    def database(self) -> Path:
        """The ``--dbpath`` of the server."""
        return self.root / "db"

    @property
    def log(self) -> Path:
        """The log file of the server."""
        return self.root / "mongod.log"

    @property
    def program(self) -> Path:
        """Where a ``mongod`` is copied that cannot be run where it lies."""
        return self.root / "bin" / "mongod"

    @property
    def state(self) -> Path:
        """The file that names the serving process."""
        return self.root / "server.json"

    @property
    def lock(self) -> Path:
        """The file locked while a server is started or stopped."""
        return self.root / "server.lock"

    @property
    def is_fresh(self) -> bool:
        """Whether no server has ever written data here."""
        return not (self.database / "WiredTiger").exists()

    def prepare(self) -> None:
        """Make the directories, readable by their owner alone.

        Raises:
            EmbeddedServerError: The directory cannot be made or written.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.database.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise self.unusable(error) from error
        if not os.access(self.root, os.W_OK | os.X_OK):
            raise self.unusable(PermissionError("no permission to write in it"))

    def turn_over_log(self) -> int:
        """Put a long log aside before the server starts.

        Returns:
            The offset in the log at which the next run will write.
        """
        size = self.log.stat().st_size if self.log.exists() else 0
        if size < LOG_ROTATION_BYTES:
            return size
        self.log.replace(self.log.with_name("mongod.log.1"))
        return 0

    def unusable(self, error: OSError) -> EmbeddedServerError:
        """The error for a directory that cannot hold a server's data.

        Args:
            error: What the operating system answered.

        Returns:
            An error that names the directory and how to choose another.
        """
        return EmbeddedServerError(
            f"the embedded server cannot keep its data in {self.root}: {error.strerror or error}. "
            f"Make that directory writable, or set {DATA_DIR_VARIABLE} to one that is."
        )


def default_data_directory() -> Path:
    """The directory named by ``ARGON_DATA_DIR``, else one in the user's data directory."""
    named = os.environ.get(DATA_DIR_VARIABLE)
    if named:
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("argon", appauthor=False) / "mongod"
