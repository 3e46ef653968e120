"""Random work on three branches: rows, replay and rebuilt rows say the same at every moment."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from argon import Argon, Branch, Materializer, Project, WALDatabase

Seen = Callable[..., dict[Hashable, bytes]]
Step = tuple[str, int, str, int, int]

NAMES = ("a", "b")
OPERATIONS = (
    "insert",
    "insert",
    "update",
    "update",
    "replace",
    "delete",
    "update many",
    "delete many",
    "group",
    "rename",
    "drop",
    "branch",
    "branch at",
)

steps = st.lists(
    st.tuples(
        st.sampled_from(OPERATIONS),
        st.integers(0, 2),
        st.sampled_from(NAMES),
        st.integers(0, 5),
        st.integers(0, 9),
    ),
    min_size=5,
    max_size=40,
)


@pytest.fixture(scope="module")
def shared(mongod_uri: str, client: MongoClient[Any]) -> Iterator[Argon]:
    name = f"materializer_{uuid.uuid4().hex[:12]}"
    with Argon(mongod_uri, database=name) as argon:
        yield argon
    client.drop_database(name)


def take(project: Project, branches: list[Branch], step: Step) -> None:
    """Do one step; what the server refuses is no work."""
    operation, place, name, number, value = step
    branch = branches[place % len(branches)]
    database = WALDatabase(branch)
    collection: Any = database[name]
    if operation.startswith("branch"):
        at = branch.log()[:value][-1].lsn if operation == "branch at" and value else None
        made = project.create_branch(f"branch-{len(branches)}-{uuid.uuid4().hex[:6]}", parent=branch, at=at)
        branches[1:] = [*branches[1:], made][-2:]
        return
    try:
        if operation == "insert":
            collection.insert_one({"_id": number, "n": value})
        elif operation == "update":
            collection.update_one({"_id": number}, {"$set": {"n": value}, "$inc": {"times": 1}})
        elif operation == "replace":
            collection.replace_one({"_id": number}, {"z": value, "a": [number]}, upsert=value > 5)
        elif operation == "delete":
            collection.delete_one({"_id": number})
        elif operation == "update many":
            collection.update_many({"_id": {"$gt": number}}, {"$inc": {"n": value}})
        elif operation == "delete many":
            collection.delete_many({"n": {"$gt": value}})
        elif operation == "rename":
            collection.rename(NAMES[1 - NAMES.index(name)], dropTarget=value > 4)
        elif operation == "drop":
            collection.drop()
        else:
            with database.commit(message="group") as group:
                group[name].update_many({}, {"$inc": {"n": 1}})
                group[name].delete_one({"_id": number})
                if value > 7:
                    group[name].rename(NAMES[1 - NAMES.index(name)])
                group[name].insert_one({"_id": number, "grouped": value})
    except OperationFailure as error:
        note(f"{step} was refused: {error}")


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(work=steps, choice=st.randoms(use_true_random=False))
def test_rows_and_replay_agree(shared: Argon, seen: Seen, work: list[Step], choice: Any) -> None:
    project = shared.create_project(f"p{uuid.uuid4().hex[:12]}")
    branches = [project.branch("main")]
    for step in work:
        take(project, branches, step)
    materializer = Materializer(shared)
    views: dict[tuple[Branch, str, int], dict[Hashable, bytes]] = {}
    for branch in project.branches():
        moments = [entry.lsn for entry in branch.log() if entry.collection]
        moments = [*choice.sample(moments, min(4, len(moments))), branch.head_lsn]
        for name in NAMES:
            for lsn in moments:
                views[branch, name, lsn] = seen(branch, name, lsn)
                state = materializer.replay(branch, name, lsn)
                assert {key: document.raw for key, document in state.items()} == views[branch, name, lsn]
            assert seen(branch, name) == views[branch, name, branch.head_lsn]
    assert project.verify().problems == []
    project.rebuild()
    assert project.verify().problems == []
    for (branch, name, lsn), before in views.items():
        assert seen(branch, name, lsn) == before
    shared.delete_project(project.name)
