"""Motor's client, whose databases are projects and branches.

Motor holds PyMongo's synchronous client and calls it in threads. The client
here is one of Motor's own as far as ``isinstance`` asks.
"""

from __future__ import annotations

from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient

from argon.aio.client import ProjectsClient
from argon.server.connect import resolve_uri


class _Methods(ProjectsClient[Any]):
    __slots__ = ()

    @staticmethod
    def _plain_client(host: Any, *args: Any, **kwargs: Any) -> Any:
        return AsyncIOMotorClient(host or resolve_uri(), *args, **kwargs)

    def _plain_session(self, *args: Any, **kwargs: Any) -> Any:
        # Motor starts sessions in a thread, for which there is no need: nothing is sent.
        return self._plain.delegate.start_session(*args, **kwargs)


# Made by a call, since the two bases declare for type checkers that they return different databases.
AsyncWALMotorClient: Any = type("AsyncWALMotorClient", (_Methods, AsyncIOMotorClient), {"__slots__": ()})
