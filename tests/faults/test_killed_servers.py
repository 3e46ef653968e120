"""Servers that are killed and come back: all that was acknowledged is there, and nothing by halves."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from argon import Argon, WALDatabase
from tests.faults.audit import audit
from tests.faults.conftest import Mortal
from tests.faults.test_killed_clients import check_load
from tests.races.processes import Client

if TYPE_CHECKING:
    from argon import Project


def _kill_server(mortal: Mortal, rounds: int) -> None:
    with Argon(mortal.uri, database="killed") as argon:
        project = argon.create_project("shop")
        project.create_branch("feature")
        script = Path(__file__).with_name("load.py")
        clients = [
            Client(
                "load", mortal.uri, "killed", threads=2, script=script, branch=branch, name=f"client{number}"
            )
            for number, branch in enumerate(("main", "main", "feature"))
        ]
        try:
            for client in clients:
                client.start()
            for _ in range(rounds):
                for client in clients:
                    client.wait_for(len(client.events) + random.randrange(1, 8))
                mortal.kill()
                mortal.revive()
            for client in clients:
                client.wait_for(len(client.events) + 1)
                client.stop()
            for client in clients:
                client.result()
        finally:
            for client in clients:
                client.__exit__(None, None, None)
        for branch in ("main", "feature"):
            here = [client for client in clients if client.arguments["branch"] == branch]
            check_load(WALDatabase(project.branch(branch)), here)
        audit(argon)


def test_a_server_killed_under_load_loses_nothing(mortal: Mortal) -> None:
    _kill_server(mortal, rounds=2)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_server_is_killed_a_hundred_times(mortal: Mortal) -> None:
    _kill_server(mortal, rounds=100)


def test_a_counter_that_fell_behind_the_log_is_healed(argon: Argon, project: Project) -> None:
    project.create_branch("feature")
    databases = [WALDatabase(project.branch(name)) for name in ("main", "feature")]
    for turn in range(20):
        databases[turn % 2].collection("users").insert_one({"_id": turn})
    counter = argon.mongo[argon.database]["projects"]
    operations: list[Callable[[Argon], Any]] = [
        lambda other: _users(other, "main").insert_one({"_id": "main"}),
        lambda other: _users(other, "feature").update_one({"_id": 1}, {"$set": {"x": 1}}),
        lambda other: other.project("shop").create_branch("late"),
        lambda other: other.project("shop").delete_branch("late"),
        lambda other: _users(other, "main").drop(),
    ]
    for operation in operations:
        counter.update_one({"_id": project.id}, {"$set": {"next_lsn": 3}})
        with Argon(argon.uri, database=argon.database) as other:  # one that has no LSNs in store
            operation(other)
    lsns = [entry.lsn for name in ("main", "feature") for entry in project.branch(name).log()]
    assert len(set(lsns)) >= 26
    audit(argon)


def _users(argon: Argon, branch: str) -> Any:
    return WALDatabase(argon.project("shop").branch(branch)).collection("users")
