"""LSNs come from the project's counter in blocks, outside any transaction.

A block is 1 at first and doubles under load, up to :data:`MAX_BLOCK`; it is
dropped when another writer has gone past it. Gaps are harmless: LSNs only
have to be unique in the project and to increase along each branch.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from bson import ObjectId
from pymongo import ReturnDocument
from pymongo.write_concern import WriteConcern

from argon.errors import ProjectNotFound
from argon.forks import renew_in_child
from argon.io import Operation

MAX_BLOCK = 4096
_LOAD_WINDOW = 0.05
"""Seconds for each LSN of a block; using it up sooner counts as load."""


class LsnAllocator:
    """Hands out a project's LSNs within one process.

    Args:
        projects: The ``projects`` collection.
        project_id: The project.
    """

    def __init__(self, projects: Any, project_id: ObjectId) -> None:
        # The counter needs no flush of its own: it is journalled before the
        # commit that uses its LSNs is. Where a failover rolls it back all the
        # same, the log's unique key refuses the LSN and a later block moves it on.
        self._projects = projects.with_options(write_concern=WriteConcern(1))
        self._project_id = project_id
        self._block = 1
        self._fetched = 0.0
        self.after_fork()
        renew_in_child(self)

    def after_fork(self) -> None:
        """Leave the block to the parent."""
        self._lock = threading.Lock()
        self._next = 0
        self._end = 0

    def take(self, count: int, above: int) -> Operation[int]:
        """Reserve consecutive LSNs.

        Args:
            count: How many.
            above: The branch's head; every LSN handed out is greater.

        Returns:
            The first LSN of the run.
        """
        with self._lock:
            if self._next <= above and self._next < self._end:
                # Another writer has gone past the block, as it will go past the next one.
                self._next = self._end = 0
                self._block = 1
            if self._end - self._next >= count:
                self._next += count
                return self._next - count
            now = time.monotonic()
            busy = now - self._fetched < _LOAD_WINDOW * self._block
            self._block = min(self._block * 2, MAX_BLOCK) if busy else 1
            self._fetched = now
            size = max(count, self._block)
        first, end = yield from self._fetch(size, above)
        with self._lock:
            if end - (first + count) > self._end - self._next:
                self._next, self._end = first + count, end
        return first

    def _fetch(self, size: int, above: int) -> Operation[tuple[int, int]]:
        # As a pipeline, so that one round trip also heals a counter that fell behind the log.
        record = yield self._projects.find_one_and_update(
            {"_id": self._project_id},
            [{"$set": {"next_lsn": {"$add": [{"$max": ["$next_lsn", above + 1]}, size]}}}],
            projection={"next_lsn": 1},
            return_document=ReturnDocument.AFTER,
        )
        if record is None:
            raise ProjectNotFound(f"the project {self._project_id} is gone: its record was removed")
        end = int(record["next_lsn"])
        return end - size, end

    def lend(self) -> tuple[int, int]:
        """Give what is left of the block away, for another process to go on with.

        Returns:
            The next LSN, and the end of the block.
        """
        with self._lock:
            block = self._next, self._end
            self._next = self._end = 0
            return block

    def borrow(self, first: int, end: int) -> None:
        """Go on with a block that another process has given away."""
        with self._lock:
            if end - first > self._end - self._next:
                self._next, self._end = first, end

    def drop(self) -> None:
        """Forget the current block, because one of its LSNs turned out to be taken."""
        with self._lock:
            self._next = self._end = 0
