"""Group commit: the writers of one branch queue, and a leader takes all that wait.

The first writer to come leads. While its transaction is under way the others
gather, and when it is done one of them leads the next batch. One writer's
error fails that writer alone.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from argon.errors import ArgonError
from argon.io import Operation, Signal, World
from argon.wal.change import Planner

MAX_BATCH = 256


class Pending:
    """A write that waits for its commit.

    Args:
        planner: Plans the write at a head.
        author: Who writes.
        message: Why.
    """

    __slots__ = ("author", "careful", "done", "error", "message", "planner", "reply", "signal")

    def __init__(self, planner: Planner, author: str | None, message: str | None) -> None:
        self.planner = planner
        self.author = author
        self.message = message
        self.careful = False
        self.done = False
        self.reply: Any = None
        self.error: BaseException | None = None
        self.signal: Signal | None = None

    def succeed(self, reply: Any) -> None:
        """Note that the write has landed."""
        self.reply = reply
        self.done = True

    def fail(self, error: BaseException) -> None:
        """Note that the write will not land."""
        self.error = error
        self.done = True


class CommitQueue:
    """The writers of one branch in this process.

    Args:
        world: Threads or an event loop.
        commit: Brings every write of a batch to an end; raises nothing.
    """

    def __init__(self, world: World, commit: Callable[[list[Pending]], Operation[None]]) -> None:
        self._world = world
        self._commit = commit
        self._lock = threading.Lock()
        self._waiting: deque[Pending] = deque()
        self._led = False

    def submit(self, pending: Pending) -> Operation[Any]:
        """Queue a write and return its reply once it has landed.

        Args:
            pending: The write.

        Raises:
            BaseException: The write's own error.
        """
        with self._lock:
            self._waiting.append(pending)
            leads = not self._led
            if leads:
                self._led = True
            else:
                pending.signal = self._world.signal()
        if not leads:
            assert pending.signal is not None
            yield pending.signal.wait()
        if not pending.done:
            yield from self._lead()
        if pending.error is not None:
            raise pending.error
        return pending.reply

    def _lead(self) -> Operation[None]:
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH))]
        try:
            yield from self._commit(batch)
        finally:
            for pending in batch:
                if not pending.done:
                    pending.fail(
                        ArgonError(
                            "the commit was interrupted and its outcome is unknown: read the document "
                            "before you write it again"
                        )
                    )
            with self._lock:
                following = self._waiting[0] if self._waiting else None
                self._led = following is not None
            for pending in batch:
                if pending.signal is not None:
                    pending.signal.set()
            if following is not None and following.signal is not None:
                following.signal.set()
