"""A session of snapshots reads one moment of a branch, however long it lasts."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import InsertOne, MongoClient, monitoring
from pymongo.errors import OperationFailure

from argon import Argon, Project, WALClient
from argon.aio import AsyncWALClient

COUNT: list[dict[str, Any]] = [{"$group": {"_id": None, "sum": {"$sum": "$v"}}}]


@pytest.fixture
def mongo(argon: Argon, project: Project) -> WALClient[Any]:
    mongo = argon.client()
    mongo["shop"]["users"].insert_many([{"_id": n, "v": n} for n in range(3)])
    project.create_branch("child")
    return mongo


@pytest.fixture
def named(mongod_uri: str) -> Iterator[str]:
    """The name of a database."""
    name = f"snap_{uuid.uuid4().hex[:8]}"
    yield name
    with MongoClient[Any](mongod_uri) as client:
        client.drop_database(name)
        client.drop_database(f"log_{name}")


@pytest.mark.parametrize("branch", ["shop", "shop@main", "shop@child"])
def test_it_reads_one_moment(mongo: WALClient[Any], branch: str) -> None:
    users = mongo[branch]["users"]
    with mongo.start_session(snapshot=True) as session:
        cursor = users.find({}, batch_size=2, session=session)
        first = [next(cursor)]
        users.update_many({}, {"$inc": {"v": 10}})
        users.delete_one({"_id": 2})
        mongo[branch]["later"].insert_one({"_id": 1})
        assert first + list(cursor) == [{"_id": n, "v": n} for n in range(3)]
        for _ in range(2):
            assert users.find_one({"_id": 1}, session=session) == {"_id": 1, "v": 1}
            assert list(users.aggregate(COUNT, session=session)) == [{"_id": None, "sum": 3}]
            assert sorted(users.distinct("v", session=session)) == [0, 1, 2]
            assert users.count_documents({}, session=session) == 3
            assert mongo[branch]["later"].find_one({}, session=session) is None
            users.insert_one({"_id": uuid.uuid4().hex, "v": 5})
    with mongo.start_session(snapshot=True) as session:
        assert users.count_documents({}, session=session) == 4
        assert users.find_one({"_id": 1}, session=session) == {"_id": 1, "v": 11}


def test_two_handles_of_a_branch_read_the_same_moment(mongo: WALClient[Any]) -> None:
    with mongo.start_session(snapshot=True) as session:
        assert mongo["shop"]["users"].count_documents({}, session=session) == 3
        mongo["shop"]["users"].insert_one({"_id": 9})
        assert mongo["shop@main"]["users"].count_documents({}, session=session) == 3


def test_it_reads_nothing_of_a_project_that_comes_later(argon: Argon) -> None:
    mongo = argon.client()
    with mongo.start_session(snapshot=True) as session:
        assert mongo["none"]["users"].find_one({}, session=session) is None


def test_it_does_not_write(mongo: WALClient[Any]) -> None:
    users = mongo["shop"]["users"]
    with mongo.start_session(snapshot=True) as session:
        for write in (
            lambda: users.insert_one({"_id": 7}, session=session),
            lambda: users.bulk_write([InsertOne({"_id": 7})], session=session),
            lambda: users.find_one_and_delete({"_id": 1}, session=session),
            lambda: users.drop(session=session),
        ):
            with pytest.raises(OperationFailure) as refused:
                write()
            assert refused.value.code == 72
    assert users.count_documents({}) == 3


def test_what_is_heard_of_it_is_what_a_database_says(mongod_uri: str, named: str) -> None:
    class Told(monitoring.CommandListener):
        def started(self, event: monitoring.CommandStartedEvent) -> None:
            concern = dict(event.command.get("readConcern", {}))
            at.append(concern.pop("atClusterTime", None))
            events.append((event.command_name, concern, at[-1] is None))

        def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
            events.append(("succeeded", event.command_name))

        def failed(self, event: monitoring.CommandFailedEvent) -> None:
            failure: Any = event.failure
            events.append(("failed", event.command_name, failure["code"]))

    heard = []
    for kind, options in ((MongoClient, {}), (WALClient, {"argon_database": f"log_{named}"})):
        at: list[Any] = []
        events: list[Any] = []
        with kind(mongod_uri, event_listeners=[Told()], **options) as client:
            users = client[named]["users"]
            users.insert_one({"_id": 1})
            with client.start_session(snapshot=True) as session:
                assert users.distinct("_id", session=session) == [1]
                users.insert_one({"_id": 2})
                assert list(users.find({}, session=session)) == [{"_id": 1}]
                assert users.count_documents({}, session=session) == 1
                for refused, arguments in (
                    (users.insert_one, ({"_id": 3},)),
                    (client[named].list_collection_names, ()),
                    (client.list_database_names, ()),
                ):
                    with pytest.raises(OperationFailure, match="read concern not supported"):
                        refused(*arguments, session=session)
        heard.append(events)
        assert len({moment for moment in at if moment is not None}) == 1
    assert heard[1] == heard[0]


async def test_an_asynchronous_one_too(mongod_uri: str, named: str) -> None:
    async with AsyncWALClient[Any](mongod_uri, argon_database=f"log_{named}") as client:
        users = client["shop"]["users"]
        await users.insert_one({"_id": 1})
        async with client.start_session(snapshot=True) as session:
            assert await users.count_documents({}, session=session) == 1
            await users.insert_one({"_id": 2})
            assert await users.find({}, session=session).to_list() == [{"_id": 1}]
            with pytest.raises(OperationFailure):
                await users.delete_many({}, session=session)
