"""Writers that are interrupted or forked: the others go on, and everybody knows where they are."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from pymongo import monitoring

from argon import Argon, WALDatabase
from tests.faults.audit import audit

if TYPE_CHECKING:
    from argon import Project


class Interrupter(monitoring.CommandListener):
    """Interrupts the main thread, as Ctrl-C does, at a step of its own."""

    def __init__(self) -> None:
        self.command = ""
        self.after = False
        self.hits = 0
        self.wait: Callable[[], None] = lambda: None

    def _hit(self, command: str, after: bool) -> None:
        main_thread = threading.current_thread() is threading.main_thread()
        if main_thread and command == self.command and after == self.after:
            self.command = ""
            self.hits += 1
            self.wait()
            signal.raise_signal(signal.SIGINT)

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self._hit(event.command_name, after=False)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        self._hit(event.command_name, after=True)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Nothing: a command that fails is no step."""


@pytest.fixture
def interrupter() -> Iterator[Interrupter]:
    listener = Interrupter()
    yield listener
    listener.command = ""


@pytest.fixture
def argon(argon: Argon, interrupter: Interrupter) -> Iterator[Argon]:
    """Argon on a client that is listened to."""
    from pymongo import MongoClient

    with MongoClient[Any](argon.uri, event_listeners=[interrupter], appname="argon") as client:
        yield Argon(argon.uri, argon.database, client=client)


@contextmanager
def _handled() -> Iterator[None]:
    """Let SIGINT raise KeyboardInterrupt, as it does in a program."""
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("command", ["insert", "commitTransaction"])
def test_an_interrupted_leader_strands_nobody(
    argon: Argon, db: WALDatabase[Any], interrupter: Interrupter, command: str, after: bool
) -> None:
    users = db.collection("users")
    users.insert_one({"_id": "first"})
    queue = users._handle.line._queue
    outcomes: dict[int, Any] = {}

    def work(number: int) -> None:
        try:
            users.insert_one({"_id": number})
            outcomes[number] = "landed"
        except BaseException as error:
            outcomes[number] = error

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]

    def gather() -> None:
        for thread in threads:
            thread.start()
        while len(queue._waiting) < len(threads):
            threading.Event().wait(0.001)

    # The leader is the main thread; the others wait behind it when it is interrupted.
    interrupter.wait, interrupter.after, interrupter.command = gather, after, command
    with _handled(), pytest.raises(KeyboardInterrupt):
        users.insert_one({"_id": "interrupted"})
    assert interrupter.hits == 1
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "a writer waits for a leader that is gone"
    assert outcomes == dict.fromkeys(range(6), "landed")
    found = {one["_id"] for one in users.find()}
    assert found - {"interrupted"} == {"first", *range(6)}
    assert ("interrupted" in found) == (command == "commitTransaction")
    audit(argon)


def test_an_interrupted_leader_tells_those_whose_writes_it_landed(
    argon: Argon, db: WALDatabase[Any], interrupter: Interrupter
) -> None:
    users = db.collection("users")
    users.insert_one({"_id": "first"})
    queue = users._handle.line._queue
    outcomes: dict[int, str] = {}
    first_is_in, all_are_queued = threading.Event(), threading.Event()

    def hold() -> None:
        first_is_in.set()
        assert all_are_queued.wait(30)

    def work(number: int) -> None:
        users.insert_one({"_id": number})
        outcomes[number] = "landed"

    # The main thread leads a batch of its own and the others' writes, and is interrupted in its commit.
    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    blocker = threading.Thread(target=lambda: _slow_insert(users, hold))
    blocker.start()
    assert first_is_in.wait(30)

    def release() -> None:
        while len(queue._waiting) < 1:
            threading.Event().wait(0.001)
        for thread in threads:
            thread.start()
        while len(queue._waiting) < 6:
            threading.Event().wait(0.001)
        all_are_queued.set()

    releaser = threading.Thread(target=release)
    releaser.start()
    interrupter.after, interrupter.command = True, "commitTransaction"
    with _handled(), pytest.raises(KeyboardInterrupt):
        users.insert_one({"_id": "interrupted"})
    for thread in (*threads, blocker, releaser):
        thread.join(30)
        assert not thread.is_alive()
    assert interrupter.hits == 1
    assert outcomes == dict.fromkeys(range(5), "landed")
    assert {one["_id"] for one in users.find()} == {"first", "slow", "interrupted", *range(5)}
    audit(argon)


def _slow_insert(users: Any, hold: Callable[[], None]) -> None:
    """Insert, holding the commit queue until told to go on."""
    from argon.engine import insert

    plan = insert.plan_inserts
    held = threading.Event()

    def slow(*args: Any, **kwargs: Any) -> Any:
        if not held.is_set():
            held.set()
            hold()
        return (yield from plan(*args, **kwargs))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("argon.engine.operations.plan_inserts", slow)
        users.insert_one({"_id": "slow"})


def test_a_waiting_writer_that_is_interrupted_is_not_waited_for(db: WALDatabase[Any]) -> None:
    from argon.io import ThreadWorld, run
    from argon.wal.change import Plan
    from argon.wal.group import CommitQueue, Pending

    class Interrupted:
        """A signal whose wait ends as Ctrl-C ends it."""

        def set(self) -> None:
            """Nobody waits."""

        def wait(self) -> None:
            raise KeyboardInterrupt

    class World(ThreadWorld):
        def signal(self) -> Any:
            return Interrupted()

    landed: list[int] = []

    def nothing(snapshot: Any, careful: bool) -> Any:
        yield None
        return Plan([])

    def commit(batch: list[Pending]) -> Any:
        if not landed:
            landed.append(0)
            # While it leads, another one comes, waits and is interrupted.
            with pytest.raises(KeyboardInterrupt):
                run(queue.submit(Pending(nothing, None, None)))
        for pending in batch:
            landed.append(1)
            pending.succeed("landed")
        yield None

    queue = CommitQueue(World(), commit)
    assert run(queue.submit(Pending(nothing, None, None))) == "landed"
    assert run(queue.submit(Pending(nothing, None, None))) == "landed"
    assert landed == [0, 1, 1]


def test_a_fork_may_go_on_writing(argon: Argon, project: Project, db: WALDatabase[Any]) -> None:
    users = db.collection("users")
    users.insert_many([{"_id": "n", "v": 0}])
    for turn in range(20):
        users.insert_one({"_id": turn})  # so that LSNs are in store, which both will have
    children = []
    for child in range(3):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                for turn in range(8):
                    users.insert_one({"_id": f"{child}-{turn}"})
                    users.update_one({"_id": "n"}, {"$inc": {"v": 1}})
                status = 0
            finally:
                os._exit(status)
        children.append(pid)
    for _ in range(8):
        users.update_one({"_id": "n"}, {"$inc": {"v": 1}})
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0, 0, 0]
    assert users.find_one({"_id": "n"}) == {"_id": "n", "v": 32}
    assert users.count_documents({}) == 1 + 20 + 24
    audit(argon)
