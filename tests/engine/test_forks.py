"""A program that forks in the middle of its work: parent and child both go on."""

from __future__ import annotations

import os
import select
import signal
import threading
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from argon.engine.baton import Baton
from argon.wal.commit import Committer
from argon.wal.lsn import LsnAllocator

if TYPE_CHECKING:
    from argon import Argon, WALDatabase

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for children as Linux does")


def _in_child(work: Callable[[], None]) -> None:
    """Do something in a forked child, which must end well and soon."""
    child = os.fork()
    if child == 0:
        try:
            warnings.simplefilter("ignore")  # PyMongo's, that a client is used after a fork
            work()
            os._exit(0)
        finally:
            os._exit(1)
    watched = os.pidfd_open(child)
    ended, _, _ = select.select([watched], [], [], 30)
    os.close(watched)
    if not ended:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert ended, "the child hangs"
    assert status == 0


def test_a_child_writes_while_a_thread_of_its_parent_leads(
    argon: Argon, db: WALDatabase[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    users = db.collection("users")
    users.insert_many([{"_id": number} for number in range(3)])
    leading, proceed, parent = threading.Event(), threading.Event(), os.getpid()
    land = Committer.land

    def held(*arguments: Any, **options: Any) -> Any:
        if os.getpid() == parent:
            leading.set()
            assert proceed.wait(60)
        return (yield from land(*arguments, **options))

    monkeypatch.setattr(Committer, "land", held)
    leader = threading.Thread(target=lambda: users.insert_one({"_id": "parent"}))
    follower = threading.Thread(target=lambda: users.insert_one({"_id": "follower"}))
    leader.start()
    assert leading.wait(60)
    follower.start()

    def work() -> None:
        for number in range(5):
            users.insert_one({"_id": f"child {number}"})

    try:
        _in_child(work)
    finally:
        proceed.set()
        leader.join()
        follower.join()
    names = {user["_id"] for user in users.find()}
    assert names == {0, 1, 2, "parent", "follower", *(f"child {number}" for number in range(5))}


def test_a_child_has_no_lsn_of_its_parent(argon: Argon, db: WALDatabase[Any]) -> None:
    allocator = LsnAllocator(
        argon.engine.plain["projects"], argon.project("shop").branch("main")._record.project_id
    )
    allocator.borrow(1000, 2000)
    with allocator._lock:
        _in_child(lambda: _check(allocator.lend() == (0, 0)))
    assert allocator.lend() == (1000, 2000)


def test_a_child_is_another_hand(argon: Argon, db: WALDatabase[Any]) -> None:
    db.collection("users").insert_one({})
    baton: Baton = argon.engine.line(argon.project("shop").branch("main")._record)._baton
    before = baton._me
    _in_child(lambda: _check(baton._me != before))
    assert baton._me == before


def _check(truth: bool) -> None:
    assert truth
