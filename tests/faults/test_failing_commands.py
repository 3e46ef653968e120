"""``failCommand`` makes commands on branches fail as it makes those on a database fail.

The truth is a plain database on the same server, used in the same way.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pymongo import AsyncMongoClient, DeleteOne, InsertOne, MongoClient, monitoring
from pymongo.errors import AutoReconnect, ExecutionTimeout, OperationFailure, PyMongoError

from argon import Argon, WALClient
from argon.aio import AsyncWALClient

from .conftest import Mortal

Call = Callable[[Any, Any], Any]


class Told(monitoring.CommandListener):
    """Keeps which commands it is told of, and how they ended.

    A server has aborted a transaction by itself when something in it failed, and so says of the
    command that asks for it.
    """

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.events.append(("started", event.command_name))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        self._ended("succeeded", event.command_name)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        self._ended("failed", event.command_name)

    def _ended(self, how: str, name: str) -> None:
        if name != "abortTransaction":
            self.events.append((how, name))

    def take(self) -> list[tuple[str, str]]:
        """Return what it was told since the last time."""
        told, self.events = self.events, []
        return told


def _in_transaction(client: Any, db: Any) -> None:
    with client.start_session() as session, session.start_transaction():
        db["users"].insert_one({"_id": "in"}, session=session)


def _with_transaction(client: Any, db: Any) -> None:
    with client.start_session() as session:
        session.with_transaction(lambda session: db["users"].insert_one({"_id": "in"}, session=session))


def _aborted(client: Any, db: Any) -> None:
    with client.start_session() as session:
        session.start_transaction()
        db["users"].insert_one({"_id": "in"}, session=session)
        session.abort_transaction()


def _insert(_: Any, db: Any) -> None:
    db["users"].insert_one({"_id": "new"})


def _bulk(_: Any, db: Any) -> None:
    db["users"].bulk_write([InsertOne({"_id": "a"}), DeleteOne({"_id": 1})])


def _update_many(_: Any, db: Any) -> None:
    db["users"].update_many({}, {"$inc": {"v": 1}})


def _modify(_: Any, db: Any) -> Any:
    return db["users"].find_one_and_update({"_id": 1}, {"$inc": {"v": 1}})


def _find(_: Any, db: Any) -> Any:
    return list(db["users"].find({}, batch_size=1))


def _count(_: Any, db: Any) -> Any:
    return db["users"].count_documents({})


def _names(_: Any, db: Any) -> Any:
    return db.list_collection_names()


def _index(_: Any, db: Any) -> Any:
    return db["users"].create_index("v")


LABELLED = {"writeConcernError": {"code": 91, "errmsg": "down"}, "errorLabels": ["RetryableWriteError"]}
SLOW = {"writeConcernError": {"code": 64, "codeName": "WriteConcernFailed", "errmsg": "too slow"}}

CASES: dict[str, tuple[Call, Any, dict[str, Any]]] = {
    "an error": (_insert, 1, {"failCommands": ["insert"], "errorCode": 8}),
    "another command": (_insert, 1, {"failCommands": ["update"], "errorCode": 8}),
    "another application": (_insert, 1, {"failCommands": ["insert"], "errorCode": 8, "appName": "not this"}),
    "an error that is retried": (_insert, 1, {"failCommands": ["insert"], "errorCode": 6}),
    "one too often": (_insert, 2, {"failCommands": ["insert"], "errorCode": 6}),
    "labels of one's own": (_insert, 2, {"failCommands": ["insert"], "errorCode": 6, "errorLabels": []}),
    "a broken connection": (_insert, 1, {"failCommands": ["insert"], "closeConnection": True}),
    "one that is broken twice": (_insert, 2, {"failCommands": ["insert"], "closeConnection": True}),
    "a concern that is retried": (_insert, 1, {"failCommands": ["insert"], **LABELLED}),
    "a concern that is not": (_insert, 1, {"failCommands": ["insert"], **SLOW}),
    "part of a bulk": (_bulk, 1, {"failCommands": ["delete"], "errorCode": 8}),
    "part of a bulk, retried": (_bulk, 1, {"failCommands": ["delete"], "closeConnection": True}),
    "many": (_update_many, 1, {"failCommands": ["update"], "closeConnection": True}),
    "a modification": (_modify, 1, {"failCommands": ["findAndModify"], **LABELLED}),
    "a read": (_find, 1, {"failCommands": ["find"], "errorCode": 8}),
    "a read that is retried": (_find, 1, {"failCommands": ["find"], "closeConnection": True}),
    "a cursor": (_find, 1, {"failCommands": ["getMore"], "errorCode": 8}),
    "a count": (_count, 1, {"failCommands": ["aggregate"], "errorCode": 89}),
    "names": (_names, 2, {"failCommands": ["listCollections"], "errorCode": 89}),
    "an index": (_index, 1, {"failCommands": ["createIndexes"], "errorCode": 8}),
    "in a transaction": (_in_transaction, 1, {"failCommands": ["insert"], "errorCode": 112}),
    "a transaction again": (_with_transaction, 1, {"failCommands": ["insert"], "errorCode": 112}),
    "a retried commit": (
        _in_transaction,
        1,
        {"failCommands": ["commitTransaction"], "errorCode": 89},
    ),
    "a transient commit": (_with_transaction, 1, {"failCommands": ["commitTransaction"], "errorCode": 251}),
    "an abort": (_aborted, 1, {"failCommands": ["abortTransaction"], "closeConnection": True}),
}


@pytest.fixture
def kinds(fallible: Mortal) -> Iterator[tuple[str, tuple[tuple[Any, dict[str, Any]], ...]]]:
    """A name for a database, and the two kinds of clients."""
    name = f"of_{uuid.uuid4().hex[:8]}"
    yield name, ((MongoClient, {}), (WALClient, {"argon_database": f"log_{name}"}))
    with MongoClient[Any](fallible.uri) as client:
        client.drop_database(name)
        client.drop_database(f"log_{name}")


@contextmanager
def failing(client: Any, mode: Any, data: dict[str, Any]) -> Iterator[None]:
    mode = {"times": mode} if isinstance(mode, int) else mode
    client.admin.command("configureFailPoint", "failCommand", mode=mode, data=data)
    try:
        yield
    finally:
        client.admin.command("configureFailPoint", "failCommand", mode="off")


def outcome(call: Call, client: Any, db: Any) -> Any:
    try:
        return call(client, db)
    except PyMongoError as error:
        return type(error).__name__, getattr(error, "code", None), sorted(error._error_labels)


@pytest.mark.parametrize(
    ("case", "listening"),
    [
        *((case, True) for case in CASES),
        *(
            (case, False)
            for case in ("an error", "a broken connection", "a cursor", "names", "a retried commit")
        ),
    ],
)
def test_a_command_fails_as_one_on_a_database(
    fallible: Mortal, kinds: tuple[str, Any], case: str, *, listening: bool
) -> None:
    (call, mode, data), (name, both), seen = CASES[case], kinds, []
    for kind, options in both:
        told = Told()
        with kind(fallible.uri, event_listeners=[told] if listening else [], **options) as client:
            users = client[name]["users"]
            users.insert_many([{"_id": n} for n in (1, 2, 3)])
            told.take()
            with failing(client, mode, data):
                said = outcome(call, client, client[name])
            left = sorted(str(one) for one in users.find())
            seen.append((said, left, told.take()))
    expected, mine = seen
    assert mine == expected


def test_it_fails_where_it_was_not_told_to_before(fallible: Mortal, kinds: tuple[str, Any]) -> None:
    """A handle that is at hand knows of a fail point that comes later, and of its end."""
    name, (_, (kind, options)) = kinds
    with kind(fallible.uri, **options) as client:
        users = client[name]["users"]
        users.insert_one({"_id": 1})
        with failing(client, {"skip": 1}, {"failCommands": ["update"], "errorCode": 8}):
            users.update_one({"_id": 1}, {"$set": {"v": 1}})
            with pytest.raises(OperationFailure, match="failpoint"):
                users.update_one({"_id": 1}, {"$set": {"v": 2}})
        users.update_one({"_id": 1}, {"$inc": {"v": 5}})
        assert users.find_one() == {"_id": 1, "v": 6}


def test_a_command_waits(fallible: Mortal, kinds: tuple[str, Any]) -> None:
    name, (_, (kind, options)) = kinds
    blocking = {"failCommands": ["insert"], "blockConnection": True, "blockTimeMS": 100}
    with kind(fallible.uri, **options) as client, failing(client, 1, blocking):
        began = time.monotonic()
        client[name]["users"].insert_one({"_id": 1})
        assert time.monotonic() - began >= 0.1
        assert client[name]["users"].count_documents({}) == 1


def test_a_time_limit_is_always_over(fallible: Mortal, kinds: tuple[str, Any]) -> None:
    name, (_, (kind, options)) = kinds
    with kind(fallible.uri, **options) as client:
        users = client[name]["users"]
        users.insert_one({"_id": 1})
        client.admin.command("configureFailPoint", "maxTimeAlwaysTimeOut", mode="alwaysOn")
        with pytest.raises(ExecutionTimeout):
            users.create_index("v", maxTimeMS=100_000)
        with pytest.raises(ExecutionTimeout):
            list(users.find().max_time_ms(100_000))
        assert list(users.find()) == [{"_id": 1}]
        client.admin.command("configureFailPoint", "maxTimeAlwaysTimeOut", mode="off")
        assert users.create_index("v", maxTimeMS=100_000) == "v_1"


def test_a_write_fails_after_so_many(fallible: Mortal, kinds: tuple[str, Any]) -> None:
    name, both = kinds
    seen = []
    for kind, options in both:
        with kind(fallible.uri, **options) as client:
            users = client[name]["users"]
            users.insert_one({"_id": 0})
            data = {"failBeforeCommitExceptionCode": 1}
            client.admin.command(
                "configureFailPoint", "onPrimaryTransactionalWrite", mode={"skip": 3}, data=data
            )
            users.insert_many([{"_id": n, "long": "x" * 300_000} for n in (1, 2, 3)])
            said = outcome(lambda _, db: db["users"].insert_one({"_id": 4}), client, client[name])
            client.admin.command("configureFailPoint", "onPrimaryTransactionalWrite", mode="off")
            seen.append((said[0], users.distinct("_id")))
    assert seen == [("AutoReconnect", [0, 1, 2, 3])] * 2


def test_what_the_server_answers_fails_there(fallible: Mortal, kinds: tuple[str, Any]) -> None:
    _, both = kinds
    for kind, options in both:
        with (
            kind(fallible.uri, **options) as client,
            failing(client, 1, {"failCommands": ["connectionStatus"], "errorCode": 8}),
        ):
            with pytest.raises(OperationFailure, match="failpoint"):
                client.admin.command("connectionStatus")
            client.admin.command("connectionStatus")


def test_wrong_modes_set_nothing(fallible: Mortal, kinds: tuple[str, Any]) -> None:
    name, (_, (kind, options)) = kinds
    with kind(fallible.uri, **options) as client:
        data = {"failCommands": ["insert"], "errorCode": 8}
        with pytest.raises(OperationFailure, match="times"), failing(client, {"often": 1}, data):
            pass
        client[name]["users"].insert_one({"_id": 1})


def test_a_server_without_test_commands_has_no_fail_points(
    client: MongoClient[Any], argon_elsewhere: Argon
) -> None:
    """It says of a branch's client what it says of any."""
    command = {"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": {"failCommands": ["insert"]}}
    said = []
    for one in (client, argon_elsewhere.client()):
        with pytest.raises(OperationFailure) as refused:
            one.admin.command(command)
        said.append((refused.value.code, refused.value.details["errmsg"]))  # type: ignore[index]
    assert said[0] == said[1]
    argon_elsewhere.client()["shop"]["users"].insert_one({"_id": 1})


@pytest.fixture
def argon_elsewhere(mongod_uri: str, client: MongoClient[Any]) -> Iterator[Argon]:
    """Argon on the server of the other tests."""
    name = f"log_{uuid.uuid4().hex[:8]}"
    with Argon(mongod_uri, database=name) as argon:
        yield argon
    client.drop_database(name)


async def test_asynchronous_commands_fail_too(fallible: Mortal, kinds: tuple[str, Any]) -> None:
    name, _ = kinds
    options: dict[str, Any] = {"argon_database": f"log_{name}"}
    for kind, more in ((AsyncMongoClient, {}), (AsyncWALClient, options)):
        client: Any = kind(fallible.uri, **more)
        async with client:
            users = client[name]["users"]
            await users.insert_one({"_id": 1})
            data: dict[str, Any] = {"failCommands": ["insert"], "closeConnection": True}
            await client.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=data)
            await users.insert_one({"_id": 2})
            data["failCommands"] = ["find"]
            await client.admin.command("configureFailPoint", "failCommand", mode={"times": 2}, data=data)
            with pytest.raises(AutoReconnect):
                await users.find_one()
            await client.admin.command("configureFailPoint", "failCommand", mode="off")
            assert await users.count_documents({}) == 2
