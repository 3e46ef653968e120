"""PyMongo's collection on a branch."""

from __future__ import annotations

import inspect
from datetime import datetime, timedelta
from typing import Any, Self, TypeVar

from pymongo.asynchronous.collection import AsyncCollection

from argon.aio._world import Openable, opened
from argon.aio.definitions import AsyncDefinitions
from argon.aio.search_indexes import AsyncSearchIndexes
from argon.aio.updating import AsyncUpdating
from argon.aio.writing import AsyncWriting

D = TypeVar("D", bound=Any)


class AsyncWALCollection(
    AsyncSearchIndexes[D], AsyncWriting[D], AsyncUpdating[D], AsyncDefinitions[D], Openable
):
    """A collection of a branch; see :class:`pymongo.asynchronous.collection.AsyncCollection`.

    Args:
        database: The database handle.
        name: The collection's name.
        space: Its namespace within the branch.
        handle: The branch and the moment.
    """

    def at(
        self,
        *,
        lsn: int | None = None,
        time: datetime | None = None,
        ago: timedelta | None = None,
        tag: str | None = None,
    ) -> Self:
        """Return this collection as it was; see :meth:`argon.aio.AsyncWALDatabase.at`."""
        past = self._wal_database()._past(lsn=lsn, time=time, ago=ago, tag=tag)
        return opened(self._like(past, self.name, past._handle))

    async def _open(self) -> None:
        await self._wal_database()._open()


# What Python says of an object, such as that it is not iterable, names its class as PyMongo does.
AsyncWALCollection.__name__ = AsyncCollection.__name__
# What Python says of wrong arguments names the class that is known.
for _part in AsyncWALCollection.__bases__:
    for _name, _method in vars(_part).items():
        if inspect.isfunction(_method) and not _name.startswith("_"):
            _method.__qualname__ = f"{AsyncWALCollection.__qualname__}.{_name}"
