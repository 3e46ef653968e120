"""Finds whose first reply is read without a cursor of the driver's: nobody can tell, whatever happens."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

import pymongo
import pytest
from pymongo import MongoClient, monitoring
from pymongo.errors import AutoReconnect, ExecutionTimeout, InvalidOperation, OperationFailure, PyMongoError
from pymongo.synchronous import pool as synchronous

from argon import Argon, WALDatabase
from argon.wire import finds
from tests.faults.conftest import Failing, Mortal
from tests.faults.faces import PAST_THE_DRIVER, Call, Do, Stopped, reached

COUNT = 300
"""More than the first reply of a find holds, by default."""
BUSY = 262
REFUSED = 2


@pytest.fixture
def filled(argon: Argon, db: WALDatabase[Any]) -> WALDatabase[Any]:
    db.collection("users").insert_many([{"_id": number, "n": number % 10} for number in range(COUNT)])
    return db


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The commands that go past the driver."""
    commands: list[dict[str, Any]] = []
    exchange = finds._exchange

    def noting(client: Any, connection: Any, collection: Any, command: dict[str, Any], *rest: Any) -> Any:
        commands.append(command)
        return exchange(client, connection, collection, command, *rest)

    monkeypatch.setattr(finds, "_exchange", noting)
    return commands


def _one(db: Any) -> Any:
    return db.collection("users").find_one({"_id": 7})


def _some(db: Any) -> Any:
    return db.collection("users").find({"n": 7}).sort("_id").limit(3).to_list(None)


def _all(db: Any) -> Any:
    return db.collection("users").find({}, {"n": 0}).batch_size(40).to_list(None)


EXPECTED: list[tuple[Call, Any]] = [
    (_one, {"_id": 7, "n": 7}),
    (_some, [{"_id": number, "n": 7} for number in (7, 17, 27)]),
    (_all, [{"_id": number} for number in range(COUNT)]),
]


def test_where_it_can_be_a_find_goes_past_the_driver(do: Do, face: str, asked: list[Any]) -> None:
    for find, expected in EXPECTED:
        asked.clear()
        assert do(find) == expected
        assert len(asked) == (face in PAST_THE_DRIVER)


@pytest.mark.parametrize(("find", "expected"), EXPECTED)
@pytest.mark.parametrize("fault", [{"closeConnection": True}, {"errorCode": BUSY}])
def test_what_passes_is_asked_again(
    do: Do, failing: Failing, find: Call, expected: Any, fault: dict[str, Any]
) -> None:
    with failing("find", times=1, **fault):
        assert do(find) == expected
    assert do(find) == expected


@pytest.mark.parametrize("face", PAST_THE_DRIVER)
def test_what_goes_on_failing_is_told(do: Do, failing: Failing) -> None:
    with failing("find", times=None, closeConnection=True), pytest.raises(AutoReconnect):
        do(_one)
    with failing("find", times=None, errorCode=BUSY), pytest.raises(OperationFailure) as told:
        do(_one)
    assert told.value.code == BUSY


def test_who_wants_no_second_try_gets_none(
    face: str, argon: Argon, filled: WALDatabase[Any], fallible: Mortal, failing: Failing
) -> None:
    with reached(face, argon.database, fallible.uri, retryReads=False) as do:
        do(_one)  # what is known of the branch is read anew after a while, by finds too
        with failing("find", times=1, closeConnection=True), pytest.raises(AutoReconnect):
            do(_one)
        assert do(_one)["n"] == 7


@pytest.mark.parametrize("face", PAST_THE_DRIVER)
def test_what_is_refused_is_asked_once(do: Do, failing: Failing, asked: list[Any]) -> None:
    do(_one)
    asked.clear()
    with failing("find", times=1, errorCode=REFUSED), pytest.raises(OperationFailure) as told:
        do(_one)
    assert told.value.code == REFUSED
    assert len(asked) == 1


@pytest.mark.parametrize("face", PAST_THE_DRIVER)
def test_what_is_refused_leaves_no_session(do: Do, fallible: Mortal) -> None:
    def refused(db: Any) -> Any:
        return db.collection("users").find_one({"$where": "throw 1"})

    with MongoClient[dict[str, Any]](fallible.uri) as client:

        def sessions() -> int:
            return int(
                client.admin.command("serverStatus")["logicalSessionRecordCache"]["activeSessionsCount"]
            )

        with pytest.raises(OperationFailure):
            do(refused)
        before = sessions()
        for _ in range(20):
            with pytest.raises(OperationFailure):
                do(refused)
        assert sessions() < before + 10


@pytest.mark.parametrize("face", PAST_THE_DRIVER)
def test_what_is_false_or_empty_is_said_all_the_same(do: Do, asked: list[dict[str, Any]]) -> None:
    def find(db: Any) -> Any:
        return db.collection("users").find({"_id": 7}, comment="").allow_disk_use(False).to_list(None)

    assert len(do(find)) == 1
    assert (asked[-1]["allowDiskUse"], asked[-1]["comment"]) == (False, "")


@pytest.mark.parametrize("face", ["pymongo"])
def test_a_find_takes_no_longer_than_it_may(do: Do) -> None:
    slow = {"$where": "sleep(20) || true"}
    with pytest.raises(ExecutionTimeout):
        do(lambda db: db.collection("users").find(slow, max_time_ms=50).to_list(None))


