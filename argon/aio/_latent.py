"""Cursors that their first use opens, or ``await``; on the other face they are open from the start."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Generator
from typing import Any, NoReturn, Self, TypeVar

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.command_cursor import AsyncCommandCursor
from pymongo.errors import InvalidOperation

from argon.engine.cursors import close, next_batch
from argon.io import run_async

D = TypeVar("D", bound=Any)


class LatentCursor(AsyncCommandCursor[D]):
    """A cursor that is opened by its first use, as Motor's are, or by ``await``, as PyMongo's are.

    Args:
        collection: Whose cursor it is.
        find: Returns the documents, or a cursor of the driver in use.
    """

    def __init__(self, collection: AsyncCollection[Any], find: Callable[[], Awaitable[Any]]) -> None:
        self._find: Callable[[], Awaitable[Any]] | None = find
        self._source: Any = None
        super().__init__(collection, {"id": 0, "firstBatch": [], "ns": collection.full_name}, None)
        self._killed = False

    def __await__(self) -> Generator[Any, None, Self]:
        yield from self._start().__await__()
        return self

    async def _start(self) -> None:
        find, self._find = self._find, None
        if find is None or self._killed:
            return
        try:
            found = await find()
        except BaseException:
            self._killed = True
            raise
        if isinstance(found, list):
            self._data = deque(found)
            self._killed = True
        else:
            self._source = found
            if self._batch_size:
                self.batch_size(self._batch_size)
            self._take(await run_async(next_batch(found)))

    async def _refresh(self) -> int:
        if not self._data and not self._killed:
            if self._source is None:
                await self._start()
            else:
                self._take(await run_async(next_batch(self._source)))
        return len(self._data)

    def _take(self, batch: list[Any]) -> None:
        self._data.extend(batch)
        self._id = getattr(self._source, "cursor_id", 0) or 0
        self._address = getattr(self._source, "address", None)
        if not self._source.alive:
            self._killed = True

    async def next(self) -> D:
        """See :meth:`pymongo.asynchronous.command_cursor.AsyncCommandCursor.next`."""
        return await super().next()

    def batch_size(self, batch_size: int) -> Self:
        """See :meth:`pymongo.asynchronous.command_cursor.AsyncCommandCursor.batch_size`."""
        if hasattr(self._source, "batch_size"):
            self._source.batch_size(batch_size)
        return super().batch_size(batch_size)

    async def close(self) -> None:
        """See :meth:`pymongo.asynchronous.command_cursor.AsyncCommandCursor.close`."""
        self._killed = True
        self._find = None
        if self._source is not None:
            await run_async(close(self._source))

    def __del__(self) -> None:
        # The physical cursor looks after its own end.
        return


class LatentRawCursor(LatentCursor[D]):
    """The same, over replies of the server as they are."""

    def _take(self, batch: list[Any]) -> None:
        super()._take([b"".join(document.raw for document in batch)] if batch else [])

    def __getitem__(self, index: int) -> NoReturn:
        raise InvalidOperation("Cannot call __getitem__ on AsyncRawBatchCommandCursor")
