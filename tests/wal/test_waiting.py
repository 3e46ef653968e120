"""Writers that meet a transaction which its client has left open: they wait until the server ends it."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import AutoReconnect, OperationFailure

from argon import Argon, Project, WALDatabase
from argon.catalog.tables import BRANCHES, COLLECTIONS, PROJECTS
from argon.engine import line, scratch
from argon.wal import transactions
from argon.wal.log import LOG

LIFETIME = 90.0
"""Seconds for which a server may keep a transaction that nobody ends, with its own settings."""
WAITED_FOR = {BRANCHES, COLLECTIONS, LOG, PROJECTS}
"""What is also written outside of transactions, where the server itself waits."""
WRITES: dict[str, Callable[[WALDatabase[Any], Project], Any]] = {
    "update": lambda db, _: db.users.update_one({"_id": 1}, {"$set": {"by": "waiter"}}),
    "pipeline": lambda db, _: db.users.update_one({"_id": 1}, [{"$set": {"by": "waiter"}}]),
    "delete": lambda db, _: db.users.delete_one({"_id": 1}),
    "tag": lambda _, project: project.delete_tag("v1"),
}


class Clock:
    """A clock on which every look is a second later; at a time it does something."""

    def __init__(self, at: float, action: Callable[[], None]) -> None:
        self._now = began = time.monotonic()
        self._end, self._action = began + at, action

    def monotonic(self) -> float:
        self._now += 1.0
        if self._now >= self._end:
            self._end = float("inf")
            self._action()
        return self._now


def _set(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    for module in (transactions, line, scratch):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.monotonic))


@pytest.mark.parametrize("write", WRITES)
def test_a_writer_outlasts_what_the_server_will_end(
    write: str, argon: Argon, project: Project, mongod_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = WALDatabase[Any](project.branch("main"))
    db.users.insert_one({"_id": 1})
    project.create_tag("v1", at="main")
    with MongoClient[Any](mongod_uri) as other, other.start_session() as abandoned:
        abandoned.start_transaction()
        for name in set(other[argon.database].list_collection_names()) - WAITED_FOR:
            other[argon.database][name].update_many({}, {"$set": {"held": True}}, session=abandoned)
        ended: list[float] = []

        def end() -> None:
            abandoned.abort_transaction()
            ended.append(LIFETIME)

        _set(monkeypatch, Clock(LIFETIME, end))
        WRITES[write](db, project)
    assert ended
    assert not project.verify().problems


def test_a_server_that_is_gone_is_not_waited_for_as_long() -> None:
    now = time.monotonic()
    gone, held = AutoReconnect("gone"), OperationFailure("held", 112)
    for error in (gone, held):
        error._add_error_label("TransientTransactionError")
    assert [transactions.may_pass(error, now - LIFETIME) for error in (gone, held)] == [False, True]
    assert not transactions.may_pass(OperationFailure("no", 1), now)
