"""Group commit: the writers of one branch queue, and a leader takes all that wait.

The first writer to come leads. While its transaction is under way the others
gather, and when it is done one of them leads the next batch. One writer's
error fails that writer alone, and a leader that is cancelled does not take the
others with it: its batch is brought to an end all the same.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any

from argon.forks import renew_in_child
from argon.io import Operation, Signal, World
from argon.wal.change import Planner
from argon.wire import timeouts

MAX_BATCH = 256


class Pending:
    """A write that waits for its commit.

    Args:
        planner: Plans the write at a head.
        author: Who writes.
        message: Why.
    """

    __slots__ = (
        "author", "began", "careful", "done", "error", "gone", "large", "limit", "lost", "message", "planner",
        "reply", "signal",
    )  # fmt: skip

    def __init__(self, planner: Planner, author: str | None, message: str | None) -> None:
        self.planner = planner
        self.author = author
        self.message = message
        self.began = 0.0
        self.limit = timeouts.current()
        self.careful = False
        self.large = False
        self.lost = 0
        self.done = False
        self.gone = False
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
        commit: Brings every write of a batch to an end and raises nothing. If
            it is interrupted, the writes that are not ``done`` have not landed.
        begin: Waits, while the queue grows, until a commit has good prospects.
        end: Called when the commit is over.
    """

    def __init__(
        self,
        world: World,
        commit: Callable[[list[Pending]], Operation[None]],
        begin: Callable[[], Operation[None]] | None = None,
        end: Callable[[], None] | None = None,
    ) -> None:
        self._world = world
        self._commit = commit
        self._begin = begin
        self._end = end
        self.after_fork()
        renew_in_child(self)

    def after_fork(self) -> None:
        """Begin with an empty queue; whoever waits or leads does so in the parent."""
        self._lock = threading.Lock()
        self._waiting: deque[Pending] = deque()
        self._batch: list[Pending] = []
        self._leader: Pending | None = None
        self._leading = False

    def submit(self, pending: Pending) -> Operation[Any]:
        """Queue a write and return its reply once it has landed.

        Args:
            pending: The write.

        Raises:
            BaseException: The write's own error, or what interrupts its writer.
        """
        try:
            with self._lock:
                self._waiting.append(pending)
                if self._leader is None:
                    self._leader = pending
                else:
                    pending.signal = self._world.signal()
            if pending.signal is not None:
                yield pending.signal.wait()
            if not pending.done:
                yield self._world.protect(self._lead(pending))
        finally:
            self._leave(pending)
        if pending.error is not None:
            raise pending.error
        return pending.reply

    def _lead(self, leader: Pending) -> Operation[None]:
        with self._lock:
            if leader.gone:
                return  # cancelled before it began: somebody else leads
            self._leading = True
        self._batch = []
        try:
            if self._begin is not None:
                yield from self._begin()
            yield from self._commit(self._take())
        finally:
            timeouts.impose(leader.limit)
            if self._end is not None:
                self._end()
            # If it is interrupted, by Ctrl-C or the end of the loop, the others go on without the leader.
            with self._lock:
                batch, self._batch = self._batch, []
                left = [pending for pending in batch if not (pending.done or pending.gone)]
                self._waiting.extendleft(pending for pending in reversed(left) if pending is not leader)
                self._leading = False
                following = self._next_leader(leader)
            for pending in batch:
                if pending.done and pending.signal is not None:
                    pending.signal.set()
            if following is not None and following.signal is not None:
                following.signal.set()

    def _take(self) -> list[Pending]:
        """Take who waits, as many as go into one batch."""
        now = time.monotonic()
        with self._lock:
            taken = list(islice(self._waiting, MAX_BATCH))
            for pending in taken:
                self._waiting.popleft()
                pending.began = pending.began or now
            self._batch += taken
        timeouts.impose(timeouts.latest(pending.limit for pending in self._batch))
        return taken

    def go_on(self) -> list[Pending] | None:
        """Let others past writes that are held up, by somebody's open transaction for instance.

        Whoever is done goes its way, and whoever has come since joins.

        Returns:
            Who joins; None if the leader itself is done, so that another one goes on with what is left.
        """
        for pending in self._batch:
            if pending.done and pending.signal is not None:
                pending.signal.set()
        self._batch = [pending for pending in self._batch if not pending.done]
        if self._leader is not None and self._leader.done:
            return None
        return self._take()

    def _next_leader(self, leader: Pending) -> Pending | None:
        """Choose who leads after a leader; with the lock held."""
        self._leader = next((pending for pending in self._waiting if pending is not leader), None)
        return self._leader

    def _leave(self, pending: Pending) -> None:
        """Take a writer out, and let the next one lead if this one was about to."""
        following: Pending | None = None
        with self._lock:
            if not pending.done:
                pending.gone = True
                if pending in self._waiting:
                    self._waiting.remove(pending)
            if self._leader is pending and not self._leading:
                following = self._next_leader(pending)
        if following is not None and following.signal is not None:
            following.signal.set()
