"""The task that expires documents, as MongoDB's TTL monitor does; its counterpart is a thread."""

from __future__ import annotations

import asyncio
import logging

from pymongo.errors import PyMongoError

from argon.catalog.collections import Catalog
from argon.engine.expiry import expire, ttl_indexes
from argon.engine.handle import Handle
from argon.engine.line import Line
from argon.errors import BranchNotFound
from argon.io import run_async

logger = logging.getLogger("argon.ttl")


class AsyncExpiryService:
    """Expires documents of the branches that this event loop uses.

    The task starts when the first catalogue with a TTL index is seen, and
    several processes may run one for the same branch.

    Args:
        interval: Seconds between two rounds.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._lines: set[Line] = set()
        self._stopped = False
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether the task is there."""
        return self._task is not None and not self._task.done()

    def notice(self, line: Line, catalog: Catalog) -> None:
        """Look after a branch from now on, if it has a TTL index."""
        if next(ttl_indexes(catalog), None) is None:
            return
        self._lines.add(line)
        if not self.running and not self._stopped:
            self._task = asyncio.get_running_loop().create_task(self._work(), name="argon-ttl")

    async def stop(self) -> None:
        """End the task; a round that is under way ends with the document it is at."""
        self._stopped = True
        task, self._task = self._task, None
        if (
            task is None
            or task is asyncio.current_task()
            or task.get_loop() is not asyncio.get_running_loop()
        ):
            return
        task.cancel()
        await asyncio.wait([task])

    async def _work(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            for line in list(self._lines):
                await self._expire(line)

    async def _expire(self, line: Line) -> None:
        try:
            await run_async(expire(Handle(line)))
        except BranchNotFound:
            self._lines.discard(line)
        except PyMongoError as error:
            # The next round tries again; nobody waits for this one.
            logger.warning("documents of branch %r could not be expired: %s", line.record.name, error)
