"""Of things of one name there is one: one creator wins, the others are told, nothing is left over."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.races.conftest import Spawn
from tests.races.processes import run_together

if TYPE_CHECKING:
    from argon import Argon, Project, WALDatabase


def test_creations_at_the_same_time_have_one_winner(
    argon: Argon, project: Project, db: WALDatabase[Any], spawn: Spawn
) -> None:
    rounds = 5
    done = run_together([spawn("creations", name=f"p{n}", threads=2, rounds=rounds) for n in range(4)])
    made = Counter(event["made"] for events in done for event in events if "made" in event)
    names = [f"{kind}{turn}" for kind in ("project", "branch", "collection") for turn in range(rounds)]
    assert made == Counter(names)

    assert Counter(one.name for one in argon.projects()) == Counter(
        ["shop", *(f"project{turn}" for turn in range(rounds))]
    )
    assert Counter(one.name for one in project.branches()) == Counter(
        ["main", *(f"branch{turn}" for turn in range(rounds))]
    )
    assert Counter(db.list_collection_names()) == Counter(
        f"{kind}{turn}" for kind in ("collection", "implicit") for turn in range(rounds)
    )
    for turn in range(rounds):
        inserted = {e["inserted"] for events in done for e in events if e.get("into") == f"implicit{turn}"}
        assert len(inserted) == 8
        assert {one["_id"] for one in db.collection(f"implicit{turn}").find()} == inserted


def test_the_log_tells_of_each_creation_once(db: WALDatabase[Any], project: Project, spawn: Spawn) -> None:
    run_together([spawn("creations", name=f"p{n}", threads=2, rounds=2) for n in range(3)])
    created = Counter(
        entry.collection for entry in project.branch("main").log() if entry.operation == "create_collection"
    )
    assert created == Counter(["collection0", "collection1", "implicit0", "implicit1"])
