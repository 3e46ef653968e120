"""What two sides did since they last met; the conflicts are those that a merge meets."""

from __future__ import annotations

import random
from typing import Any

import pytest

from argon import Branch, Project, WALDatabase
from argon.errors import MergeConflict, PointNotFound
from argon.merging.results import MISSING
from argon.merging.three_way import Side, ThreeWayDiff, ThreeWayEntry, ThreeWaySchema


@pytest.fixture
def feature(main: Branch, db: WALDatabase) -> WALDatabase:
    """The database of a branch that was made of main with some documents in it."""
    db.users.insert_many([{"_id": key, "a": 0, "b": 0, "at": {"x": 0, "y": 0}} for key in range(10)])
    main.fork("feature")
    return WALDatabase(main.project.branch("feature"))


def entries(diff: ThreeWayDiff) -> dict[Any, ThreeWayEntry]:
    return {change.id: change for change in diff if isinstance(change, ThreeWayEntry)}


def schema(diff: ThreeWayDiff) -> dict[tuple[str, str], ThreeWaySchema]:
    return {(each.collection, each.path): each for each in diff if isinstance(each, ThreeWaySchema)}


def sides(entry: ThreeWayEntry) -> dict[str, str]:
    return {field.path: str(field.side) for field in entry.fields}


def test_every_row_of_the_table(project: Project, db: WALDatabase, feature: WALDatabase) -> None:
    cases: dict[int, tuple[Any, Any, str]] = {
        0: ({"$set": {"a": 1}}, None, "ours"),
        1: (None, {"$set": {"a": 1}}, "theirs"),
        2: ({"$set": {"a": 1}}, {"$set": {"a": 1}}, "both"),
        3: ({"$set": {"a": 1}}, {"$set": {"b": 1}}, "merged"),
        4: ({"$set": {"a": 1}}, {"$set": {"a": 2, "b": 1}}, "conflict"),
        5: ({"$set": {"at.x": 1}}, {"$set": {"at.y": 1}}, "merged"),
        6: ("delete", None, "ours"),
        7: ("delete", {"$set": {"a": 1}}, "conflict"),
        8: ("delete", "delete", "both"),
        10: ({"$set": {"a": 1}}, None, "ours"),
        11: ({"$set": {"a": 1}}, {"$set": {"a": 2}}, "conflict"),
    }
    for key, (mine, new, _) in cases.items():
        for where, step in ((db.users, mine), (feature.users, new)):
            if step == "delete":
                where.delete_one({"_id": key})
            elif step is not None:
                where.update_one({"_id": key}, step, upsert=True)
    diff = project.diff3("main", "feature")
    found = entries(diff)
    assert {key: str(entry.side) for key, entry in found.items()} == {
        key: case[2] for key, case in cases.items()
    }
    assert sides(found[3]) == {"a": "ours", "b": "theirs"}
    assert sides(found[4]) == {"a": "conflict", "b": "theirs"}
    assert sides(found[5]) == {"at.x": "ours", "at.y": "theirs"}
    assert (found[7].ours, found[7].base and found[7].base["a"], found[7].fields) == (None, 0, [])
    assert (found[10].base, found[10].theirs, found[10].ours) == (None, None, {"_id": 10, "a": 1})
    [field] = [field for field in found[4].fields if field.path == "a"]
    assert (field.base, field.ours, field.theirs) == (0, 1, 2)
    assert {change.id for change in diff.conflicts if isinstance(change, ThreeWayEntry)} == {4, 7, 11}
    assert diff.counts == {Side.OURS: 3, Side.THEIRS: 1, Side.BOTH: 2, Side.MERGED: 2, Side.CONFLICT: 3}
    assert list(project.iter_diff3("main", "feature")) == diff.changes
    with pytest.raises(MergeConflict) as caught:
        project.branch("main").merge("feature")
    assert {(each.id, each.path) for each in caught.value.conflicts} == {(4, "a"), (7, ""), (11, "")}


def test_conflicts_are_those_of_a_merge(
    project: Project, main: Branch, db: WALDatabase, feature: WALDatabase
) -> None:
    chance = random.Random(7)
    for where in (db.users, feature.users):
        for _ in range(25):
            key, path, number = (
                chance.randrange(12),
                chance.choice(["a", "b", "at", "at.x", "at.y"]),
                chance.randrange(3),
            )
            if chance.random() < 0.2:
                where.delete_one({"_id": key})
            elif path.startswith("at.") and not isinstance((where.find_one(key) or {}).get("at"), dict):
                where.replace_one({"_id": key}, {"at": {"x": number}}, upsert=True)
            else:
                where.update_one({"_id": key}, {"$set": {path: number}}, upsert=True)
    found = entries(project.diff3("main", "feature"))
    expected = {
        (key, field.path)
        for key, entry in found.items()
        for field in entry.fields
        if field.side is Side.CONFLICT
    } | {(key, "") for key, entry in found.items() if entry.side is Side.CONFLICT and not entry.fields}
    plan: Any = main.merge("feature", preview=True)
    assert expected
    assert {(each.id, each.path) for each in plan.conflicts} == expected
    brought = {change.id for change in plan.changes}
    assert brought == {key for key, entry in found.items() if entry.side is Side.THEIRS} | {
        key for key, entry in found.items() if any(field.side is Side.THEIRS for field in entry.fields)
    }


