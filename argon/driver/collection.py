# Generated from argon/aio/collection.py by tools/async_to_sync.py: edit that.

"""PyMongo's collection on a branch."""

from __future__ import annotations

import inspect
from datetime import datetime, timedelta
from typing import Any, Self, TypeVar

from pymongo.synchronous.collection import Collection

from argon.driver._world import Openable, opened
from argon.driver.definitions import Definitions
from argon.driver.search_indexes import SearchIndexes
from argon.driver.updating import Updating
from argon.driver.writing import Writing

D = TypeVar("D", bound=Any)


class WALCollection(SearchIndexes[D], Writing[D], Updating[D], Definitions[D], Openable):
    """A collection of a branch; see :class:`pymongo.collection.Collection`.

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
        """Return this collection as it was; see :meth:`argon.WALDatabase.at`."""
        past = self._wal_database()._past(lsn=lsn, time=time, ago=ago, tag=tag)
        return opened(self._like(past, self.name, past._handle))

    def _open(self) -> None:
        self._wal_database()._open()


# What Python says of an object, such as that it is not iterable, names its class as PyMongo does.
WALCollection.__name__ = Collection.__name__
# What Python says of wrong arguments names the class that is known.
for _part in WALCollection.__bases__:
    for _name, _method in vars(_part).items():
        if inspect.isfunction(_method) and not _name.startswith("_"):
            _method.__qualname__ = f"{WALCollection.__qualname__}.{_name}"
