"""``maxTimeMS`` of writes: past it they fail as in MongoDB, and nothing of them is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from pymongo import DeleteOne, IndexModel, InsertOne, MongoClient, monitoring
from pymongo.database import Database
from pymongo.errors import ExecutionTimeout, PyMongoError, WTimeoutError

from argon import Argon, Project, WALClient
from argon.aio import AsyncArgon

from .conftest import DRIVERS, connected
from .faces import Face, do

Call = Callable[[Any], Any]
SLOW = {"$where": "sleep(100) || true"}
FOUND: dict[str, Call] = {
    "update": lambda db: db.users.find_one_and_update(SLOW, {"$set": {"v": 1}}, maxTimeMS=50),
    "replace": lambda db: db.users.find_one_and_replace(SLOW, {"v": 1}, maxTimeMS=50),
    "delete": lambda db: db.users.find_one_and_delete(SLOW, maxTimeMS=50),
    "upsert": lambda db: db.users.find_one_and_update(
        {"$where": "sleep(100) && false"}, {"$set": {"v": 1}}, upsert=True, maxTimeMS=50
    ),
    "command": lambda db: db.command("findAndModify", "users", query=SLOW, remove=True, maxTimeMS=50),
}
BUILT: dict[str, Call] = {
    "create_index": lambda db: db.users.create_index("many", maxTimeMS=20),
    "unique": lambda db: db.users.create_index("many", unique=True, maxTimeMS=20),
    "create_indexes": lambda db: db.users.create_indexes([IndexModel("v"), IndexModel("many")], maxTimeMS=20),
}
IN_TIME: dict[str, Call] = {
    "find_one_and_update": lambda db: db.users.find_one_and_update(
        {"v": 0}, {"$set": {"v": 1}}, maxTimeMS=60_000
    ),
    "no limit": lambda db: db.users.find_one_and_update({"v": 0}, {"$set": {"v": 1}}, maxTimeMS=0),
    "create_index": lambda db: db.users.create_index("v", maxTimeMS=60_000),
    "negative": lambda db: db.users.find_one_and_delete({"v": 0}, maxTimeMS=-1),
    "text": lambda db: db.users.find_one_and_delete({"v": 0}, maxTimeMS="soon"),
    "fraction": lambda db: db.users.find_one_and_update({"v": 0}, {"$set": {"v": 1}}, maxTimeMS=1.5),
    "too long": lambda db: db.users.create_index("v", maxTimeMS=2**40),
}


async def _outcome(call: Call, db: Any) -> Any:
    try:
        return await do(call(db))
    except PyMongoError as error:
        return (
            type(error),
            getattr(error, "code", None),
            (getattr(error, "details", None) or {}).get("errmsg"),
        )


async def _state(db: Any) -> Any:
    return await do(db.users.find().sort("_id")), await do(db.users.index_information())


@pytest.mark.parametrize("call", [*FOUND, *BUILT])
async def test_a_write_that_takes_too_long_leaves_nothing(
    call: str, face: Face, plain_db: Database[Any]
) -> None:
    run = (FOUND | BUILT)[call]
    keys = 1 if call in FOUND else 500  # an index of 100,000 keys is not built at once
    documents = [{"_id": n, "v": 0, "many": [n * keys + m for m in range(keys)]} for n in range(200)]
    plain_db.users.insert_many(documents)
    await do(face.db.users.insert_many(documents))
    before = await _state(face.db)
    head = await do(face.branch.head_lsn)
    # What the server makes of an index depends on how far it was; that of a branch is there or is not.
    for db in (plain_db, face.db) if call in FOUND else (face.db,):
        kind, code, text = await _outcome(run, db)
        assert (kind, code) == (ExecutionTimeout if call in FOUND else WTimeoutError, 50)
        assert text.endswith("operation exceeded time limit")  # it may tell in which part of the command
        assert await _state(db) == before
    assert await do(face.branch.head_lsn) == head


@pytest.mark.parametrize("call", IN_TIME)
async def test_limits_that_are_kept_and_limits_that_are_none(
    call: str, face: Face, plain_db: Database[Any]
) -> None:
    for db in (plain_db, face.db):
        await do(db.users.insert_one({"_id": 1, "v": 0}))
    assert await _outcome(IN_TIME[call], face.db) == await _outcome(IN_TIME[call], plain_db)
    assert await _state(face.db) == await _state(plain_db)


@pytest.mark.parametrize("name", ["sync", *DRIVERS])
async def test_the_clients_timeout_is_for_all_of_a_write(
    name: str, mongod_uri: str, shared: Argon, shop: Project
) -> None:
    held = shared.client()
    users = held[shop.name]["users"]
    users.insert_one({"_id": 1, "v": 0})
    async with AsyncExitStack() as stack:
        if name == "sync":
            mongo = stack.enter_context(MongoClient[dict[str, Any]](mongod_uri, timeoutMS=500))
            client: Any = Argon(database=shared.database, client=mongo).client()
        else:
            driver = await stack.enter_async_context(connected(name, mongod_uri, timeoutMS=500))
            argon = AsyncArgon(database=shared.database, client=driver)
            client = (await stack.enter_async_context(argon)).client()
        theirs = client[shop.name]["users"]
        with held.start_session() as session, session.start_transaction():
            users.update_one({"_id": 1}, {"$set": {"v": 1}}, session=session)
            users.insert_one({"_id": 2}, session=session)
            for write in (
                lambda: theirs.update_one({"_id": 1}, {"$set": {"v": 2}}),
                lambda: theirs.delete_many({"v": 0}),
                lambda: theirs.insert_one({"_id": 2}),
                lambda: theirs.insert_many([{"_id": 2}, {"_id": 3}]),
                lambda: theirs.bulk_write([DeleteOne({"_id": 1}), InsertOne({"_id": 4})]),
            ):
                began = time.monotonic()
                with pytest.raises(PyMongoError) as told:
                    await do(write())
                assert told.value.timeout
                assert time.monotonic() - began < 3  # its time, and a moment for the outcome of a commit
    assert list(users.find()) == [{"_id": 1, "v": 1}, {"_id": 2}]


@pytest.mark.parametrize("listened", [False, True], ids=["unheard", "heard"])
def test_what_a_transaction_holds_is_waited_for_no_longer(
    listened: bool, mongod_uri: str, shared: Argon, shop: Project, client: MongoClient[Any], plain_db: Any
) -> None:
    options: Any = {"event_listeners": [monitoring.CommandListener()]} if listened else {}
    with WALClient[Any](mongod_uri, argon_database=shared.database, **options) as branches:
        for mongo, db in ((client, plain_db), (branches, branches[shop.name])):
            db.users.insert_one({"_id": 1, "v": 0})
            with mongo.start_session() as session, session.start_transaction():
                db.users.update_one({"_id": 1}, {"$set": {"v": 1}}, session=session)
                with pytest.raises(ExecutionTimeout):
                    db.users.find_one_and_update({"_id": 1}, {"$set": {"v": 2}}, maxTimeMS=100)
            assert db.users.find_one({"_id": 1}) == {"_id": 1, "v": 1}
