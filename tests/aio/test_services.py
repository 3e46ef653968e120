"""Change streams, expiry and the embedded server on an event loop."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from argon import Argon, Project, WALDatabase
from argon.aio import AsyncArgon, AsyncMaterializer, AsyncWALDatabase
from argon.classic.branches import create_project
from argon.io import run


async def test_streams_in_either_manner(adb: AsyncWALDatabase[Any]) -> None:
    async with adb.items.watch(max_await_time_ms=100) as stream:  # Motor; open from here on
        await adb.items.insert_one({"_id": 1})
        event = await stream.next()
        assert (event["operationType"], event["documentKey"]) == ("insert", {"_id": 1})
        assert await stream.try_next() is None
        token = stream.resume_token
    assert not stream.alive
    await adb.items.update_one({"_id": 1}, {"$set": {"x": 1}})
    async with await adb.watch(resume_after=token) as stream:  # PyMongo
        async for event in stream:
            assert event["updateDescription"]["updatedFields"] == {"x": 1}
            break


async def test_a_stream_of_all_projects(aargon: AsyncArgon, shop: Project) -> None:
    client = aargon.client()
    async with await client.watch() as stream:
        await client[shop.name].items.insert_one({"_id": 1})
        event: Any = await asyncio.wait_for(stream.next(), 10)
        while event["ns"]["db"] != shop.name:
            event = await asyncio.wait_for(stream.next(), 10)
    assert event["fullDocument"] == {"_id": 1}


async def test_many_streams_wait_at_once(adb: AsyncWALDatabase[Any]) -> None:
    streams = [await adb.items.watch() for _ in range(5)]
    waiting = [asyncio.ensure_future(stream.next()) for stream in streams]
    await asyncio.sleep(0)
    await adb.items.insert_one({"_id": 1})
    events = await asyncio.wait_for(asyncio.gather(*waiting), 10)
    assert [event["documentKey"] for event in events] == [{"_id": 1}] * 5
    for stream in streams:
        await stream.close()


async def test_a_task_expires_documents(
    plain_client: Any, shared: Argon, shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGON_TTL_INTERVAL", "0.05")
    async with AsyncArgon(database=shared.database, client=plain_client) as argon:
        db = AsyncWALDatabase(await argon.branch(shop.name))
        assert not argon.expiry.running
        await db.sessions.create_index("at", expireAfterSeconds=60)
        stream = await db.sessions.watch()
        old = datetime.now(UTC) - timedelta(hours=1)
        await db.sessions.insert_many([{"_id": 1, "at": old}, {"_id": 2, "at": datetime.now(UTC)}])
        while (event := await asyncio.wait_for(stream.next(), 10))["operationType"] != "delete":
            pass
        assert event["documentKey"] == {"_id": 1}
        assert argon.expiry.running
        await stream.close()
    assert not argon.expiry.running
    assert [entry.author for entry in shop.branch("main").log(limit=1)] == ["ttl"]


async def test_a_replay_of_the_log(adb: AsyncWALDatabase[Any], aargon: AsyncArgon) -> None:
    await adb.items.insert_many([{"_id": 1}, {"_id": 2}])
    lsn = await adb.branch.head_lsn
    await adb.items.delete_one({"_id": 1})
    materializer = AsyncMaterializer(aargon)
    assert len(await materializer.replay(adb.branch, "items")) == 1
    assert len(await materializer.replay(adb.branch, "items", lsn)) == 2


async def test_a_classic_branch_passes_through(aargon: AsyncArgon, shared: Argon, shop: Project) -> None:
    name = f"classic_{shop.name}"
    shared.set_feature("wal_enabled", {"projects": [shop.name], "percent": 0})
    try:
        project = run(create_project(shared.engine, name))
        db = AsyncWALDatabase(await aargon.branch(name))
        assert db.branch.kind == "classic"
        people = db.people
        await people.insert_many([{"_id": number} for number in range(5)])
        physical = shared.mongo[project_database(shared, name)].people
        assert physical.count_documents({}) == 5
        assert len(await people.find({"_id": {"$gt": 1}}).sort("_id", -1).to_list(None)) == 3
        assert (await people.find_one({}, sort=[("_id", -1)])) == {"_id": 4}
        assert await people.count_documents({}) == 5
        assert [one["_id"] async for one in people.aggregate([{"$sort": {"_id": -1}}])] == [4, 3, 2, 1, 0]
        assert [one["name"] async for one in people.list_indexes()] == ["_id_"]
        assert await db.list_collection_names() == ["people"]
        assert (await people.update_one({"_id": 1}, {"$set": {"x": 1}})).modified_count == 1
        assert (await people.find({"_id": 1}).explain())["ok"] == 1
        async with people.watch() as stream:
            await people.insert_one({"_id": "seen"})
            assert (await stream.next())["documentKey"] == {"_id": "seen"}
        assert project.name == name
    finally:
        shared.unset_feature("wal_enabled")
        await aargon.delete_project(name)


def project_database(argon: Argon, name: str) -> str:
    """The physical database of a project's classic main branch."""
    return argon.project(name).branch("main").record.physical or ""


def test_the_embedded_server_starts_when_it_is_first_needed(
    monkeypatch: pytest.MonkeyPatch, mongod_uri: str, shared: Argon, shop: Project
) -> None:
    monkeypatch.delenv("ARGON_MONGODB_URI", raising=False)
    starts: list[int] = []

    def start() -> str:
        starts.append(1)
        return mongod_uri

    # Only the start itself is replaced, so that the test has a server of its own nowhere.
    monkeypatch.setattr("argon.aio._embedded.resolve_uri", start)
    monkeypatch.chdir(Path("/"))
    argon = AsyncArgon(database=shared.database)
    db: Any = argon.client()[shop.name]
    assert starts == []
    assert argon.uri is None

    async def use() -> None:
        await asyncio.gather(*(db.items.insert_one({"_id": number}) for number in range(10)))
        assert (await argon.client().server_info())["version"]
        await argon.close()

    asyncio.run(use())
    assert starts == [1]
    assert argon.uri == mongod_uri
    assert WALDatabase(shop.branch("main")).items.count_documents({}) == 10
