"""A client of the embedded server, which starts when it is first needed."""

from __future__ import annotations

import asyncio
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.topology import Topology

from argon.listening import set_apart
from argon.server import resolve_uri

_NOWHERE = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=1"


class EmbeddedClient(AsyncMongoClient[Any]):
    """PyMongo's client, which learns where its server is when it opens its first connection.

    Starting the server takes half a second and happens in a thread, so the
    client can be made anywhere, and the event loop goes on meanwhile. It hangs
    on PyMongo's protected hook ``_get_topology``, which opens connections.

    Args:
        args: See :class:`pymongo.asynchronous.mongo_client.AsyncMongoClient`, but for the host.
        options: See there too.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(_NOWHERE, *args, **options)
        set_apart(self)
        self._given = (args, options)
        self._start: asyncio.Future[str] | None = None
        self._found: str | None = None

    @property
    def uri(self) -> str | None:
        """The server's URI, once it runs."""
        return self._found

    async def _get_topology(self) -> Topology:
        if self._found is None:
            if self._start is None or self._start.done():
                self._start = asyncio.ensure_future(asyncio.to_thread(resolve_uri))
            uri = await asyncio.shield(self._start)
            if self._found is None:
                args, options = self._given
                AsyncMongoClient.__init__(self, uri, *args, **options)
                set_apart(self)
                self._found = uri
        return await super()._get_topology()
