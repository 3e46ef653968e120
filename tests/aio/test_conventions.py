"""What is awaited and what is not, on both drivers, in either driver's manner."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
from typing import Any

import pytest
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient
from pymongo.asynchronous.change_stream import AsyncChangeStream
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.command_cursor import AsyncCommandCursor
from pymongo.asynchronous.cursor import AsyncCursor
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import InvalidOperation, OperationFailure
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from argon import Argon, Project
from argon.aio import AsyncArgon, AsyncWALClient, AsyncWALDatabase
from argon.errors import BranchNotFound, PointNotFound, ProjectNotFound

from .conftest import connected

MANY = 2500


async def filled(db: AsyncWALDatabase[Any]) -> Any:
    await db.items.insert_many([{"_id": number, "even": number % 2 == 0} for number in range(MANY)])
    return db.items


async def test_the_classes_are_the_drivers_own(adb: AsyncWALDatabase[Any], aargon: AsyncArgon) -> None:
    client: Any = aargon.client()
    assert isinstance(client, AsyncMongoClient | AsyncIOMotorClient)
    assert type(client).__mro__[-1] is object
    assert isinstance(adb, AsyncDatabase)
    assert isinstance(adb.items, AsyncCollection)
    assert isinstance(adb.items.find(), AsyncCursor)
    assert isinstance(adb.items.aggregate([]), AsyncCommandCursor)
    assert isinstance(adb.items.watch(), AsyncChangeStream)
    assert isinstance(client.start_session(), AsyncClientSession)


async def test_cursors_with_and_without_await(adb: AsyncWALDatabase[Any]) -> None:
    items = await filled(adb)
    await items.create_index("even")
    pipeline = [{"$match": {"even": True}}, {"$sort": {"_id": 1}}, {"$limit": 3}]
    expected = [{"_id": number, "even": True} for number in (0, 2, 4)]
    assert [one async for one in items.aggregate(pipeline)] == expected  # Motor
    assert [one async for one in await items.aggregate(pipeline)] == expected  # PyMongo
    assert await items.aggregate(pipeline).to_list(None) == expected
    assert await (await items.aggregate(pipeline)).to_list() == expected
    assert [one["name"] async for one in items.list_indexes()] == ["_id_", "even_1"]
    assert [one["name"] for one in await (await items.list_indexes()).to_list()] == ["_id_", "even_1"]
    assert [one["name"] async for one in adb.list_collections()] == ["items"]
    assert [one["name"] async for one in await adb.list_collections()] == ["items"]


async def test_an_awaited_cursor_is_open_and_another_is_not(adb: AsyncWALDatabase[Any]) -> None:
    wrong = [{"$nope": 1}]
    with pytest.raises(OperationFailure):
        await adb.items.aggregate(wrong)
    cursor = adb.items.aggregate(wrong)  # nothing has happened
    with pytest.raises(OperationFailure):
        await cursor.next()
    unused = adb.items.aggregate([{"$out": "copies"}])
    await unused.close()
    assert await unused.to_list(None) == []
    assert await adb.list_collection_names() == []
    await adb.items.insert_one({"_id": 1})
    await adb.items.aggregate([{"$out": "copies"}])
    assert await adb.copies.find().to_list(None) == [{"_id": 1}]


@pytest.mark.parametrize("size", [7, 1000])
async def test_parts_of_lists_as_motor_gives_them(adb: AsyncWALDatabase[Any], size: int) -> None:
    items = await filled(adb)
    for cursor in (
        items.find().sort("_id").batch_size(100),
        items.aggregate([{"$sort": {"_id": 1}}]).batch_size(100),
    ):
        found: list[Any] = []
        while part := await cursor.to_list(size):
            assert len(part) <= size
            found += part
        assert [one["_id"] for one in found] == list(range(MANY))


class Replies(CommandListener):
    """Notes how many documents the server sends at a time."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def started(self, event: CommandStartedEvent) -> None:
        """The reply is what counts."""

    def succeeded(self, event: CommandSucceededEvent) -> None:
        cursor = event.reply.get("cursor")
        if cursor is not None:
            self.sizes.append(len(cursor.get("firstBatch", cursor.get("nextBatch", ()))))

    def failed(self, event: CommandFailedEvent) -> None:
        """The reply is what counts."""