def test_each_client_asks_for_itself(argon: Argon, filled: WALDatabase[Any], fallible: Mortal) -> None:
    """To PyMongo, clients of the same servers are the same."""
    heard: list[str] = []

    class Listener(monitoring.CommandListener):
        def started(self, event: monitoring.CommandStartedEvent) -> None:
            heard.append(event.command_name)

        def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...
        def failed(self, event: monitoring.CommandFailedEvent) -> None: ...

    quiet = MongoClient[dict[str, Any]](fallible.uri)
    listened = MongoClient[dict[str, Any]](fallible.uri, event_listeners=[Listener()])
    with quiet, listened:
        assert quiet == listened
        for client in (quiet, listened):
            with Argon(database=argon.database, client=client) as mine:
                heard.clear()
                mine.project("shop").branch("main")
                assert heard.count("find") == (0 if client is quiet else 2)


@pytest.mark.parametrize("face", PAST_THE_DRIVER)
def test_an_interruption_leaves_no_reply_to_the_next(do: Do, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, armed = finds.reader, [True]

    def reader(connection: Any) -> Any:
        receive = plain(connection)

        async def coroutine(number: int) -> Any:
            if armed.pop():
                raise Stopped
            return await receive(number)

        def sync(number: int) -> Any:
            if armed.pop():
                raise Stopped
            return receive(number)

        return sync if isinstance(connection, synchronous.Connection) else coroutine

    monkeypatch.setattr(finds, "reader", reader)
    with suppress(Stopped):
        do(_some)
    assert not armed
    armed.append(False)
    assert do(_one) == {"_id": 7, "n": 7}


@pytest.mark.parametrize("face", ["pymongo async", "motor"])
@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8])
def test_a_task_that_is_cancelled_leaves_no_reply_to_the_next(do: Do, turns: int) -> None:
    async def cancelled(db: Any) -> None:
        task = asyncio.ensure_future(_some(db))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    for _ in range(5):
        do(cancelled)
        assert do(_one) == {"_id": 7, "n": 7}


def test_what_is_left_unread_is_left_on_no_server(do: Do, face: str, fallible: Mortal) -> None:
    def half(db: Any) -> Any:
        cursor = db.collection("users").find({}, batch_size=40)

        async def coroutine() -> Any:
            found = await cursor.to_list(50)
            await cursor.close()
            return found

        if face not in ("pymongo", "listened"):
            return coroutine()
        found = cursor.to_list(50)
        cursor.close()
        return found

    with MongoClient[dict[str, Any]](fallible.uri) as client:

        def open_ones() -> int:
            cursors: dict[str, Any] = client.admin.command("serverStatus")["metrics"]["cursor"]["open"]
            return int(cursors["total"])

        before = open_ones()
        assert [one["_id"] for one in do(half)] == list(range(50))
        deadline = time.monotonic() + 30
        while open_ones() > before and time.monotonic() < deadline:
            pass
        assert open_ones() <= before


@pytest.mark.parametrize("face", PAST_THE_DRIVER)
def test_a_limit_of_time_does_not_outlast_its_call(
    face: str, argon: Argon, filled: WALDatabase[Any], fallible: Mortal, failing: Failing
) -> None:
    """The driver leaves it on the connection, for its next command to put right."""

    def hasty(db: Any) -> Any:
        if face == "pymongo":
            with pymongo.timeout(0.3):
                return _one(db)

        async def coroutine() -> Any:
            with pymongo.timeout(0.3):
                return await _one(db)

        return coroutine()

    with reached(face, argon.database, fallible.uri, maxPoolSize=1, retryReads=False) as do:
        for command, call in (
            ("find", _one),
            ("findAndModify", lambda db: db.collection("users").update_one({"_id": 7}, {"$inc": {"m": 1}})),
        ):
            do(hasty)
            with failing(command, times=None, blockConnection=True, blockTimeMS=600):
                assert do(call) is not None


def test_a_closed_client_reads_no_more(argon: Argon, filled: WALDatabase[Any], fallible: Mortal) -> None:
    client = MongoClient[dict[str, Any]](fallible.uri, appName="argon")
    with Argon(database=argon.database, client=client) as mine:
        here = WALDatabase[Any](mine.project("shop").branch("main"))
        assert _one(here)
        client.close()
        with pytest.raises(InvalidOperation):
            _one(here)


@pytest.mark.parametrize("face", PAST_THE_DRIVER)
def test_a_server_that_is_gone_is_told_of(mortal: Mortal, face: str) -> None:
    with Argon(mortal.uri, database="gone") as argon:
        main = argon.create_project("shop").branch("main")
        WALDatabase[Any](main).collection("users").insert_one({"_id": 7})
        with reached(face, "gone", mortal.uri, serverSelectionTimeoutMS=200) as do:
            mortal.kill()
            began = time.monotonic()
            with pytest.raises(PyMongoError) as told:
                do(_one)
            assert isinstance(told.value, AutoReconnect)
            assert time.monotonic() - began < 30
            mortal.revive()
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                with suppress(AutoReconnect):
                    assert do(_one) == {"_id": 7}
                    break
            else:
                pytest.fail("it does not find the server again")
