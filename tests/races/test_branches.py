"""Branches that share documents do not feel one another, whoever writes at the same time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from argon import WALDatabase
from tests.races.conftest import Spawn
from tests.races.processes import run_together

if TYPE_CHECKING:
    from argon import Branch, Project

DOCS = 12


def _fill(db: WALDatabase[Any], count: int) -> None:
    shared = db.collection("shared")
    shared.create_index("place")
    shared.insert_many([{"_id": number, "place": number % 7} for number in range(count)])


def test_parent_and_children_write_to_what_they_share(
    db: WALDatabase[Any], project: Project, spawn: Spawn
) -> None:
    _fill(db, DOCS + 4)
    gone = list(range(DOCS, DOCS + 4))
    branches = ["main", "one", "two", "grandchild"]
    project.create_branch("one")
    project.create_branch("two")
    project.create_branch("grandchild", parent="one")
    writers = {
        name: [spawn("tallies", threads=2, branch=name, docs=DOCS, times=25) for _ in range(1)]
        for name in branches
    }
    deleters = [spawn("deletions", branch=name, docs=gone) for name in branches[1:]]
    watchers = {name: spawn("watches", branch=name) for name in branches[1:]}
    everyone = [client for clients in writers.values() for client in clients] + deleters
    for client in (*watchers.values(), *everyone):
        client.start()
    for client in everyone:
        client.result()
    for watcher in watchers.values():
        watcher.stop()

    for deleter in deleters:
        assert [event["deleted"] for event in deleter.events] == [1, 1, 1, 1]
    for name in branches:
        acknowledged = Counter(event["doc"] for client in writers[name] for event in client.events)
        assert acknowledged.total() == 50
        expected = {
            number: {"_id": number, "place": number % 7}
            | ({name: acknowledged[number]} if acknowledged[number] else {})
            for number in range(DOCS if name != "main" else DOCS + 4)
        }
        found = WALDatabase(project.branch(name)).collection("shared").find()
        assert {one["_id"]: one for one in found} == expected, name
    for watcher in watchers.values():
        _never_back([event["seen"] for event in watcher.result()])


def _never_back(states: list[dict[str, int]]) -> None:
    """Check that counters only grow, and that what was deleted stays away."""
    assert states
    last: dict[str, int] = states[0]
    for state in states[1:]:
        assert set(state) <= set(last), "a deleted document came back"
        assert all(state[doc] >= last[doc] for doc in state), "a document reverted"
        last = state


def test_every_scan_sees_each_document_once(db: WALDatabase[Any], project: Project, spawn: Spawn) -> None:
    docs = 150
    _fill(db, docs)
    project.create_branch("feature")
    scanner = spawn("scans", branch="feature")
    clients = [spawn("tallies", branch=name, docs=docs, times=150) for name in ("main", "feature")]
    for client in (scanner, *clients):
        client.start()
    for client in clients:
        client.result()
    scanner.stop()
    seen = scanner.result()
    assert {event["how"] for event in seen} == {"find", "index", "group", "count"}
    for event in seen:
        if "ids" in event:
            assert Counter(event["ids"]) == Counter(range(docs)), event["how"]
        else:
            assert event["count"] == docs


def test_many_branches_are_made_and_written_at_once(
    db: WALDatabase[Any], project: Project, spawn: Spawn
) -> None:
    db.collection("shared").insert_one({"_id": 0, "owner": "main"})
    done = run_together([spawn("branchings", name=f"p{number}", times=12) for number in range(4)])
    events = [event for events in done for event in events]
    assert all(event["owner"] == event["branch"] and event["own"] == [event["branch"]] for event in events)
    assert {one.name for one in project.branches()} == {"main", *(event["branch"] for event in events)}
    assert db.collection("shared").find_one() == {"_id": 0, "owner": "main"}
    assert db.list_collection_names() == ["shared"]


def test_nothing_lands_on_a_branch_after_its_deletion(main: Branch, project: Project, spawn: Spawn) -> None:
    project.create_branch("feature")
    clients = [spawn("inserts", threads=2, name=f"p{number}", branch="feature") for number in range(3)]
    for client in clients:
        client.start()
    for client in clients:
        client.wait_for(10)
    project.delete_branch("feature")
    told = [client.result() for client in clients]
    assert all(sum("gone" in event for event in events) == 2 for events in told)
    restored = project.undelete_branch("feature")
    acknowledged = {event["inserted"] for events in told for event in events if "inserted" in event}
    assert {one["_id"] for one in WALDatabase(restored).collection("c").find()} == acknowledged
    operations = [str(entry.operation) for entry in restored.log(after=restored.base_lsn)]
    assert operations[:2] == ["undelete_branch", "delete_branch"]


def test_a_deleted_project_takes_no_more_writes(main: Branch, project: Project, spawn: Spawn) -> None:
    client = spawn("inserts", threads=2, name="p")
    client.start()
    client.wait_for(10)
    project._argon.delete_project("shop")
    assert sum("gone" in event for event in client.result()) == 2
    assert str(main.log(limit=1)[0].operation) == "delete_branch"
