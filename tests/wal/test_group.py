"""Group commit: all that wait go together, and one writer's error is that writer's alone."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from argon.io import Operation, ThreadWorld, run
from argon.wal.change import Plan
from argon.wal.group import CommitQueue, Pending


def _nothing(snapshot: Any, careful: bool) -> Operation[Plan]:
    yield None
    return Plan([])


def _pending() -> Pending:
    return Pending(_nothing, None, None)


def test_writers_that_come_during_a_commit_share_the_next_one() -> None:
    batches: list[int] = []
    first_is_in = threading.Event()
    all_are_queued = threading.Event()

    def commit(batch: list[Pending]) -> Operation[None]:
        batches.append(len(batch))
        if len(batches) == 1:
            first_is_in.set()
            all_are_queued.wait(10)
        for pending in batch:
            pending.succeed(len(batches))
        yield None

    queue = CommitQueue(ThreadWorld(), commit)
    replies: list[int] = []
    threads = [
        threading.Thread(target=lambda: replies.append(run(queue.submit(_pending())))) for _ in range(6)
    ]
    threads[0].start()
    assert first_is_in.wait(10)
    for thread in threads[1:]:
        thread.start()
    while len(queue._waiting) < 5:
        threading.Event().wait(0.001)
    all_are_queued.set()
    for thread in threads:
        thread.join(10)
    assert batches == [1, 5]
    assert sorted(replies) == [1, 2, 2, 2, 2, 2]


def test_an_error_reaches_only_the_writer_that_made_it() -> None:
    def commit(batch: list[Pending]) -> Operation[None]:
        for place, pending in enumerate(batch):
            if place == 0:
                pending.fail(ValueError("mine"))
            else:
                pending.succeed("fine")
        yield None

    queue = CommitQueue(ThreadWorld(), commit)
    with pytest.raises(ValueError, match="mine"):
        run(queue.submit(_pending()))


def test_a_leader_that_dies_hands_over() -> None:
    calls: list[int] = []

    def commit(batch: list[Pending]) -> Operation[None]:
        calls.append(len(batch))
        if len(calls) == 1:
            raise KeyboardInterrupt
        for pending in batch:
            pending.succeed("landed")
        yield None

    queue = CommitQueue(ThreadWorld(), commit)
    with pytest.raises(KeyboardInterrupt):
        run(queue.submit(_pending()))
    assert run(queue.submit(_pending())) == "landed"
