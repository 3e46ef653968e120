"""Writers of one document: nothing is lost, nothing is done twice, and all agree on the order."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from argon import WALDatabase
from tests.races.checkers import check_lists
from tests.races.conftest import Spawn
from tests.races.processes import Event, run_together

if TYPE_CHECKING:
    from argon import Project


def _branch(project: Project, name: str) -> None:
    if name != "main":
        project.create_branch(name)


@pytest.mark.parametrize("branch", ["main", "feature"])
def test_every_acknowledged_increment_counts_once(
    db: WALDatabase[Any], project: Project, spawn: Spawn, branch: str
) -> None:
    db.collection("counters").insert_one({"_id": "n", "value": 0})
    _branch(project, branch)
    done = run_together([spawn("counters", threads=3, times=30, branch=branch) for _ in range(3)])
    events = [event for events in done for event in events]
    here = WALDatabase(project.branch(branch)).collection("counters")
    assert len(events) == 270
    assert here.find_one({"_id": "n"}) == {"_id": "n", "value": 270}
    values = [event["value"] for event in events if "value" in event]
    assert len(set(values)) == len(values)
    assert all(event["modified"] == 1 for event in events if "modified" in event)
    if branch != "main":
        assert db.collection("counters").find_one() == {"_id": "n", "value": 0}


def test_no_process_is_left_behind(db: WALDatabase[Any], spawn: Spawn) -> None:
    db.collection("counters").insert_one({"_id": "n", "value": 0})
    done = run_together([spawn("counters", times=120) for _ in range(4)])
    first_end = min(events[-1]["at"] for events in done)
    progress = [sum(event["at"] <= first_end for event in events) for events in done]
    # Each of the four would have 120 if all were served alike.
    assert min(progress) >= 12, progress


def test_one_argon_serves_64_threads(db: WALDatabase[Any]) -> None:
    numbers = db.collection("counters")
    numbers.insert_one({"_id": "n", "value": 0})
    together = threading.Barrier(64)
    failures: list[BaseException] = []

    def work(thread: int) -> None:
        together.wait()
        try:
            for turn in range(4):
                numbers.update_one({"_id": "n"}, {"$inc": {"value": 1}})
                db.collection("others").insert_one({"_id": f"{thread} {turn}"})
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert numbers.find_one({"_id": "n"}) == {"_id": "n", "value": 256}
    assert db.collection("others").count_documents({}) == 256
    assert db.list_collection_names() == ["counters", "others"]


@pytest.mark.parametrize("branch", ["main", "feature"])
@pytest.mark.parametrize("field", ["_id", "seat"])
def test_each_unique_key_has_one_winner(
    db: WALDatabase[Any], project: Project, spawn: Spawn, branch: str, field: str
) -> None:
    seats = db.collection("seats")
    if field != "_id":
        seats.create_index(field, unique=True)
    seats.insert_many([{field: key} for key in range(0, 30, 10)])
    _branch(project, branch)
    arguments = {"keys": 30, "field": field, "branch": branch}
    done = run_together([spawn("claims", threads=2, **arguments) for _ in range(3)])
    winners = Counter(event["won"] for events in done for event in events)
    assert winners == Counter(key for key in range(30) if key % 10)


@pytest.mark.parametrize("branch", ["main", "feature"])
def test_histories_of_lists_are_serializable(
    db: WALDatabase[Any], project: Project, spawn: Spawn, branch: str
) -> None:
    db.collection("lists").insert_many([{"_id": doc, "items": ["born"]} for doc in range(4)])
    _branch(project, branch)
    arguments = {"times": 40, "lists": 4, "branch": branch}
    done = run_together(
        [spawn("histories", name=f"p{number}", threads=2, **arguments) for number in range(3)]
    )
    here = WALDatabase(project.branch(branch)).collection("lists")
    events: list[Event] = [event for events in done for event in events]
    assert len(events) == 240
    check_lists(events, {one["_id"]: one["items"] for one in here.find()}, first="born")
