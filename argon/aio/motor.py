"""Motor's own classes on branches, for applications that are written for Motor and nothing else.

Motor calls PyMongo's synchronous classes in threads. Here it calls the
synchronous client of this project, so everything above that is Motor's own:
databases, collections and cursors with ``each``, ``fetch_next`` and
``next_object``, futures that begin at once, Motor's GridFS.

    from argon.aio.motor import AsyncIOMotorWALClient

    client = AsyncIOMotorWALClient("mongodb://localhost:27017/?replicaSet=rs0")
    await client["shop@feature"]["users"].insert_one({"name": "Alice"})

What Motor has no words for, such as the past, is with
:class:`argon.aio.AsyncArgon`, on the same client or on any other.
"""

from __future__ import annotations

from typing import Any

from motor.core import AgnosticClient
from motor.metaprogramming import MotorAttributeFactory
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorClientSession, AsyncIOMotorDatabase
from pymongo.synchronous.database import Database

from argon.driver.client import WALClient
from argon.listening import send_always
from argon.names import parse_target


class _Delegate(WALClient[Any]):
    """The client that Motor calls: Motor knows PyMongo's own classes, whose calls are commands."""

    __slots__ = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        send_always(self)


class AsyncIOMotorWALClient(AsyncIOMotorClient[Any]):
    """An AsyncIOMotorClient on whose databases every write is versioned.

    Args:
        args: See :class:`motor.motor_asyncio.AsyncIOMotorClient`.
        argon_database: The database that holds everything; by default the one in the settings.
        kwargs: See :class:`motor.motor_asyncio.AsyncIOMotorClient`.
    """

    __delegate_class__ = _Delegate

    delegate: _Delegate

    def __getitem__(self, name: str) -> Any:
        return self.get_database(name)

    def get_database(self, name: str | None = None, *args: Any, **kwargs: Any) -> Any:
        """See ``get_database`` of Motor's client; a branch that is not there is told of by the first use."""
        name = self.delegate._default_name() if name is None else name
        project, branch = parse_target(name)
        database = Database(self.delegate, "named", *args, **kwargs)
        # A branch's name may hold what the name of a database may not.
        vars(database)["_name"] = project if branch is None else f"{project}@{branch}"
        return AsyncIOMotorDatabase(self, name, _delegate=database)

    def get_default_database(self, default: str | None = None, *args: Any, **kwargs: Any) -> Any:
        """See ``get_default_database`` of Motor's client."""
        return self.get_database(self.delegate._default_name(default), *args, **kwargs)

    async def start_session(self, *args: Any, **kwargs: Any) -> AsyncIOMotorClientSession:
        """See ``start_session`` of Motor's client; a transaction of it is one commit."""
        session: Any = self.delegate.start_session(*args, **kwargs)  # nothing is sent yet
        return AsyncIOMotorClientSession(session, self)


# Motor makes its methods of the functions of a class of PyMongo's; these are made of ours.
for _base in AgnosticClient.__mro__:
    for _name, _factory in vars(_base).items():
        if isinstance(_factory, MotorAttributeFactory) and _name not in vars(AsyncIOMotorWALClient):
            _make: Any = _factory.create_attribute
            setattr(AsyncIOMotorWALClient, _name, _make(AsyncIOMotorWALClient, _name))
