"""Listeners of an asynchronous client, too, hear of a branch what they would hear of a database."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from pymongo import AsyncMongoClient, InsertOne
from pymongo.errors import BulkWriteError, InvalidOperation

from argon.aio import AsyncArgon, AsyncWALClient, AsyncWALDatabase

from .told import Told


async def _use(client: Any, db: Any) -> None:
    users = db["users"]
    await users.insert_many([{"_id": n} for n in range(5)])
    with pytest.raises(BulkWriteError):
        await users.bulk_write([InsertOne({"_id": 1}), InsertOne({"_id": 9})], ordered=False)
    assert [one["_id"] async for one in users.find({}, batch_size=2)] == [0, 1, 2, 3, 4, 9]
    assert await (await users.aggregate([{"$count": "n"}])).to_list() == [{"n": 6}]
    await users.create_index("v")
    assert await db.list_collection_names() == ["users"]
    async with client.start_session() as session, await session.start_transaction():
        await users.update_one({"_id": 1}, {"$set": {"v": 1}}, session=session)
        assert await users.count_documents({"v": 1}, session=session) == 1
    await client.admin.command("ping")
    await client.drop_database(db.name)


async def test_what_is_heard_is_what_a_database_says(mongod_uri: str) -> None:
    name, heard = f"of_{uuid.uuid4().hex[:8]}", []
    for kind, options in ((AsyncMongoClient, {}), (AsyncWALClient, {"argon_database": f"log_{name}"})):
        told = Told()
        client: Any = kind(mongod_uri, event_listeners=[told], **options)
        async with client:
            await _use(client, client[name])
            heard.append(told.take())
    expected, mine = heard
    assert mine[: len(expected)] == expected
    assert {event[1] for event in mine[len(expected) :]} <= {"endSessions"}
    async with AsyncMongoClient[Any](mongod_uri) as plain:
        await plain.drop_database(f"log_{name}")


async def test_the_session_of_another_client_is_refused(mongod_uri: str) -> None:
    name = f"log_{uuid.uuid4().hex[:8]}"
    async with (
        AsyncWALClient[Any](mongod_uri, event_listeners=[Told()], argon_database=name) as mine,
        AsyncWALClient[Any](mongod_uri, argon_database=name) as other,
    ):
        await mine["shop"]["users"].insert_one({"_id": 1})
        async with other.start_session() as session:
            with pytest.raises(InvalidOperation, match="started it"):
                await mine["shop"]["users"].find_one({}, session=session)
        async with AsyncArgon(mongod_uri, database=name) as argon:
            db = AsyncWALDatabase(await argon.branch("shop"))
            assert await db["users"].count_documents({}) == 1
        await mine.argon.mongo.drop_database(name)
