"""Motor's client, whose databases are projects and branches.

Motor holds PyMongo's synchronous client and calls it in threads. The client
here is one of Motor's own as far as ``isinstance`` asks.
"""

from __future__ import annotations

from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase

from argon.aio._world import settle
from argon.aio.client import ProjectsClient
from argon.driver.argon import Argon
from argon.driver.client import WALClient
from argon.server.connect import resolve_uri


class _Delegate(WALClient[Any]):
    """What Motor's own classes call in threads: PyMongo's client, whose commands end at branches."""

    __slots__ = ()
    # The face on Motor sends no commands to branches: what shall fail is what it sends underneath.
    _keeps_fail_points = False


class _Methods(ProjectsClient[Any]):
    __slots__ = ("_delegate",)
    _delegate: _Delegate

    @staticmethod
    def _plain_client(host: Any, *args: Any, **kwargs: Any) -> Any:
        return AsyncIOMotorClient(host or resolve_uri(), *args, **kwargs)

    def _plain_session(self, *args: Any, **kwargs: Any) -> Any:
        # Motor starts sessions in a thread, for which there is no need: nothing is sent.
        return self._plain.delegate.start_session(*args, **kwargs)

    @property
    def delegate(self) -> _Delegate:
        """The client that Motor's own classes on this one call in threads."""
        if not hasattr(self, "_delegate"):
            mine = self.argon
            who: Any = {"author": mine.author, "run_hooks": mine.engine.run_hooks}
            theirs = Argon(database=mine.database, client=self._plain.delegate, _latent=True, **who)
            self._delegate = _Delegate(argon=theirs)
        return self._delegate

    def _servers_own(self, name: str, options: Any) -> Any:
        this: Any = self
        return AsyncIOMotorDatabase(this, name, _delegate=self.delegate.get_database(name, *options))

    async def close(self) -> None:
        """See :meth:`ProjectsClient.close`."""
        if hasattr(self, "_delegate"):
            self._delegate.argon.expiry.stop()
        await settle(super().close())


# Made by a call, since the two bases declare for type checkers that they return different databases.
AsyncWALMotorClient: Any = type("AsyncWALMotorClient", (_Methods, AsyncIOMotorClient), {"__slots__": ()})
