# Generated from argon/aio/commanding.py by tools/async_to_sync.py: edit that.

"""Handles whose calls are commands, as PyMongo writes them, and which listeners are told of.

What a collection of a branch does costs least when it goes to the engine
directly, and nobody needs to know which command it would be. Where somebody
listens, or a reply needs the server's own word about a write concern, PyMongo's
own methods write the command, and :mod:`argon.driver.connection` answers it. So
they do while a fail point may make it fail, or a profile tells of it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pymongo.synchronous.collection import Collection
from pymongo.synchronous.database import Database

from argon.driver.classic import READS, WRITES, ClassicCollection
from argon.driver.collection import WALCollection
from argon.driver.database import WALDatabase
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


class CommandingCollection(WALCollection[D]):
    """A collection of a branch whose methods are PyMongo's own."""


class CommandingDatabase(WALDatabase[D]):
    """A branch whose methods are PyMongo's own, as far as a database has them."""

    def create_collection(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """See :meth:`pymongo.database.Database.create_collection`."""
        made = Database.create_collection(self, name, *args, **kwargs)
        options = (made.codec_options, made.read_preference, made.write_concern, made.read_concern)
        return self.get_collection(name, *options)


CommandingCollection.__name__ = Collection.__name__
CommandingDatabase.__name__ = Database.__name__
for _name in (*READS, *WRITES):
    setattr(CommandingCollection, _name, getattr(Collection, _name))
for _name in ON_DATABASE:
    if _name not in vars(CommandingDatabase):
        setattr(CommandingDatabase, _name, getattr(Database, _name))


def _while_asked(direct: Callable[..., Any], commanding: Callable[..., Any]) -> Callable[..., Any]:
    def chosen(handle: Any) -> Callable[..., Any]:
        client = handle._client if isinstance(handle, Database) else handle._database._client
        return commanding if sends_commands(client) else direct

    @functools.wraps(direct)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return chosen(self)(self, *args, **kwargs)

    @functools.wraps(direct)
    def coroutine(self: Any, *args: Any, **kwargs: Any) -> Any:
        return chosen(self)(self, *args, **kwargs)

    return coroutine if inspect.iscoroutinefunction(direct) else method


@functools.cache
def follow_commands() -> None:
    """Let the handles that there are already send commands too, from now on, while somebody asks for them.

    Nobody pays for the question before the first fail point is set in the process, or the first profile.
    """
    for kind in (WALCollection, ClassicCollection):
        _follow(kind, Collection, (*READS, *WRITES))
    _follow(WALDatabase, CommandingDatabase, ON_DATABASE)


def _follow(kind: Any, commanding: Any, names: Iterable[str]) -> None:
    for name in names:
        direct, sending = getattr(kind, name), getattr(commanding, name)
        if direct is not sending:  # what is PyMongo's own sends commands anyway
            setattr(kind, name, _while_asked(direct, sending))
