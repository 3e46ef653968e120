"""Clients that are killed: all of a commit or nothing, all that was acknowledged, and nobody held up."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from argon import WALDatabase
from tests.faults.audit import audit
from tests.faults.conftest import Mortal
from tests.races.processes import Client

if TYPE_CHECKING:
    from argon import Argon, Branch, Project

HELD_UP = 10.0
"""Seconds; MongoDB itself would let the dead keep what they hold for sixty."""
Victim = Callable[[str, str, int], str]


@pytest.fixture(scope="module")
def undertaker() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("victims.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def victim(undertaker: subprocess.Popen[str], argon: Argon, fallible: Mortal) -> Victim:
    """Runs ``victim(operation, branch, steps)`` in a process that dies with its n-th message."""

    def run(operation: str, branch: str, steps: int) -> str:
        assert undertaker.stdin is not None
        assert undertaker.stdout is not None
        job = {
            "uri": fallible.uri,
            "database": argon.database,
            "operation": operation,
            "branch": branch,
            "steps": steps,
        }
        undertaker.stdin.write(json.dumps(job) + "\n")
        undertaker.stdin.flush()
        return undertaker.stdout.readline().strip()

    return run


def _state(project: Project, name: str) -> Any:
    """Return what a branch and its surroundings are, in a form that can be compared."""
    names = {branch.name for branch in project.branches()}
    if name not in names:
        return "no branch"
    branch = project.branch(name)
    db = WALDatabase(branch).at(lsn=branch.head_lsn)
    contents = {
        collection: sorted(repr(one) for one in db.collection(collection).find())
        for collection in sorted(db.list_collection_names())
    }
    return contents, f"{name}-fork" in names


@pytest.mark.parametrize("rows", ["own", "inherited"])
@pytest.mark.parametrize(
    "operation",
    [
        "insert",
        "update",
        "delete",
        "update_many",
        "first_insert",
        "drop",
        "rename",
        "group",
        "fork",
        "remove",
    ],
)
def test_a_client_killed_at_any_step_leaves_all_or_nothing(
    argon: Argon, project: Project, main: Branch, victim: Victim, operation: str, rows: str
) -> None:
    documents = [{"_id": number, "n": 0} for number in (1, 2, 3)]
    if rows == "inherited":
        WALDatabase(main).collection("users").insert_many(documents)
    ends: set[str] = set()
    landed: list[bool] = []
    for steps in range(60):
        name = f"{operation}-{steps}"
        branch = project.create_branch(name)
        if rows == "own":
            WALDatabase(branch).collection("users").insert_many(documents)
        earlier = _state(project, name)
        end = victim(operation, name, steps)
        assert end in ("killed", "done"), end
        ends.add(end)
        later = _state(project, name)
        landed.append(later != earlier)
        if end == "done":
            assert later != earlier
            break
        if later != "no branch":
            begin = time.monotonic()
            WALDatabase(branch).collection("users").update_one({"_id": 1}, {"$set": {"next": 1}})
            WALDatabase(branch).collection("others").insert_one({"_id": 1})
            assert time.monotonic() - begin < HELD_UP, steps
    else:
        pytest.fail("the operation never came to its end")
    assert ends == {"killed", "done"}
    assert True in landed
    assert False in landed
    audit(argon)


def _acknowledged(events: list[dict[str, Any]]) -> dict[str, int]:
    """Return the last value that each counter was acknowledged to have."""
    values: dict[str, int] = {}
    for event in events:
        values[event["doc"]] = event["value"]
    return values


def check_load(db: WALDatabase[Any], clients: list[Client]) -> None:
    """Check that all that was acknowledged is there, and at most what was under way besides."""
    found = {one["_id"]: one for one in db.collection("load").find()}
    for client in clients:
        for doc, value in _acknowledged(client.events).items():
            there = found[doc]
            assert value <= there["value"] <= value + 1, doc
            # Each change writes both fields and a document beside it, all in one commit.
            assert there["double"] == 2 * there["value"]
            beside = db.collection("beside").count_documents({"doc": doc})
            assert beside == there["value"], doc


def _kill_clients(argon: Argon, project: Project, uri: str, rounds: int) -> None:
    project.create_branch("feature")
    script = Path(__file__).with_name("load.py")
    clients: list[Client] = []

    def spawn() -> Client:
        branch = random.choice(["main", "feature"])
        name = f"client{len(clients)}"
        client = Client("load", uri, argon.database, threads=2, script=script, branch=branch, name=name)
        clients.append(client)
        client.start()
        return client

    running = [spawn() for _ in range(2)]
    try:
        for _ in range(rounds):
            victim = running.pop(random.randrange(len(running)))
            victim.wait_for(random.randrange(1, 12))
            victim.kill()
            running.append(spawn())
            # The survivor goes on, whatever the victim left behind.
            count = len(running[0].events)
            begin = time.monotonic()
            running[0].wait_for(count + 1)
            assert time.monotonic() - begin < HELD_UP
    finally:
        for client in running:
            client.kill()
    for branch in ("main", "feature"):
        here = [client for client in clients if client.arguments["branch"] == branch]
        check_load(WALDatabase(project.branch(branch)), here)
    audit(argon)


def test_clients_killed_at_random_moments_lose_nothing(
    argon: Argon, project: Project, fallible: Mortal
) -> None:
    _kill_clients(argon, project, fallible.uri, rounds=8)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_a_hundred_clients_are_killed(argon: Argon, project: Project, fallible: Mortal) -> None:
    _kill_clients(argon, project, fallible.uri, rounds=100)
