"""The drivers by which a branch is reached, on the server that can be told to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient, MongoClient, monitoring

from argon import Argon, WALDatabase
from argon.aio import AsyncArgon, AsyncWALDatabase

Call = Callable[[Any], Any]
Do = Callable[[Call], Any]
PAST_THE_DRIVER = ["pymongo", "pymongo async"]
"""Where commands go past the driver's own methods."""
FACES = [*PAST_THE_DRIVER, "listened", "motor"]


class Stopped(BaseException):
    """What interrupts; like Ctrl-C, but the test's own."""


class _Listener(monitoring.CommandListener):
    def started(self, event: monitoring.CommandStartedEvent) -> None: ...
    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...
    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...


@contextmanager
def reached(face: str, database: str, uri: str, **options: Any) -> Iterator[Do]:
    """Give what calls something on main's database by a face, and returns what comes of it.

    Args:
        face: One of :data:`FACES`.
        database: Where Argon keeps everything, with the project "shop".
        uri: Of the server.
        options: Of the client.
    """
    if face in ("pymongo", "listened"):
        listeners = [_Listener()] if face == "listened" else []
        client = MongoClient[dict[str, Any]](uri, event_listeners=listeners, appName="argon", **options)
        with client, Argon(database=database, client=client) as mine:
            here = WALDatabase[Any](mine.project("shop").branch("main"))
            here.collection("users").find_one()
            yield lambda call: call(here)
        return
    kind: Any = AsyncMongoClient if face == "pymongo async" else AsyncIOMotorClient

    async def connect() -> tuple[Any, Any, Any]:
        client = kind(uri, appName="argon", **options)
        mine = AsyncArgon(database=database, client=client)
        there = AsyncWALDatabase[Any](await mine.branch("shop"))
        await there.collection("users").find_one()
        return client, mine, there

    async def awaited(call: Call, there: Any) -> Any:
        return await call(there)

    async def close(client: Any, mine: Any) -> None:
        await mine.close()
        done = client.close()
        if done is not None:
            await done

    with asyncio.Runner() as runner:
        client, mine, there = runner.run(connect())
        yield lambda call: runner.run(awaited(call, there))
        runner.run(close(client, mine))
