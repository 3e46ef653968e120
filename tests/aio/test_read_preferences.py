"""Read preferences: of clients, and of their transactions, which are read from the primary alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from pymongo import MongoClient, monitoring
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, PyMongoError
from pymongo.read_preferences import Nearest, Primary, PrimaryPreferred, SecondaryPreferred

from argon import Argon, Project, WALClient
from argon.aio import AsyncArgon

from .conftest import DRIVERS, connected
from .faces import do

PREFERENCES: dict[str, Any] = {
    "default": None,
    "primary": Primary(),
    "primaryPreferred": PrimaryPreferred(),
    "secondaryPreferred": SecondaryPreferred(),
    "nearest": Nearest(),
}
CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "insert_one": lambda users, session: users.insert_one({"_id": 9}, session=session),
    "update_one": lambda users, session: users.update_one({"_id": 1}, {"$set": {"v": 1}}, session=session),
    "find_one_and_delete": lambda users, session: users.find_one_and_delete({"_id": 1}, session=session),
    "find_one": lambda users, session: users.find_one({"_id": 1}, session=session),
    "find": lambda users, session: list(users.find({}, session=session)),
    "aggregate": lambda users, session: list(users.aggregate([], session=session)),
    "count_documents": lambda users, session: users.count_documents({}, session=session),
    "distinct": lambda users, session: users.distinct("v", session=session),
    "command": lambda users, session: users.database.command("find", "users", session=session),
}


def _outcomes(client: Any, name: str, preference: Any, of_collection: Any) -> dict[str, str]:
    """Return what becomes of each call, the first one of a transaction."""
    users = client[name]["users"].with_options(read_preference=of_collection)
    found = {}
    for call, run in CALLS.items():
        with client.start_session() as session:
            session.start_transaction(read_preference=preference)
            try:
                run(users, session)
                found[call] = "done"
            except PyMongoError as error:
                found[call] = f"{type(error).__name__}: {error}"
            session.abort_transaction()
    return found


@pytest.mark.parametrize("listened", [False, True], ids=["unheard", "heard"])
@pytest.mark.parametrize("preference", PREFERENCES)
def test_only_reads_of_a_transaction_go_by_its_preference(
    preference: str,
    listened: bool,
    mongod_uri: str,
    shared: Argon,
    shop: Project,
    client: MongoClient[dict[str, Any]],
    plain_db: Database[dict[str, Any]],
) -> None:
    options: Any = {"event_listeners": [monitoring.CommandListener()]} if listened else {}
    with WALClient[Any](mongod_uri, argon_database=shared.database, **options) as branches:
        for database in (branches[shop.name], plain_db):
            database["users"].insert_one({"_id": 1})
        for of_collection in (None, Nearest()):
            preferences = (PREFERENCES[preference], of_collection)
            truth = _outcomes(client, plain_db.name, *preferences)
            assert _outcomes(branches, shop.name, *preferences) == truth
    assert truth["insert_one"] == "done"


@pytest.mark.parametrize("name", ["sync", *DRIVERS])
async def test_a_client_that_would_rather_read_from_secondaries_writes_as_others_do(
    name: str, mongod_uri: str, shared: Argon, shop: Project
) -> None:
    preference = {"readPreference": "secondaryPreferred"}
    async with AsyncExitStack() as stack:
        if name == "sync":
            mongo = stack.enter_context(MongoClient[dict[str, Any]](mongod_uri, **preference))
            client: Any = Argon(database=shared.database, client=mongo).client()
        else:
            driver = await stack.enter_async_context(connected(name, mongod_uri, **preference))
            argon = AsyncArgon(database=shared.database, client=driver)
            client = (await stack.enter_async_context(argon)).client()
        users = client[shop.name]["users"]
        await do(users.create_index("email", unique=True))
        await do(users.insert_one({"_id": 1, "email": "a"}))
        with pytest.raises(DuplicateKeyError):
            await do(users.insert_one({"_id": 2, "email": "a"}))
        await do(users.update_one({"_id": 1}, [{"$set": {"seen": True}}]))
        session: Any = await do(client.start_session())
        session.start_transaction(read_preference=Primary())
        await do(users.insert_one({"_id": 3, "email": "b"}, session=session))
        assert (await do(users.find_one({"_id": 3}, session=session)))["email"] == "b"
        await do(session.commit_transaction())
        await do(session.end_session())
        assert await do(users.find({}).sort("_id")) == [
            {"_id": 1, "email": "a", "seen": True},
            {"_id": 3, "email": "b"},
        ]


def test_one_document_is_found_in_a_bound_transaction(shared: Argon, shop: Project) -> None:
    client = shared.client()
    users = client[shop.name]["users"]
    with client.start_session() as session, session.start_transaction(), session.bind(end_session=False):
        users.insert_one({"_id": 1})
        assert users.find_one({"_id": 1}) == {"_id": 1}
        assert users.find_one(1) == {"_id": 1}
