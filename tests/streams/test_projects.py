"""A client's stream: the default branches of all projects."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from argon import Argon, Project, WALDatabase

from .history import rest, take

QUICK = {"max_await_time_ms": 1}


@pytest.fixture
def everything(argon: Argon) -> Iterator[Any]:
    """A client."""
    yield argon.client()


def _told(events: list[dict[str, Any]]) -> list[tuple[str, str, Any]]:
    return [
        (event["operationType"], event["ns"]["db"], event.get("documentKey", {}).get("_id"))
        for event in events
    ]


def test_it_watches_main_of_every_project_old_and_new(
    argon: Argon, everything: Any, project: Project, db: WALDatabase[Any]
) -> None:
    feature = WALDatabase(project.create_branch("feature"))
    db.users.insert_one({"_id": 0})
    with everything.watch() as stream:
        db.users.insert_one({"_id": 1})
        feature.users.insert_one({"_id": "not main"})
        WALDatabase(argon.create_project("new").branch()).users.insert_one({"_id": 2})
        everything["made"].users.insert_one({"_id": 3})
        argon.delete_project("new")
        events = take(stream, 5)
        assert stream.alive
    assert sorted(_told(events), key=str) == sorted(
        [
            ("insert", "shop", 1),
            ("insert", "new", 2),
            ("insert", "made", 3),
            ("drop", "new", None),
            ("dropDatabase", "new", None),
        ],
        key=str,
    )


def test_each_project_is_told_in_order_and_once_from_every_place(argon: Argon, everything: Any) -> None:
    names = ["one", "two", "three"]
    databases = [everything[name] for name in names[:2]]
    for database in databases:
        database.users.insert_one({"_id": -1})
    with everything.watch() as stream:
        start = stream.resume_token
        for number in range(4):
            for database in databases:
                database.users.insert_many([{"_id": 2 * number}, {"_id": 2 * number + 1}])
        everything["three"].users.insert_one({"_id": 0})
        events = take(stream, 17)
    argon.delete_project("two")
    ends = [("drop", "two", None), ("dropDatabase", "two", None)]
    expected = {
        "one": [("insert", "one", number) for number in range(8)],
        "two": [("insert", "two", number) for number in range(8)] + ends,
        "three": [("insert", "three", 0)],
    }
    for place, token in enumerate([start, *(event["_id"] for event in events)]):
        with everything.watch(resume_after=token, **QUICK) as stream:
            told = _told(events[:place]) + _told(rest(stream))
        for name in names:
            assert [event for event in told if event[1] == name] == expected[name]


def test_it_follows_the_default_branch(argon: Argon, everything: Any, project: Project, db: Any) -> None:
    db.users.insert_one({"_id": 0})
    project.create_branch("next")
    with everything.watch(**QUICK) as before:
        db.users.insert_one({"_id": 1})
        assert _told(take(before, 1)) == [("insert", "shop", 1)]
        project.set_default_branch("next")
        users = everything["shop"].users
        with everything.watch(**QUICK) as stream:
            users.insert_one({"_id": 2})
            everything["shop@main"].users.insert_one({"_id": "on main"})
            users.insert_one({"_id": 3})
            everything["other"].users.insert_one({"_id": 4})
            told = take(stream, 3)
        new = [("insert", "other", 4), ("insert", "shop", 2), ("insert", "shop", 3)]
        assert sorted(_told(told), key=str) == new
        # A stream keeps to the branches that it began with.
        assert set(_told(take(before, 2))) == {("insert", "shop", "on main"), ("insert", "other", 4)}
    [second] = [event["_id"] for event in told if event["documentKey"]["_id"] == 2]
    project.set_default_branch("main")
    with everything.watch(resume_after=second, **QUICK) as stream:
        assert [each for each in _told(rest(stream)) if each[1] == "shop"] == [("insert", "shop", 3)]
    argon.delete_project("shop")
    with everything.watch(resume_after=second, **QUICK) as stream:
        ends = [each for each in _told(rest(stream)) if each[1] == "shop"][-2:]
    assert ends == [("drop", "shop", None), ("dropDatabase", "shop", None)]


def test_a_resumed_stream_goes_over_to_the_default_branch_where_that_left(
    everything: Any, project: Project, db: Any
) -> None:
    with everything.watch() as stream:
        db.users.insert_many([{"_id": 1}, {"_id": 2}])
        token = take(stream, 1)[0]["_id"]
    project.create_branch("next")
    project.set_default_branch("next")
    everything["shop"].users.insert_one({"_id": 3})
    db.users.insert_one({"_id": "on main"})
    with everything.watch(resume_after=token, **QUICK) as stream:
        assert _told(rest(stream)) == [("insert", "shop", 2), ("insert", "shop", 3)]


def test_large_commits_move_a_default_branch(
    everything: Any, project: Project, db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("argon.merging.outcome.LARGE_CHANGES", 2)
    db.users.insert_one({"_id": 0})
    project.create_branch("next")
    project.set_default_branch("next")
    project.create_branch("feature", parent="next")
    WALDatabase(project.branch("feature")).users.insert_many([{"_id": number} for number in range(1, 5)])
    with everything.watch() as stream:
        project.branch("next").merge("feature")
        everything["shop"].users.insert_one({"_id": 5})
        events = take(stream, 5)
    assert _told(events) == [("insert", "shop", number) for number in range(1, 6)]
    with everything.watch(resume_after=events[1]["_id"], **QUICK) as stream:
        assert _told(rest(stream)) == [("insert", "shop", number) for number in range(3, 6)]


def test_a_branchs_token_is_none_of_a_clients(everything: Any, db: WALDatabase[Any]) -> None:
    with db.watch() as stream:
        token = stream.resume_token
    with pytest.raises(OperationFailure, match="is of a stream on one branch") as caught:
        everything.watch(resume_after=token)
    assert caught.value.code == 280


def test_a_clients_token_serves_on_one_of_its_projects(everything: Any, db: WALDatabase[Any]) -> None:
    everything["other"].users.insert_one({"_id": 0})
    with everything.watch() as stream:
        db.users.insert_one({"_id": 1})
        token = stream.next()["_id"]
    db.users.insert_one({"_id": 2})
    with db.users.watch(resume_after=token, **QUICK) as stream:
        assert _told(rest(stream)) == [("insert", "shop", 2)]


def test_a_project_that_came_and_went_meanwhile_is_told_of(argon: Argon, everything: Any) -> None:
    with everything.watch(**QUICK) as stream:
        token = stream.resume_token
    everything["short"].users.insert_one({"_id": 1})
    argon.delete_project("short")
    expected = [("insert", "short", 1), ("drop", "short", None), ("dropDatabase", "short", None)]
    with everything.watch(resume_after=token, **QUICK) as stream:
        assert _told(take(stream, 3)) == expected
        token = stream.resume_token
    everything["long"].users.insert_one({"_id": 2})
    with everything.watch(resume_after=token, **QUICK) as stream:
        assert _told(rest(stream)) == [("insert", "long", 2)]
    with everything.watch(**QUICK) as stream:
        assert stream.try_next() is None


@pytest.mark.parametrize("batch_size", [None, 1, 7])
def test_commits_of_many_projects_are_told_in_their_order(
    argon: Argon, everything: Any, batch_size: int | None
) -> None:
    for name in "abc":
        everything[name].users.insert_one({"_id": -1})
    with everything.watch(batch_size=batch_size) as behind, everything.watch(batch_size=batch_size) as live:
        live.try_next()
        for number in range(60):
            name = "abcdabbd"[number % 8] if number % 20 else f"new{number}"
            everything[name].users.insert_one({"_id": number})
        told = [event["documentKey"]["_id"] for event in take(live, 60)]
        assert told == list(range(60))
        events = take(behind, 60)
        assert [event["documentKey"]["_id"] for event in events] == told
    for number in (0, 17, 41):
        with everything.watch(resume_after=events[number]["_id"], batch_size=batch_size) as resumed:
            rest_of_it = [event["documentKey"]["_id"] for event in take(resumed, 59 - number)]
            assert rest_of_it == told[number + 1 :]


def test_commits_of_many_writers_are_told_once_and_none_is_left_out(argon: Argon, everything: Any) -> None:
    names, each = "abcd", 30

    def write(name: str) -> None:
        for number in range(each):
            everything[name].users.insert_one({"_id": number})

    with everything.watch() as stream:
        threads = [threading.Thread(target=write, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        events = take(stream, each * len(names))
        for thread in threads:
            thread.join()
        assert stream.try_next() is None
    for name in names:
        told = [event["documentKey"]["_id"] for event in events if event["ns"]["db"] == name]
        assert told == list(range(each))
