"""Statements that are sent together: whatever befalls them, the outcome is that of single ones."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from pymongo.errors import BulkWriteError, PyMongoError
from pymongo.synchronous import pool as synchronous

from argon import Argon, WALDatabase
from argon.wire import commands as wire
from tests.faults.audit import audit
from tests.faults.conftest import Failing
from tests.faults.faces import PAST_THE_DRIVER, Call, Do, Stopped

if TYPE_CHECKING:
    from argon import Project

BEFORE = [{"_id": number, "n": 0} for number in (1, 2, 3)]
AFTER = [{"_id": number, "n": 1} for number in (1, 2, 3)]


@pytest.fixture
def filled(argon: Argon, db: WALDatabase[Any]) -> WALDatabase[Any]:
    db.collection("users").insert_many(BEFORE)
    db.collection("users").create_index("key", unique=True, sparse=True)
    return db


def _insert(db: Any) -> Any:
    return db.collection("users").insert_one({"_id": "new"})


def _many(db: Any) -> Any:
    return db.collection("users").update_many({}, {"$set": {"n": 1}})


def _outcome(do: Do, call: Call) -> Any:
    try:
        result = do(call)
    except BulkWriteError as error:
        return [(one["index"], one["code"], one.get("keyValue")) for one in error.details["writeErrors"]]
    except PyMongoError as error:
        return type(error).__name__, getattr(error, "code", None), _labels(error)
    return result.acknowledged


def _labels(error: PyMongoError) -> bool:
    return error.has_error_label("TransientTransactionError")


def _users(db: Any) -> list[dict[str, Any]]:
    return list(db.collection("users").find())


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many commands went together, each time."""
    counts: list[int] = []
    exchange = wire._exchange

    def counting(client: Any, connection: Any, database: str, commands: Any, *rest: Any) -> Any:
        made = list(commands)
        counts.append(len(made))
        return exchange(client, connection, database, made, *rest)

    monkeypatch.setattr(wire, "_exchange", counting)
    return counts


def test_where_it_can_be_statements_go_together(do: Do, face: str, counted: list[int]) -> None:
    do(_insert)
    assert bool(counted) == (face in PAST_THE_DRIVER)
    assert face not in PAST_THE_DRIVER or max(counted) >= 2


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda db: db.collection("users").insert_one({"_id": 1}), ("DuplicateKeyError", 11000, False)),
        (
            lambda db: db.collection("users").insert_many([{"_id": 4, "key": 1}, {"_id": 5, "key": 1}]),
            [(1, 11000, {"key": 1})],
        ),
        (
            lambda db: db.collection("users").insert_many(
                [{"_id": 4}, {"_id": 2}, {"_id": 5}], ordered=False
            ),
            [(1, 11000, {"_id": 2})],
        ),
        (
            lambda db: db.collection("users").update_one({"_id": 1}, {"$inc": {"_id": 1}}),
            ("WriteError", 66, False),
        ),
    ],
    ids=["_id", "key", "unordered", "immutable"],
)
def test_a_refusal_is_told_as_the_server_tells_it(
    do: Do, filled: WALDatabase[Any], argon: Argon, call: Call, expected: Any
) -> None:
    assert _outcome(do, call) == expected
    assert _outcome(do, _insert) is True
    assert {"_id": "new"} in _users(filled)
    audit(argon)


@pytest.mark.parametrize("skip", [0, 1])
@pytest.mark.parametrize("write", [_insert, _many])
def test_a_statement_that_fails_lets_none_of_them_land(
    do: Do, filled: WALDatabase[Any], argon: Argon, failing: Failing, write: Call, skip: int
) -> None:
    # Both write a row by the first insert that the server is sent, and the log by the second.
    fault = failing("insert", skip=1, errorCode=2) if skip else failing("insert", times=None, errorCode=2)
    with fault:
        assert _outcome(do, write)[1:] == (2, False)
    assert _users(filled) == BEFORE
    assert _outcome(do, write) is True
    audit(argon)


@pytest.mark.parametrize("face", PAST_THE_DRIVER)
@pytest.mark.parametrize("command", ["insert", "update", "commitTransaction"])
@pytest.mark.parametrize("write", [_insert, _many])
def test_a_connection_that_is_cut_at_a_statement_is_not_used_again(
    do: Do, filled: WALDatabase[Any], argon: Argon, failing: Failing, write: Call, command: str
) -> None:
    with failing(command, closeConnection=True):
        assert _outcome(do, write) is True
    changed = _users(filled)
    assert changed == (AFTER if write is _many else [*BEFORE, {"_id": "new"}])
    audit(argon)


@pytest.mark.parametrize("face", PAST_THE_DRIVER)
@pytest.mark.parametrize("answered", [False, True], ids=["unanswered", "answered"])
@pytest.mark.parametrize("number", range(4))
def test_an_interruption_between_the_replies_leaves_no_reply_to_the_next(
    do: Do,
    face: str,
    filled: WALDatabase[Any],
    argon: Argon,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    answered: bool,
) -> None:
    """Whether the writes have landed depends on the moment; all of them have, or none."""
    left = [number]
    armed = [True]

    def due() -> bool:
        left[0] -= 1
        if armed[0] and left[0] < 0:
            armed[0] = False
            return True
        return False

    plain = wire.reader

    def reader(connection: Any) -> Any:
        receive = plain(connection)

        def sync(request: Any) -> Any:
            reply = receive(request) if answered else None
            if due():
                raise Stopped
            return reply or receive(request)

        async def coroutine(request: Any) -> Any:
            reply = await receive(request) if answered else None
            if due():
                raise Stopped
            return reply or await receive(request)

        return sync if isinstance(connection, synchronous.Connection) else coroutine

    monkeypatch.setattr(wire, "reader", reader)
    with suppress(Stopped):
        do(_many)
    assert not armed[0], "it was stopped, or has heard so and asked again"
    users = _users(filled)
    assert users in (BEFORE, AFTER)
    armed[0] = False
    for _ in range(3):
        key = uuid.uuid4().hex
        assert do(lambda db, key=key: db.collection("users").insert_one({"_id": key})).inserted_id == key
    if users == BEFORE:
        assert _outcome(do, _many) is True
    audit(argon)


@pytest.mark.parametrize("face", ["pymongo async", "motor"])
@pytest.mark.parametrize("turns", [0, 2, 5, 13, 34])
def test_a_task_that_is_cancelled_leaves_nothing_half_done(
    do: Do, filled: WALDatabase[Any], argon: Argon, project: Project, turns: int
) -> None:
    async def cancelled(db: Any) -> None:
        task = asyncio.ensure_future(_many(db))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    do(cancelled)
    outcome = _outcome(do, lambda db: db.collection("users").insert_one({"_id": "next"}))
    assert outcome is True
    users = [user for user in _users(filled) if user["_id"] != "next"]
    assert users in (BEFORE, AFTER)
    audit(argon)
