"""Commands that fail at each step: retried where that is right, told clearly where not, never done twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from pymongo.errors import AutoReconnect, OperationFailure

from tests.faults.audit import audit
from tests.faults.conftest import Failing

if TYPE_CHECKING:
    from argon import Argon, Project, WALDatabase

WRITE_CONFLICT = {"errorCode": 112, "errorLabels": ["TransientTransactionError"]}
NOT_PRIMARY = {"errorCode": 10107, "errorLabels": ["TransientTransactionError"]}
CUT = {"closeConnection": True}
DISK_FULL = {"errorCode": 14031}
STEPS = ["insert", "findAndModify", "update", "delete", "find", "aggregate", "commitTransaction"]


def _insert(db: WALDatabase[Any]) -> None:
    db.collection("users").insert_one({"_id": "new"})


def _increment(db: WALDatabase[Any]) -> None:
    assert db.collection("users").update_one({"_id": 1}, {"$inc": {"n": 1}}).modified_count == 1


def _delete(db: WALDatabase[Any]) -> None:
    assert db.collection("users").delete_one({"_id": 2}).deleted_count == 1


def _many(db: WALDatabase[Any]) -> None:
    assert db.collection("users").update_many({}, {"$inc": {"n": 1}}).modified_count == 3


def _group(db: WALDatabase[Any]) -> None:
    with db.commit(message="group") as txn:
        txn.collection("users").update_one({"_id": 1}, {"$inc": {"n": 1}})
        txn.collection("users").insert_one({"_id": "new"})
        txn.collection("users").delete_one({"_id": 2})


def _create(db: WALDatabase[Any]) -> None:
    db.create_collection("fresh")


WRITES: list[Callable[[WALDatabase[Any]], None]] = [_insert, _increment, _delete, _many, _group, _create]
AFTER: dict[Callable[[WALDatabase[Any]], None], dict[Any, int]] = {
    _insert: {1: 0, 2: 0, 3: 0, "new": 0},
    _increment: {1: 1, 2: 0, 3: 0},
    _delete: {1: 0, 3: 0},
    _many: {1: 1, 2: 1, 3: 1},
    _group: {1: 1, 3: 0, "new": 0},
    _create: {1: 0, 2: 0, 3: 0},
}
BEFORE = {1: 0, 2: 0, 3: 0}


def _state(db: WALDatabase[Any]) -> dict[Any, int]:
    return {one["_id"]: one.get("n", 0) for one in db.collection("users").find()}


@pytest.fixture(params=["main", "child"])
def filled(request: pytest.FixtureRequest, project: Project, db: WALDatabase[Any]) -> WALDatabase[Any]:
    from argon import WALDatabase

    db.collection("users").insert_many([{"_id": number, "n": 0} for number in (1, 2, 3)])
    if request.param == "main":
        return db
    return WALDatabase(project.create_branch("child"))


@pytest.mark.parametrize("fault", [WRITE_CONFLICT, NOT_PRIMARY, CUT], ids=["conflict", "not primary", "cut"])
@pytest.mark.parametrize("write", WRITES)
def test_a_passing_fault_at_any_step_is_retried_or_told_and_never_doubled(
    argon: Argon,
    filled: WALDatabase[Any],
    failing: Failing,
    write: Callable[[WALDatabase[Any]], None],
    fault: dict[str, Any],
) -> None:
    for step in STEPS:
        expected = BEFORE
        with failing(step, **fault):
            try:
                write(filled)
            except (AutoReconnect, OperationFailure) as error:
                # Only what a program can tell from a final failure.
                assert isinstance(error, AutoReconnect) or error.has_error_label("TransientTransactionError")
                assert _state(filled) == BEFORE, step
            else:
                expected = AFTER[write]
        assert _state(filled) == expected, step
        _reset(filled)
    audit(argon)


def _reset(db: WALDatabase[Any]) -> None:
    users = db.collection("users")
    users.delete_many({})
    users.insert_many([{"_id": number, "n": 0} for number in (1, 2, 3)])
    db.drop_collection("fresh")


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("times", [1, 3, 6])
def test_a_commit_without_an_answer_is_asked_for_until_there_is_one(
    argon: Argon,
    filled: WALDatabase[Any],
    failing: Failing,
    write: Callable[[WALDatabase[Any]], None],
    times: int,
) -> None:
    with failing("commitTransaction", times=times, closeConnection=True):
        write(filled)
    assert _state(filled) == AFTER[write]
    audit(argon)


@pytest.mark.parametrize("write", WRITES)
def test_a_commit_whose_answer_was_lost_is_not_done_again(
    argon: Argon, filled: WALDatabase[Any], failing: Failing, write: Callable[[WALDatabase[Any]], None]
) -> None:
    # The server commits, and then reports that it does not know how durably.
    unsure = {"writeConcernError": {"code": 91, "errmsg": "shutting down", "errorLabels": []}}
    with failing("commitTransaction", times=2, **unsure):
        write(filled)
    assert _state(filled) == AFTER[write]
    audit(argon)


@pytest.mark.parametrize("step", ["insert", "commitTransaction"])
@pytest.mark.parametrize("write", WRITES)
def test_a_full_disk_is_told_and_leaves_nothing_half_done(
    argon: Argon,
    filled: WALDatabase[Any],
    failing: Failing,
    write: Callable[[WALDatabase[Any]], None],
    step: str,
) -> None:
    with failing(step, times=None, **DISK_FULL), pytest.raises(OperationFailure) as failure:
        write(filled)
    assert failure.value.code == 14031
    assert _state(filled) == BEFORE
    write(filled)  # at once: nothing of the first attempt is in the way
    assert _state(filled) == AFTER[write]
    audit(argon)


def test_another_writers_commit_does_not_suffer_from_a_bad_one(
    db: WALDatabase[Any], failing: Failing
) -> None:
    import threading

    users = db.collection("users")
    users.create_index("seat", unique=True)
    users.insert_one({"_id": 0, "seat": 0})
    together = threading.Barrier(8)
    outcomes: dict[int, str] = {}

    def work(number: int) -> None:
        together.wait()
        try:
            users.insert_one({"_id": number, "seat": number // 2})
            outcomes[number] = "landed"
        except OperationFailure as error:
            outcomes[number] = type(error).__name__

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seat in range(1, 5):
        assert sorted([outcomes[2 * seat], outcomes[2 * seat + 1]]) == ["DuplicateKeyError", "landed"]