@pytest.mark.parametrize("way", ["find", "aggregate"])
async def test_large_results_come_in_batches(
    driver: str, shared: Argon, shop: Project, mongod_uri: str, way: str
) -> None:
    replies = Replies()
    async with connected(driver, mongod_uri, event_listeners=[replies]) as client:
        argon = AsyncArgon(database=shared.database, client=client)
        items = await filled(AsyncWALDatabase(await argon.branch(shop.name)))
        await items.find_one({})
        replies.sizes.clear()
        if way == "find":
            cursor = items.find(batch_size=500)
        else:
            cursor = items.aggregate([{"$match": {}}], batchSize=500)
        seen = 0
        async for _ in cursor:
            seen += 1
            if seen == 600:
                assert sum(replies.sizes) == 1000, "it reads ahead of who reads it"
                break
        seen += len([one async for one in cursor])
    assert seen == MANY
    assert max(replies.sizes) == 500


async def test_cursors_of_replies_have_no_index(adb: AsyncWALDatabase[Any]) -> None:
    for cursor in (adb.items.find_raw_batches(), await adb.items.aggregate_raw_batches([])):
        with pytest.raises(InvalidOperation, match="Cannot call __getitem__"):
            cursor[0]


async def test_cursors_that_nobody_reads_are_let_go_in_silence(
    adb: AsyncWALDatabase[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    complaints: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    await adb.items.insert_many([{"_id": number} for number in range(5)])
    cursors: list[Any] = [adb.items.find() for _ in range(3)]
    await cursors[0].close()
    await cursors[1].next()
    for cursor in cursors:
        assert cursor.__del__() is None
    del cursors, cursor
    gc.collect()
    assert not complaints


async def test_a_session_that_is_none_is_refused_in_pymongos_words(adb: AsyncWALDatabase[Any]) -> None:
    wrong: Any = {}
    with pytest.raises(ValueError, match="argument must be an AsyncClientSession or None"):
        await adb.items.insert_one({}, session=wrong)


async def test_clients_on_a_loop_share_the_cursors_of_commands(mongod_uri: str, shared: Argon) -> None:
    name = f"shared_{ObjectId()}"
    async with (
        AsyncWALClient[Any](mongod_uri, argon_database=shared.database) as mine,
        AsyncWALClient[Any](mongod_uri, argon_database=shared.database) as other,
    ):
        await mine[name].items.insert_many([{"_id": number} for number in range(5)])
        begun = (await mine[name].command("find", "items", batchSize=3))["cursor"]
        rest = await other[name].command("getMore", begun["id"], collection="items")
        assert rest["cursor"]["nextBatch"] == [{"_id": 3}, {"_id": 4}]
        begun = (await mine[name].command("find", "items", batchSize=3))["cursor"]
        killed = await other[name].command("killCursors", "items", cursors=[begun["id"]])
        assert killed["cursorsKilled"] == [begun["id"]]
        await mine.drop_database(name)


async def test_a_stream_that_is_awaited_is_pymongos(adb: AsyncWALDatabase[Any], driver: str) -> None:
    stream = await adb.items.watch(max_await_time_ms=50)
    async with stream as same:
        assert same is stream
        await adb.items.insert_one({"_id": 1})
        assert (await stream.next())["documentKey"] == {"_id": 1}
    async with adb.items.watch(max_await_time_ms=50) as opened:
        assert type(opened) is type(stream)
        assert driver == "motor" or type(stream).__module__ == AsyncChangeStream.__module__


async def test_closing_a_cursor_early(adb: AsyncWALDatabase[Any]) -> None:
    items = await filled(adb)
    for cursor in (items.find(batch_size=5), items.aggregate([{"$match": {}}], batchSize=5)):
        async with cursor:
            assert (await cursor.next())["_id"] == 0
            assert cursor.alive
        assert len(await cursor.to_list(None)) < 5  # what had come already, and nothing more


async def test_the_past_resolves_when_it_is_used_or_awaited(adb: AsyncWALDatabase[Any]) -> None:
    await adb.items.insert_one({"_id": 1})
    lsn = await adb.branch.head_lsn
    await adb.items.delete_one({"_id": 1})
    assert await adb.at(lsn=lsn).items.find_one() == {"_id": 1}
    assert await (await adb.at(lsn=lsn)).items.find_one() == {"_id": 1}
    assert await adb.items.at(lsn=lsn).find_one() == {"_id": 1}
    assert await (await adb.items.at(lsn=lsn)).count_documents({}) == 1
    with pytest.raises(PointNotFound):
        await adb.at(lsn=10**12)
    later = adb.at(lsn=10**12)
    assert "at 1000000000000" in repr(later)
    with pytest.raises(PointNotFound):
        await later.items.find().to_list(None)
    assert adb.at(lsn=lsn) == adb.at(lsn=lsn) != adb


async def test_a_view_is_of_one_moment_from_its_first_use_on(adb: AsyncWALDatabase[Any]) -> None:
    from datetime import timedelta

    await adb.items.insert_one({"_id": 1})
    view = adb.at(ago=timedelta(0))
    assert await asyncio.gather(*(view.items.count_documents({}) for _ in range(5))) == [1] * 5
    await adb.items.insert_one({"_id": 2})
    assert await view.items.count_documents({}) == 1
    assert await adb.at(ago=timedelta(0)).items.count_documents({}) == 2


async def test_sessions_in_either_manner(aargon: AsyncArgon, shop: Project) -> None:
    client = aargon.client()
    items = client[shop.name].items
    async with await client.start_session() as session, session.start_transaction():  # Motor
        await items.insert_one({"_id": 1}, session=session)
        assert await items.count_documents({}, session=session) == 1
        assert await items.count_documents({}) == 0
    async with client.start_session() as session:  # PyMongo
        async with await session.start_transaction():
            await items.insert_one({"_id": 2}, session=session)
        with pytest.raises(RuntimeError, match="mine"):
            await _fail_in_a_transaction(session, items)
    assert [one["_id"] async for one in items.find()] == [1, 2]
    with pytest.raises(InvalidOperation):
        session.start_transaction()


async def _fail_in_a_transaction(session: Any, items: Any) -> None:
    async with session.start_transaction():
        await items.delete_many({}, session=session)
        raise RuntimeError("mine")


async def test_with_transaction_tries_again(aargon: AsyncArgon, shop: Project) -> None:
    client = aargon.client()
    items = client[shop.name].items
    await items.insert_one({"_id": 1, "n": 0})
    tries = []

    async def add(session: Any) -> str:
        tries.append(1)
        found = await items.find_one({"_id": 1}, session=session)
        if len(tries) == 1:
            await items.update_one({"_id": 1}, {"$inc": {"n": 10}})  # somebody else comes first
        await items.update_one({"_id": 1}, {"$set": {"n": found["n"] + 1}}, session=session)
        return "done"

    async with client.start_session() as session:
        assert await session.with_transaction(add) == "done"
    assert len(tries) == 2
    assert await items.find_one() == {"_id": 1, "n": 11}


async def test_a_group_is_one_commit(adb: AsyncWALDatabase[Any]) -> None:
    async with adb.commit(message="both", author="ann") as txn:
        await txn.items.insert_one({"_id": 1})
        await txn.others.insert_one({"_id": 1})
        assert await adb.items.count_documents({}) == 0
    entries = await adb.branch.log(limit=2)
    assert {(entry.message, entry.author) for entry in entries} == {("both", "ann")}
    assert len({entry.commit for entry in entries}) == 1
    assert [entry.lsn async for entry in adb.branch.iter_log(limit=2)] == [entry.lsn for entry in entries]


async def test_named_targets_are_looked_up_when_used(
    aargon: AsyncArgon, shop: Project, monkeypatch: pytest.MonkeyPatch, mongod_uri: str
) -> None:
    monkeypatch.setenv("ARGON_MONGODB_URI", mongod_uri)
    monkeypatch.setenv("ARGON_DATABASE", aargon.database)
    later: Any = AsyncWALDatabase(f"{shop.name}@later")
    with pytest.raises(BranchNotFound, match="later"):
        await later.items.find_one()
    shop.create_branch("later")
    await later.items.insert_one({"_id": 1})
    assert (await later.branch.log(limit=1))[0].document_id == 1
    assert await aargon.client()[f"{shop.name}@later"].items.find_one() == {"_id": 1}
    assert (await later).branch.base_lsn > 0
    with pytest.raises(ProjectNotFound):
        await AsyncWALDatabase("nowhere")
    with pytest.raises(ProjectNotFound):
        await AsyncWALDatabase("nowhere").items.insert_one({})
    with pytest.raises(BranchNotFound):
        await aargon.client()[f"{shop.name}@never"].items.insert_one({})
    from argon.aio._world import default_argon

    await default_argon().close()


async def test_the_first_use_opens_once(plain_client: Any, shared: Argon, shop: Project) -> None:
    argon = AsyncArgon(database=shared.database, client=plain_client)
    opened = []
    original = argon.opening._work

    async def count() -> None:
        opened.append(1)
        await original()

    argon.opening._work = count
    items = argon.client()[shop.name].items
    first = asyncio.ensure_future(items.insert_one({"_id": 0}))
    others = [asyncio.ensure_future(items.insert_one({"_id": n})) for n in range(1, 20)]
    await asyncio.sleep(0)
    first.cancel()  # the opening is everybody's
    await asyncio.gather(*others)
    assert opened == [1]


async def test_a_wrong_server_is_told_at_the_first_use_and_asked_again() -> None:
    argon = AsyncArgon("mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50", database="x")
    for _ in range(2):
        with pytest.raises(Exception, match=r"127\.0\.0\.1:1"):
            await argon.projects()
    await argon.close()


def test_making_things_needs_no_loop(mongod_uri: str, shared: Argon, shop: Project) -> None:
    client: Any = AsyncWALClient(mongod_uri, argon_database=shared.database)
    items = client[shop.name].items

    async def use() -> Any:
        await items.insert_one({"_id": 1})
        found = await items.find_one()
        await client.close()
        return found

    assert asyncio.run(use()) == {"_id": 1}


@pytest.mark.parametrize("followed", [False, True])
def test_what_does_io_is_awaited(followed: bool) -> None:
    """Every method that PyMongo awaits can be awaited here, also once somebody has listened to commands."""
    from argon.aio import AsyncWALCollection
    from argon.aio.commanding import follow_commands
    from argon.aio.cursor import AsyncWALCursor
    from argon.aio.session import AsyncWALSession

    latent = {
        "aggregate", "aggregate_raw_batches", "find_raw_batches", "list_collections", "list_databases",
        "list_indexes", "list_search_indexes", "start_transaction", "watch",
    }  # fmt: skip
    refused = {name for name in dir(AsyncCollection) if "search_index" in name} | {"bulk_write"}
    if followed:
        follow_commands()
    for ours, theirs in (
        (AsyncWALCollection, AsyncCollection),
        (AsyncWALDatabase, AsyncDatabase),
        (AsyncWALClient, AsyncMongoClient),
        (AsyncWALCursor, AsyncCursor),
        (AsyncWALSession, AsyncClientSession),
    ):
        for name, _ in inspect.getmembers(theirs, inspect.iscoroutinefunction):
            if not name.startswith("_") and name not in latent | refused:
                assert inspect.iscoroutinefunction(getattr(ours, name)), f"{ours.__name__}.{name}"
