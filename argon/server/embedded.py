"""A MongoDB server that needs no installation: one per user, started on demand.

All processes of a user share it. It is a real ``mongod``, run as a one-node
replica set on a loopback port, and it goes on when the client that started it
ends.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from argon.errors import EmbeddedServerError
from argon.server.directory import DataDirectory, default_data_directory
from argon.server.process import Process, find_server
from argon.server.state import ServerState, read_state, write_state

if TYPE_CHECKING:
    from argon.server.launch import Launched

_ATTEMPTS = 5
_POLL_SECONDS = 0.01


@dataclass(frozen=True)
class ServerStatus:
    """What is known of the embedded server, running or not.

    Attributes:
        running: Whether it runs.
        pid: Its process id, None where it does not run.
        uri: Its connection string, None where it does not run.
        data_dir: Where it keeps its data.
        version: The version of MongoDB that serves, or that served last.
        log_path: Its log.
    """

    running: bool
    pid: int | None
    uri: str | None
    data_dir: Path
    version: str | None
    log_path: Path


class EmbeddedServer:
    """The embedded ``mongod`` of one data directory."""

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        parameters: Mapping[str, object] | None = None,
        timeout: float = 60.0,
    ) -> None:
        """Name a server; nothing is started yet.

        Args:
            data_dir: Where it keeps its data; by default ``ARGON_DATA_DIR``,
                else ``argon/mongod`` in the user's data directory.
            parameters: Server parameters (``--setParameter``) for when it is started.
            timeout: Seconds that a start or a stop may take.
        """
        # Absolute, since mongod runs from another directory, and real, so that two names are one server.
        self._directory = DataDirectory((data_dir or default_data_directory()).expanduser().resolve())
        self._parameters = parameters or {}
        self._timeout = timeout

    @property
    def data_dir(self) -> Path:
        """Where the server keeps its data."""
        return self._directory.root

    def start(self) -> str:
        """Start the server unless it runs already.

        Returns:
            The URI of the server, which takes writes by then.

        Raises:
            EmbeddedServerError: There is no ``mongod`` to run, or it does not
                come up; the message says why and what to do.
        """
        state = read_state(self._directory)
        if state is None or not state.is_running:
            self._directory.prepare()
            with self._lock():
                state = read_state(self._directory)
                if state is None or not state.is_running:
                    state = self._bring_up(state)
                    self._note(state)
        return state.uri

    def stop(self) -> bool:
        """Shut the server down cleanly and wait for its end.

        Returns:
            Whether there was a server to stop.

        Raises:
            EmbeddedServerError: It did not end in time.
        """
        if not self._directory.root.is_dir():
            return False
        with self._lock():
            state = self._running_state()
            if state is None or state.process is None:
                return False
            # First, so that nobody is sent to a server that is about to end.
            self._note(replace(state, process=None))
            self._end(state.process)
            return True

    def status(self) -> ServerStatus:
        """Look without touching anything.

        Returns:
            What is known of the server.
        """
        last = read_state(self._directory)
        state = self._running_state()
        return ServerStatus(
            running=state is not None,
            pid=state.process.pid if state and state.process else None,
            uri=state.uri if state else None,
            data_dir=self._directory.root,
            version=last.version if last else None,
            log_path=self._directory.log,
        )

    def _running_state(self) -> ServerState | None:
        state = read_state(self._directory)
        if state and state.is_running:
            return state
        found = find_server(self._directory)  # one whose starter died before it could note it down
        return ServerState(found[1], state.version if state else None, found[0]) if found else None

    def _note(self, state: ServerState) -> None:
        try:
            write_state(self._directory, state)
        except OSError as error:
            raise self._directory.unusable(error) from error

    def _bring_up(self, last: ServerState | None) -> ServerState:
        # Imported only now: most starts find a server that runs, and are to be quick.
        from argon.server.launch import PORT_IN_USE, Launched, launch_error

        if last and last.process:
            self._await_end(last.process)
        port = last.port if last else None
        launched = Launched(0, "it ended as soon as it had started, again and again")
        for _ in range(_ATTEMPTS):
            found = find_server(self._directory)
            if found:
                state = self._take_over(*found)
                if state:
                    return state
                continue
            launched = self._launch(port)
            if launched.code == PORT_IN_USE:
                port = None  # somebody was quicker, or holds it in a way that a bind does not show
            elif launched.code and find_server(self._directory) is None:
                break
        raise launch_error(self._directory, launched)

    def _launch(self, preferred_port: int | None) -> Launched:
        from argon.server.launch import free_port, launch
        from argon.server.locate import find_mongod, probe_version

        mongod = find_mongod(self._directory)
        if self._directory.is_fresh:
            probe_version(mongod)  # one that is too old must not write the first data files
        return launch(mongod, self._directory, free_port(preferred_port), self._parameters, self._timeout)

    def _take_over(self, process: Process, port: int) -> ServerState | None:
        """Make a running mongod ready; None where it was on its way out."""
        from pymongo.errors import AutoReconnect, PyMongoError

        from argon.server.launch import log_tail
        from argon.server.replica import make_primary

        deadline = time.monotonic() + self._timeout
        while process.is_alive:
            try:
                return ServerState(port, make_primary(port, deadline), process)
            except PyMongoError as error:
                # It closes connections when it finds that its old port is not its own any more.
                if isinstance(error, AutoReconnect) and time.monotonic() < deadline:
                    continue
                raise EmbeddedServerError(
                    f"the embedded mongod runs (process {process.pid}) but cannot be used: {error}\n"
                    f"The end of its log, {self._directory.log}:\n{log_tail(self._directory)}"
                ) from error
        return None

    def _end(self, process: Process) -> None:
        try:
            os.kill(process.pid, signal.SIGTERM)
        except ProcessLookupError:
            return
        except PermissionError as error:
            raise EmbeddedServerError(
                f"mongod (process {process.pid}) belongs to another user and cannot be stopped from here."
            ) from error
        self._await_end(process)

    def _await_end(self, process: Process) -> None:
        deadline = time.monotonic() + self._timeout
        while not process.has_ended:
            if time.monotonic() > deadline:
                raise EmbeddedServerError(
                    f"mongod (process {process.pid}) has not ended within {self._timeout:.0f} s; "
                    f"see its log, {self._directory.log}. `kill -9 {process.pid}` ends it: "
                    "acknowledged writes are in its journal, and the next start recovers them."
                )
            time.sleep(_POLL_SECONDS)

    @contextmanager
    def _lock(self) -> Generator[None]:
        """Keep others from starting or stopping the same server; the system frees it if we die."""
        from filelock import FileLock, Timeout

        lock = FileLock(self._directory.lock, timeout=2 * self._timeout)
        try:
            lock.acquire()
        except Timeout as error:
            raise EmbeddedServerError(
                f"another process has been starting or stopping the server in {self._directory.root} for "
                f"{2 * self._timeout:.0f} s; see {self._directory.log}."
            ) from error
        except OSError as error:
            raise self._directory.unusable(error) from error
        try:
            yield
        finally:
            lock.release()
