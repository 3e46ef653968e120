"""A diff tells exactly what two plain copies of the states differ in."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Decimal128, Int64
from pymongo.collection import Collection

from argon import Branch, Project, WALDatabase
from argon.errors import BranchExists, BranchNotFound, PointNotFound
from argon.merging.results import MISSING, BranchDiffResult, DiffEntry, FieldChange, SchemaChange

Users = Collection[dict[str, Any]]


def told(result: BranchDiffResult) -> dict[Any, tuple[Any, Any]]:
    """What a diff says of documents, by collection and id."""
    return {
        (change.collection, change.id): (change.value_a, change.value_b)
        for change in result
        if isinstance(change, DiffEntry)
    }


def test_a_fork_costs_nothing_and_leaves_the_source_alone(
    project: Project, main: Branch, users: Users
) -> None:
    users.insert_many([{"_id": number} for number in range(3)])
    head = main.head_lsn
    info = main.fork("feature")
    assert (info.source, info.destination, info.lsn, info.spaces) == ("main", "feature", head, ["default"])
    assert main.head_lsn == head
    assert not project.diff("main", "feature")
    with pytest.raises(BranchExists):
        project.fork("main", "feature")
    with pytest.raises(BranchNotFound):
        project.fork("nowhere", "other")


def test_added_removed_and_modified_with_their_fields(project: Project, main: Branch, users: Users) -> None:
    users.insert_many([{"_id": 1, "a": {"b": 1, "c": [1]}}, {"_id": 2}, {"_id": 3}])
    main.fork("feature")
    theirs = WALDatabase(project.branch("feature")).users
    theirs.update_one({"_id": 1}, {"$set": {"a.b": 2, "a.c": [1, 2], "d": None}})
    theirs.delete_one({"_id": 2})
    theirs.insert_one({"_id": 4})
    users.insert_one({"_id": 5})
    result = project.diff("main", "feature")
    [space] = result.spaces
    assert [entry.id for entry in space.added] == [4]
    assert sorted(entry.id for entry in space.removed) == [2, 5]
    [modified] = space.modified
    assert modified.fields == [
        FieldChange("a.b", 1, 2),
        FieldChange("a.c", [1], [1, 2]),
        FieldChange("d", MISSING, None),
    ]
    summary = result.summary
    assert (summary.total_added, summary.total_removed, summary.total_modified) == (1, 2, 1)
    assert told(main.diff("feature")) == told(result)
    back = project.diff("feature", "main").summary
    assert (back.total_added, back.total_removed, back.total_modified) == (2, 1, 1)


@pytest.mark.parametrize(
    ("before", "after", "fields"),
    [
        ({"n": 1}, {"n": 1.0}, [FieldChange("n", 1, 1.0)]),
        ({"n": 1}, {"n": Int64(1)}, [FieldChange("n", 1, Int64(1))]),
        ({"n": Decimal128("1.0")}, {"n": Decimal128("1.00")}, None),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, None),
        ({"d": {"a": 1, "b": 2}}, {"d": {"b": 2, "a": 1}}, None),
        ({"n": None}, {}, [FieldChange("n", None, MISSING)]),
        ({"d": {}}, {"d": []}, [FieldChange("d", {}, [])]),
    ],
)
def test_values_are_compared_exactly(
    main: Branch,
    users: Users,
    before: dict[str, Any],
    after: dict[str, Any],
    fields: list[FieldChange] | None,
) -> None:
    users.insert_one({"_id": 1, **before})
    point = main.head_lsn
    users.replace_one({"_id": 1}, {"_id": 1, **after})
    [entry] = main.diff(point)
    assert isinstance(entry, DiffEntry)
    assert entry.value_b is not None
    assert entry.kind == "modified"
    if fields is not None:
        assert entry.fields == [FieldChange(each.path, each.value_b, each.value_a) for each in fields]
        kinds = [(type(each.value_a), type(each.value_b)) for each in entry.fields]
        assert kinds == [(type(each.value_b), type(each.value_a)) for each in fields]


def test_points_of_one_branch(project: Project, main: Branch, users: Users) -> None:
    users.insert_one({"_id": 1, "n": 0})
    first = main.head_lsn
    users.update_one({"_id": 1}, {"$inc": {"n": 1}})
    users.insert_one({"_id": 2})
    second = main.head_lsn
    users.update_one({"_id": 1}, {"$inc": {"n": -1}})
    result = project.diff(f"main@{first}", f"main@{second}")
    assert (result.branch_a, result.branch_b) == (f"main@{first}", f"main@{second}")
    expected = {("users", 1): ({"_id": 1, "n": 0}, {"_id": 1, "n": 1}), ("users", 2): (None, {"_id": 2})}
    assert told(result) == expected
    # What was done and undone again is no difference.
    assert told(project.diff(first, "main")) == {("users", 2): (None, {"_id": 2})}
    project.create_tag("v1", at=f"main@{first}")
    assert (
        told(project.diff("v1", "main"))
        == told(project.diff("main@v1", "main"))
        == {("users", 2): (None, {"_id": 2})}
    )
    with pytest.raises(PointNotFound):
        project.diff("main", f"main@{second + 1000}")


def test_points_that_a_branch_has_inherited(project: Project, main: Branch, users: Users) -> None:
    users.insert_one({"_id": 1, "n": 0})
    first = main.head_lsn
    users.update_one({"_id": 1}, {"$set": {"n": 1}})
    second = main.head_lsn
    main.fork("feature")
    WALDatabase(project.branch("feature")).users.insert_one({"_id": 2})
    updated = {("users", 1): ({"_id": 1, "n": 0}, {"_id": 1, "n": 1})}
    assert told(project.diff(f"feature@{first}", f"feature@{second}")) == updated
    assert told(project.diff(f"feature@{first}", "main")) == updated
    assert told(project.diff(f"feature@{first}", "feature")) == {**updated, ("users", 2): (None, {"_id": 2})}


def test_what_follows_the_record_of_a_branch_s_creation(project: Project, main: Branch, users: Users) -> None:
    users.insert_one({"_id": 1, "n": 1})
    feature = project.create_branch("feature")
    WALDatabase(feature).users.update_one({"_id": 1}, {"$set": {"n": 2}})
    created = f"feature@{feature.record.created_lsn}"
    assert created != f"feature@{feature.base_lsn}"
    expected = {("users", 1): ({"_id": 1, "n": 1}, {"_id": 1, "n": 2})}
    assert told(project.diff(created, "feature")) == expected
    main.merge(created)
    main.merge("feature")
    assert users.find_one() == {"_id": 1, "n": 2}


def test_filters_look_at_either_value(project: Project, main: Branch, db: WALDatabase[Any]) -> None:
    db.users.insert_many([{"_id": 1, "age": 1}, {"_id": 2, "age": 2}, {"_id": 3, "age": 3}])
    db.other.insert_one({"_id": 1})
    main.fork("feature")
    theirs = WALDatabase(project.branch("feature"))
    theirs.users.update_many({}, {"$inc": {"age": 10}})
    theirs.other.delete_one({})
    theirs.users.create_index("age")
    found = project.diff("main", "feature", filter={"$expr": {"$in": ["$age", [2, 13]]}})
    assert sorted(told(found)) == [("users", 2), ("users", 3)]
    assert all(isinstance(change, DiffEntry) for change in found)
    assert set(told(project.diff("main", "feature", collection="other"))) == {("other", 1)}
    assert not project.diff("main", "feature", space="nowhere")


def test_definitions_of_collections(project: Project, main: Branch, db: WALDatabase[Any]) -> None:
    db.create_collection("rules", validator={"n": {"$gt": 1}})
    db.gone.insert_one({"_id": 1})
    db.users.create_index("a", name="one")
    main.fork("feature")
    theirs = WALDatabase(project.branch("feature"))
    theirs.command("collMod", "rules", validator={"n": {"$gt": 2}})
    theirs.drop_collection("gone")
    theirs.new.insert_one({"_id": 1})
    theirs.users.create_index([("b", -1)], name="two", unique=True)
    result = project.diff("main", "feature")
    changes = {
        (change.collection, change.path): (change.value_a, change.value_b)
        for change in result
        if isinstance(change, SchemaChange)
    }
    assert changes.keys() == {
        ("rules", "validator"), ("gone", "collection"), ("new", "collection"), ("users", "indexes.two")
    }  # fmt: skip
    assert changes["rules", "validator"] == ({"n": {"$gt": 1}}, {"n": {"$gt": 2}})
    assert changes["users", "indexes.two"][0] is MISSING
    assert changes["users", "indexes.two"][1]["unique"] is True
    assert result.summary.collections_only_in_a == [("default", "gone")]
    assert result.summary.collections_only_in_b == [("default", "new")]
    assert told(result) == {("gone", 1): ({"_id": 1}, None), ("new", 1): (None, {"_id": 1})}


def test_collections_that_were_renamed_swapped_or_made_anew(
    project: Project, main: Branch, db: WALDatabase[Any]
) -> None:
    db.left.insert_many([{"_id": 1}, {"_id": 2}])
    db.right.insert_one({"_id": 2, "n": 1})
    db.again.insert_many([{"_id": 1}, {"_id": 2}])
    main.fork("feature")
    theirs = WALDatabase(project.branch("feature"))
    theirs.left.rename("middle")
    theirs.right.rename("left")
    theirs.middle.rename("right")
    theirs.left.insert_one({"_id": 9})
    theirs.again.drop()
    theirs.again.insert_one({"_id": 2})
    assert told(project.diff("main", "feature")) == {
        ("left", 1): ({"_id": 1}, None),
        ("left", 2): ({"_id": 2}, {"_id": 2, "n": 1}),
        ("left", 9): (None, {"_id": 9}),
        ("right", 1): (None, {"_id": 1}),
        ("right", 2): ({"_id": 2, "n": 1}, {"_id": 2}),
        ("again", 1): ({"_id": 1}, None),
    }


def test_cousins_meet_where_their_lines_parted(project: Project, main: Branch, users: Users) -> None:
    users.insert_one({"_id": "shared"})
    main.fork("left")
    WALDatabase(project.branch("left")).users.insert_one({"_id": "left"})
    project.fork("left", "leaf")
    WALDatabase(project.branch("leaf")).users.insert_one({"_id": "leaf"})
    users.insert_one({"_id": "main"})
    main.fork("right")
    WALDatabase(project.branch("right")).users.update_one({"_id": "shared"}, {"$set": {"n": 1}})
    assert told(project.diff("leaf", "right")) == {
        ("users", "left"): ({"_id": "left"}, None),
        ("users", "leaf"): ({"_id": "leaf"}, None),
        ("users", "main"): (None, {"_id": "main"}),
        ("users", "shared"): ({"_id": "shared"}, {"_id": "shared", "n": 1}),
    }


def test_ids_of_every_kind(project: Project, main: Branch, users: Users) -> None:
    main.fork("feature")
    ids = [1, "1", None, {"a": 1}, {"a": 1.5}, 2.5, True]
    users.insert_many([{"_id": identity} for identity in ids])
    found = [change.id for change in project.iter_diff("feature", "main") if isinstance(change, DiffEntry)]
    assert found == ids
