"""Motor's own classes on branches: everything that Motor adds to PyMongo, and the log underneath."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from bson import ObjectId
from motor.motor_asyncio import (
    AsyncIOMotorClient,
    AsyncIOMotorClientSession,
    AsyncIOMotorCollection,
    AsyncIOMotorCommandCursor,
    AsyncIOMotorCursor,
    AsyncIOMotorDatabase,
    AsyncIOMotorGridFSBucket,
)
from pymongo.errors import DuplicateKeyError, InvalidName, OperationFailure

from argon import Argon, Project, WALDatabase
from argon.aio.motor import AsyncIOMotorWALClient
from argon.errors import BranchNotFound, UnsupportedOperation


@pytest.fixture
async def motor(mongod_uri: str, shared: Argon) -> AsyncIterator[Any]:
    """A client of Motor's on the database that the tests share."""
    client = AsyncIOMotorWALClient(mongod_uri, argon_database=shared.database)
    yield client
    client.close()


@pytest.fixture(params=["main", "feature"])
def name(request: pytest.FixtureRequest, shop: Project) -> str:
    """The name that a branch of the test's project has as a database."""
    if request.param == "main":
        return shop.name
    shop.create_branch("feature")
    return f"{shop.name}@feature"


async def test_the_classes_are_motors(motor: Any, name: str) -> None:
    database = motor[name]
    assert isinstance(motor, AsyncIOMotorClient)
    assert type(database) is type(motor.get_database(name)) is AsyncIOMotorDatabase
    assert type(database.users) is AsyncIOMotorCollection
    assert type(database.users.find()) is AsyncIOMotorCursor
    assert database.client is database.users.database.client is motor
    assert type(await motor.list_databases()) is AsyncIOMotorCommandCursor
    async with await motor.start_session() as session:
        assert type(session) is AsyncIOMotorClientSession


async def test_what_motor_writes_is_in_the_log(motor: Any, name: str, shared: Argon) -> None:
    users = motor[name].users
    await users.insert_many([{"_id": number, "n": number} for number in range(5)])
    begun = users.update_one({"_id": 0}, {"$set": {"n": 10}})  # Motor begins at once
    assert isinstance(begun, asyncio.Future)
    assert (await begun).modified_count == 1
    await users.create_index("n", unique=True)
    with pytest.raises(DuplicateKeyError):
        await users.insert_one({"n": 4})
    assert await users.find_one_and_delete({"_id": 4}) == {"_id": 4, "n": 4}
    branch = shared.branch(name)
    assert [entry.operation for entry in branch.log(limit=3)] == ["delete", "create_index", "update"]
    lsn = branch.log(limit=3)[2].lsn
    assert WALDatabase(branch).at(lsn=lsn).users.find_one({"_id": 4}) == {"_id": 4, "n": 4}
    assert not branch.project.verify().problems


async def test_motors_ways_to_read_a_cursor(motor: Any, name: str) -> None:
    numbers = motor[name].numbers
    await numbers.insert_many([{"_id": number} for number in range(10)])
    expected = list(range(10))
    assert [one["_id"] async for one in numbers.find().sort("_id", 1).batch_size(3)] == expected
    assert [one["_id"] for one in await numbers.find().sort("_id", 1).to_list(4)] == expected[:4]
    cursor, found = numbers.find().sort("_id", 1).batch_size(3), []
    with pytest.warns(DeprecationWarning):
        while await cursor.fetch_next:
            found.append(cursor.next_object()["_id"])
    assert found == expected
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    found = []

    def each(result: Any, error: Any) -> None:
        if error is not None:
            done.set_exception(error)
        elif result is None:
            done.set_result(None)
        else:
            found.append(result["_id"])

    numbers.find().sort("_id", 1).batch_size(3).each(each)
    await asyncio.wait_for(done, 30)
    assert found == expected
    pipeline = [{"$match": {"_id": {"$lt": 3}}}, {"$sort": {"_id": -1}}]
    assert [one["_id"] async for one in numbers.aggregate(pipeline)] == [2, 1, 0]


async def test_motors_gridfs(motor: Any, name: str, shared: Argon) -> None:
    files = AsyncIOMotorGridFSBucket(motor[name])
    content = b"argon" * 100_000
    number = await files.upload_from_stream("noble.txt", content, metadata={"gas": True})
    out = await files.open_download_stream(number)
    assert await out.read() == content
    assert [one.filename async for one in files.find({"metadata.gas": True})] == ["noble.txt"]
    assert {entry.collection for entry in shared.branch(name).log(limit=3)} == {"fs.chunks", "fs.files"}


async def test_motors_transactions_are_one_commit(motor: Any, name: str, shared: Argon) -> None:
    users = motor[name].users
    await users.insert_one({"_id": 0})
    async with await motor.start_session() as session:
        with pytest.raises(ZeroDivisionError):
            async with session.start_transaction():
                await users.insert_one({"_id": 1}, session=session)
                raise ZeroDivisionError
        async with session.start_transaction():
            await users.insert_one({"_id": 2}, session=session)
            await users.update_one({"_id": 0}, {"$set": {"n": 1}}, session=session)
            assert await users.count_documents({}) == 1
        await session.with_transaction(lambda own: users.insert_one({"_id": 3}, session=own))
    assert [one["_id"] async for one in users.find().sort("_id", 1)] == [0, 2, 3]
    last, second, first = shared.branch(name).log(limit=3)
    assert (first.commit, second.commit) == (second.lsn, second.lsn)
    assert last.commit != second.commit


async def test_motors_change_streams_tell_of_the_log(motor: Any, name: str) -> None:
    users = motor[name].users
    async with users.watch() as stream:
        await users.insert_one({"_id": 1})
        event = await stream.next()
    assert (event["operationType"], event["ns"]) == ("insert", {"db": name, "coll": "users"})


async def test_a_branch_whose_name_no_database_may_have(motor: Any, shop: Project) -> None:
    release = shop.create_branch("release/1.0")
    await motor[f"{shop.name}@release/1.0"].users.insert_one({"_id": 1})
    assert WALDatabase(release).users.find_one() == {"_id": 1}
    with pytest.raises(InvalidName):
        motor["no name"]


async def test_names_and_what_they_lead_to(motor: Any, shop: Project, shared: Argon) -> None:
    with pytest.raises(BranchNotFound):
        await motor[f"{shop.name}@nope"].users.find_one()
    made = f"made_{ObjectId()}"
    assert await motor[made].users.find_one() is None
    await motor[made].users.insert_one({"_id": 1})
    assert made in await motor.list_database_names()
    await motor.drop_database(made)
    assert made not in [project.name for project in shared.projects()]
    assert (await motor.admin.command("ping"))["ok"] == 1
    lookup = {"$lookup": {"from": {"db": shared.database, "coll": "wal_log"}, "as": "found"}}
    with pytest.raises(UnsupportedOperation):
        await motor.local.startup_log.aggregate([lookup]).to_list(None)
    with pytest.raises(OperationFailure):
        await motor[shop.name].command("renameCollection", "a.b", to="a.c")
