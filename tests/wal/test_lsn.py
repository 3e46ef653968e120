"""LSNs are unique over a project and greater than the head they follow."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from argon import Argon, Project
from argon.io import run
from argon.wal.lsn import LsnAllocator


@pytest.fixture
def allocator(argon: Argon, project: Project) -> Iterator[LsnAllocator]:
    yield LsnAllocator(argon.engine.plain["projects"], project.id)


def test_runs_follow_one_another_on_a_branch(allocator: LsnAllocator) -> None:
    head = 0
    for count in (1, 5, 1, 300, 1, 1, 8):
        first = run(allocator.take(count, head))
        assert first > head
        head = first + count - 1


def test_a_head_further_on_is_left_behind(allocator: LsnAllocator) -> None:
    run(allocator.take(1, 0))
    assert run(allocator.take(1, 10_000)) > 10_000


def test_a_counter_behind_the_log_is_healed_by_the_head(argon: Argon, project: Project) -> None:
    argon.engine.plain["projects"].update_one({"_id": project.id}, {"$set": {"next_lsn": 1}})
    fresh = LsnAllocator(argon.engine.plain["projects"], project.id)
    assert run(fresh.take(1, 500)) == 501
    assert run(fresh.take(1, 501)) == 502


def test_no_lsn_is_given_twice_whoever_asks(argon: Argon, project: Project) -> None:
    table = argon.engine.plain["projects"]
    shared = [LsnAllocator(table, project.id) for _ in range(3)]
    taken: list[int] = []
    lock = threading.Lock()

    def work(allocator: LsnAllocator) -> None:
        for count in (1, 3, 1, 7) * 10:
            first = run(allocator.take(count, 0))
            with lock:
                taken.extend(range(first, first + count))

    threads = [threading.Thread(target=work, args=(allocator,)) for allocator in shared * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 6 * 120
