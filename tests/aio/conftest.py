"""Fixtures that give the same project through each face."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient

from argon import Argon, Project, WALDatabase
from argon.aio import AsyncArgon, AsyncWALDatabase

from .faces import Face

DRIVERS: dict[str, Any] = {"pymongo": AsyncMongoClient, "motor": AsyncIOMotorClient}


@pytest.fixture(scope="session")
def shared(mongod_uri: str) -> Iterator[Argon]:
    """A synchronous Argon on a database that tests share, each with a project of its own."""
    with Argon(mongod_uri, database=f"aio_{uuid.uuid4().hex[:12]}") as argon:
        yield argon
        argon.mongo.drop_database(argon.database)


@pytest.fixture
def shop(shared: Argon) -> Project:
    """A project of the test's own, as the synchronous face has it: to look at what has happened."""
    return shared.create_project(f"shop_{uuid.uuid4().hex[:12]}")


@pytest.fixture(params=list(DRIVERS))
def driver(request: pytest.FixtureRequest) -> str:
    """The name of an asynchronous driver."""
    name: str = request.param
    return name


@pytest.fixture
async def plain_client(driver: str, mongod_uri: str) -> AsyncIterator[Any]:
    """A client of the driver."""
    async with connected(driver, mongod_uri) as client:
        yield client


@pytest.fixture
async def aargon(plain_client: Any, shared: Argon) -> AsyncIterator[AsyncArgon]:
    """Argon on the driver."""
    async with AsyncArgon(database=shared.database, client=plain_client) as argon:
        yield argon


@pytest.fixture
async def adb(aargon: AsyncArgon, shop: Project) -> AsyncWALDatabase[Any]:
    """The main branch of the test's project."""
    return AsyncWALDatabase(await aargon.branch(shop.name))


@pytest.fixture(params=["sync", *DRIVERS])
async def face(
    request: pytest.FixtureRequest, shared: Argon, shop: Project, mongod_uri: str
) -> AsyncIterator[Face]:
    """One of the three faces."""
    if request.param == "sync":
        main = shop.branch("main")
        yield Face("sync", shared, shared.client(), WALDatabase(main), main, shop.name, WALDatabase)
        return
    async with (
        connected(request.param, mongod_uri) as client,
        AsyncArgon(database=shared.database, client=client) as argon,
    ):
        branch = await argon.branch(shop.name)
        database = AsyncWALDatabase(branch)
        yield Face(request.param, argon, argon.client(), database, branch, shop.name, AsyncWALDatabase)


@asynccontextmanager
async def connected(driver: str, uri: str, **options: Any) -> AsyncIterator[Any]:
    """Give a client of a driver."""
    client = DRIVERS[driver](uri, appname="argon", **options)
    try:
        yield client
    finally:
        closed = client.close()
        if closed is not None:
            await closed