def test_the_base_moves_with_merges_and_can_be_given(
    project: Project, main: Branch, db: WALDatabase, feature: WALDatabase
) -> None:
    start = main.head_lsn
    feature.users.update_one({"_id": 1}, {"$set": {"a": 1}})
    main.merge("feature")
    feature.users.update_one({"_id": 2}, {"$set": {"a": 1}})
    db.users.update_one({"_id": 3}, {"$set": {"a": 1}})
    diff = project.diff3("main", "feature")
    assert {key: str(entry.side) for key, entry in entries(diff).items()} == {2: "theirs", 3: "ours"}
    from_start = project.diff3("main", "feature", base=f"main@{start}")
    assert from_start.base == f"main@{start}"
    assert {key: str(entry.side) for key, entry in entries(from_start).items()} == {
        1: "both",
        2: "theirs",
        3: "ours",
    }
    assert not project.diff3("main", "main")
    with pytest.raises(PointNotFound):
        project.diff3("main", "feature", base=10**9)


def test_collections_are_matched_as_a_merge_matches_them(
    project: Project, db: WALDatabase, feature: WALDatabase
) -> None:
    db.mine.insert_one({"_id": 1})
    feature.new.insert_one({"_id": 1})
    db.users.rename("people")
    feature.users.update_one({"_id": 1}, {"$set": {"a": 1}})
    diff = project.diff3("main", "feature")
    told = schema(diff)
    assert {key: str(each.side) for key, each in told.items()} == {
        ("mine", "collection"): "ours", ("new", "collection"): "theirs", ("people", "name"): "ours"
    }  # fmt: skip
    assert (told["people", "name"].base, told["people", "name"].ours) == ("users", "people")
    assert [(each.collection, str(each.side)) for each in diff if isinstance(each, ThreeWayEntry)] == [
        ("people", "theirs"), ("mine", "ours"), ("new", "theirs")
    ]  # fmt: skip


def test_definitions_and_dropped_collections(project: Project, db: WALDatabase, feature: WALDatabase) -> None:
    for name in ("quiet", "busy", "gone"):
        db[name].insert_one({"_id": 1})
    project.branch("feature").merge("main")
    db.users.create_index("a")
    feature.users.create_index("a", sparse=True)
    feature.users.create_index("b")
    for name in ("quiet", "busy", "gone"):
        feature.drop_collection(name)
    db.busy.update_one({"_id": 1}, {"$set": {"a": 1}})
    db.drop_collection("gone")
    told = schema(project.diff3("main", "feature"))
    assert {key: str(each.side) for key, each in told.items()} == {
        ("users", "indexes.a_1"): "conflict",
        ("users", "indexes.b_1"): "theirs",
        ("quiet", "collection"): "theirs",
        ("busy", "collection"): "conflict",
        ("gone", "collection"): "both",
    }
    assert told["quiet", "collection"].theirs is MISSING
    with pytest.raises(MergeConflict) as caught:
        project.branch("main").merge("feature")
    assert {(each.collection, each.path) for each in caught.value.conflicts} == {
        ("users", "indexes.a_1"), ("busy", "collection")
    }  # fmt: skip


def test_what_is_asked_for(project: Project, db: WALDatabase, feature: WALDatabase) -> None:
    for key in range(4):
        db.users.update_one({"_id": key}, {"$set": {"a": 1}})
    feature.users.update_one({"_id": 5}, {"$set": {"a": 2}})
    db.other.insert_one({"_id": 1})
    both = ("main", "feature")
    assert entries(project.diff3(*both, collection="other")).keys() == {1}
    assert entries(project.diff3(*both, filter={"a": 2})).keys() == {5}
    assert entries(project.diff3(*both, collection="users", ids=[2, 5, 7, 77])).keys() == {2, 5}
    assert not schema(project.diff3(*both, ids=[2]))
    assert not project.diff3(*both, space="elsewhere")
    assert [change.id for change in project.iter_diff(*both, collection="users", ids=[2, 7, 5])] == [2, 5]
    assert not schema(project.diff3(*both, filter={"a": 2}))
