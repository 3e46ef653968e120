"""Clients in processes of their own, which begin together and tell what they have seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Event = dict[str, Any]

_SCRIPT = Path(__file__).with_name("clients.py")


class Client:
    """A process that runs a task of ``clients.py``.

    Args:
        task: The task's name.
        uri: The server.
        database: The database of the test.
        threads: How many threads run the task, on one connection.
        machine: A directory that stands for a machine: clients of different ones know nothing of each
            other, as those of the same one do. Without it they are all on that of the tests.
        arguments: Of the task.
    """

    def __init__(
        self,
        task: str,
        uri: str,
        database: str,
        *,
        threads: int = 1,
        script: Path = _SCRIPT,
        machine: Path | None = None,
        **arguments: Any,
    ) -> None:
        job = {"task": task, "uri": uri, "database": database, "threads": threads, "arguments": arguments}
        self.process = subprocess.Popen(
            [sys.executable, str(script), json.dumps(job)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ if machine is None else {**os.environ, "XDG_RUNTIME_DIR": str(machine)},
        )
        self.arguments = arguments
        self.events: list[Event] = []
        self._changed = threading.Condition()
        self._ready = threading.Event()
        self._errors: list[str] = []
        self._readers = [
            threading.Thread(target=read, daemon=True) for read in (self._listen, self._complain)
        ]
        for reader in self._readers:
            reader.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if not line.endswith("\n"):
                break  # it died while it spoke
            event = json.loads(line)
            if event == "ready":
                self._ready.set()
                continue
            with self._changed:
                self.events.append(event)
                self._changed.notify_all()
        self._ready.set()
        with self._changed:
            self._changed.notify_all()

    def _complain(self) -> None:
        assert self.process.stderr is not None
        self._errors.extend(self.process.stderr)

    def start(self) -> None:
        """Let it begin, once it has connected."""
        assert self._ready.wait(60), "the client did not come up"
        self._say("go")

    def stop(self) -> None:
        """Ask it to come to an end."""
        self._say("stop")

    def _say(self, word: str) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(word + "\n")
            self.process.stdin.flush()
        except (BrokenPipeError, ValueError):
            return  # it has ended already

    def wait_for(self, count: int, timeout: float = 60) -> list[Event]:
        """Wait until it has told so many events, or has ended."""
        with self._changed:
            self._changed.wait_for(
                lambda: len(self.events) >= count or not self._readers[0].is_alive(), timeout
            )
            return list(self.events)

    def kill(self) -> None:
        """End it with SIGKILL, wherever it is."""
        self.process.kill()
        self.process.wait()
        self._readers[0].join()

    def result(self, timeout: float = 120) -> list[Event]:
        """Wait for its end and return all its events; it must have ended well."""
        self.process.wait(timeout)
        for reader in self._readers:
            reader.join()
        assert self.process.returncode == 0, "".join(self._errors)
        return self.events

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


def run_together(clients: Sequence[Client]) -> list[list[Event]]:
    """Let clients begin at the same time, and return what each has seen."""
    try:
        for client in clients:
            client.start()
        return [client.result() for client in clients]
    finally:
        for client in clients:
            client.__exit__(None, None, None)
