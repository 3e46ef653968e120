"""Handles whose calls are commands, as PyMongo writes them, and which listeners are told of.

What a collection of a branch does costs least when it goes to the engine
directly, and nobody needs to know which command it would be. Where somebody
listens, or a reply needs the server's own word about a write concern, PyMongo's
own methods write the command, and :mod:`argon.aio.connection` answers it. So
they do while a fail point may make it fail, or a profile tells of it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

from argon.aio.classic import READS, WRITES, AsyncClassicCollection
from argon.aio.collection import AsyncWALCollection
from argon.aio.database import AsyncWALDatabase
from argon.listening import sends_commands

D = TypeVar("D", bound=Any)

ON_DATABASE = (
    "aggregate",
    "command",
    "create_collection",
    "cursor_command",
    "drop_collection",
    "list_collection_names",
    "list_collections",
    "validate_collection",
    "watch",
)


class AsyncCommandingCollection(AsyncWALCollection[D]):
    """A collection of a branch whose methods are PyMongo's own."""


class AsyncCommandingDatabase(AsyncWALDatabase[D]):
    """A branch whose methods are PyMongo's own, as far as a database has them."""

    async def create_collection(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """See :meth:`pymongo.asynchronous.database.AsyncDatabase.create_collection`."""
        made = await AsyncDatabase.create_collection(self, name, *args, **kwargs)
        options = (made.codec_options, made.read_preference, made.write_concern, made.read_concern)
        return self.get_collection(name, *options)


AsyncCommandingCollection.__name__ = AsyncCollection.__name__
AsyncCommandingDatabase.__name__ = AsyncDatabase.__name__
for _name in (*READS, *WRITES):
    setattr(AsyncCommandingCollection, _name, getattr(AsyncCollection, _name))
for _name in ON_DATABASE:
    if _name not in vars(AsyncCommandingDatabase):
        setattr(AsyncCommandingDatabase, _name, getattr(AsyncDatabase, _name))


def _while_asked(direct: Callable[..., Any], commanding: Callable[..., Any]) -> Callable[..., Any]:
    def chosen(handle: Any) -> Callable[..., Any]:
        client = handle._client if isinstance(handle, AsyncDatabase) else handle._database._client
        return commanding if sends_commands(client) else direct

    @functools.wraps(direct)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return chosen(self)(self, *args, **kwargs)

    @functools.wraps(direct)
    async def coroutine(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await chosen(self)(self, *args, **kwargs)

    return coroutine if inspect.iscoroutinefunction(direct) else method


@functools.cache
def follow_commands() -> None:
    """Let the handles that there are already send commands too, from now on, while somebody asks for them.

    Nobody pays for the question before the first fail point is set in the process, or the first profile.
    """
    for kind in (AsyncWALCollection, AsyncClassicCollection):
        _follow(kind, AsyncCollection, (*READS, *WRITES))
    _follow(AsyncWALDatabase, AsyncCommandingDatabase, ON_DATABASE)


def _follow(kind: Any, commanding: Any, names: Iterable[str]) -> None:
    for name in names:
        direct, sending = getattr(kind, name), getattr(commanding, name)
        if direct is not sending:  # what is PyMongo's own sends commands anyway
            setattr(kind, name, _while_asked(direct, sending))
