# Generated from argon/aio/commanding.py by tools/async_to_sync.py: edit that.

"""Handles whose calls are commands, as PyMongo writes them, and which listeners are told of.

What a collection of a branch does costs least when it goes to the engine
directly, and nobody needs to know which command it would be. Where somebody
listens, or a reply needs the server's own word about a write concern, PyMongo's
own methods write the command, and :mod:`argon.driver.connection` answers it.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pymongo.synchronous.collection import Collection
from pymongo.synchronous.database import Database

from argon.driver.classic import READS, WRITES
from argon.driver.collection import WALCollection
from argon.driver.database import WALDatabase

D = TypeVar("D", bound=Any)

ON_DATABASE = (
    "aggregate",
    "command",
    "create_collection",
    "cursor_command",
    "dereference",
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


for _name in (*READS, *WRITES):
    setattr(CommandingCollection, _name, getattr(Collection, _name))
for _name in ON_DATABASE:
    if _name not in vars(CommandingDatabase):
        setattr(CommandingDatabase, _name, getattr(Database, _name))
