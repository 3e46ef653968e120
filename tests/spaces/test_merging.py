"""Forks, differences and merges carry all spaces of a branch, and keep them apart."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.errors import DuplicateKeyError

from argon import Branch, Project, WALDatabase
from argon.errors import MergeConflict
from argon.merging.plan import MergePlan
from argon.merging.results import MergeInfo

DB = WALDatabase[dict[str, Any]]
State = dict[tuple[str, str], dict[Any, Any]]


@pytest.fixture
def theirs(project: Project, main: Branch, db: DB) -> DB:
    """A fork of a main with users in two spaces."""
    for space in ("default", "a"):
        db.space(space).users.insert_many([{"_id": number, "n": 0, "m": space} for number in range(3)])
    assert main.fork("feature").spaces == ["default", "a"]
    return WALDatabase(project.branch("feature"))


def state(db: DB) -> State:
    """All documents of a branch, by space and collection."""
    return {
        (space, name): {document["_id"]: document for document in db.space(space)[name].find()}
        for space in db.list_spaces()
        for name in db.space(space).list_collection_names()
    }


def merged(branch: Branch, *arguments: Any, **options: Any) -> MergeInfo:
    info = branch.merge(*arguments, **options)
    assert isinstance(info, MergeInfo)
    return info


def sound(project: Project) -> bool:
    project.rebuild()
    return project.verify().ok


def test_differences_are_told_by_space(project: Project, main: Branch, db: DB, theirs: DB) -> None:
    base = main.head_lsn
    theirs.users.update_one({"_id": 0}, {"$set": {"n": 1}})
    theirs.space("a").users.delete_one({"_id": 0})
    theirs.space("b").users.insert_one({"_id": 7})
    db.space("c").pages.insert_one({"_id": 8})
    result = project.diff("main", "feature")
    counts = {diff.space: (len(diff.added), len(diff.removed), len(diff.modified)) for diff in result.spaces}
    assert counts == {"default": (0, 0, 1), "a": (0, 1, 0), "b": (1, 0, 0), "c": (0, 1, 0)}
    assert (result.summary.spaces_only_in_a, result.summary.spaces_only_in_b) == (["c"], ["b"])
    assert result.summary.collections_only_in_b == [("b", "users")]
    [only] = project.diff("main", "feature", space="a").spaces
    assert (only.space, [entry.id for entry in only.removed]) == ("a", [0])
    assert [diff.space for diff in project.diff(f"main@{base}", "main").spaces] == ["c"]
    named = project.diff("main", "feature", collection="users")
    assert [diff.space for diff in named.spaces] == ["default", "a", "b"]


def test_a_merge_brings_every_space_in_one_commit(project: Project, main: Branch, db: DB, theirs: DB) -> None:
    db.users.update_one({"_id": 0}, {"$set": {"m": "ours"}})
    db.space("a").users.update_one({"_id": 0}, {"$set": {"m": "ours in a"}})
    for space, number in (("default", 1), ("a", 2)):
        theirs.space(space).users.update_one({"_id": 0}, {"$set": {"n": number}})
    theirs.space("a").users.delete_one({"_id": 1})
    theirs.space("b").users.insert_one({"_id": "new"})
    theirs.space("b").users.create_index("n")
    expected = state(theirs)
    expected["default", "users"][0] = {"_id": 0, "n": 1, "m": "ours"}
    expected["a", "users"][0] = {"_id": 0, "n": 2, "m": "ours in a"}
    plan = main.merge("feature", preview=True)
    assert isinstance(plan, MergePlan)
    before = main.head_lsn
    info = merged(main, MergePlan.from_document(plan.as_document()))
    assert (info.spaces_merged, info.documents_applied, info.documents_deleted) == (3, 3, 1)
    assert {entry.commit for entry in main.log(after=before)} == {info.lsn}
    assert state(db) == expected
    assert "n_1" in db.space("b").users.index_information()
    assert not project.diff("main", "feature", space="b").spaces
    assert sound(project)


def test_conflicts_name_their_space_and_are_settled_by_it(main: Branch, db: DB, theirs: DB) -> None:
    for side, value in ((db, "ours"), (theirs, "theirs")):
        for space in ("default", "a"):
            side.space(space).users.update_one({"_id": 0}, {"$set": {"n": value}})
    before = main.head_lsn
    with pytest.raises(MergeConflict) as caught:
        main.merge("feature")
    found = [(each.space, each.collection, each.id, each.path) for each in caught.value.conflicts]
    assert sorted(found) == [("a", "users", 0, "n"), ("default", "users", 0, "n")]
    assert main.head_lsn == before
    merged(main, "feature", strategy={"a/users": "theirs", "users": "ours"})
    assert [db.space(space).users.find_one({"_id": 0})["n"] for space in ("default", "a")] == [  # type: ignore[index]
        "ours",
        "theirs",
    ]


def test_a_deleted_space_is_deleted_by_a_merge(project: Project, main: Branch, db: DB, theirs: DB) -> None:
    theirs.space("a").notes.insert_one({"_id": 1})
    theirs.delete_space("a", force=True)
    merged(main, "feature")
    assert db.list_spaces() == theirs.list_spaces() == ["default"]
    assert len(state(db)["default", "users"]) == 3
    assert sound(project)


def test_a_deleted_space_that_the_other_side_changed_is_a_conflict(main: Branch, db: DB, theirs: DB) -> None:
    theirs.delete_space("a", force=True)
    db.space("a").users.update_one({"_id": 0}, {"$set": {"n": 1}})
    with pytest.raises(MergeConflict) as caught:
        main.merge("feature")
    assert {(each.space, each.path) for each in caught.value.conflicts} == {("a", "collection")}
    merged(main, "feature", strategy="ours")
    assert db.space("a").users.count_documents({}) == 3


def test_a_deletion_kept_back_keeps_the_space(main: Branch, db: DB, theirs: DB) -> None:
    theirs.delete_space("a", force=True)
    merged(main, "feature", propagate_deletes=False)
    assert db.list_spaces() == ["default", "a"]


def test_what_both_sides_made_in_a_space_becomes_one(
    project: Project, main: Branch, db: DB, theirs: DB
) -> None:
    for side, number in ((db, 1), (theirs, 2)):
        side.space("b").pages.insert_one({"_id": number})
        side.space("c").pages.insert_one({"_id": -number})
        side.pages.insert_one({"_id": 10 * number})
    merged(main, "feature")
    pages = {space: sorted(found) for (space, name), found in state(db).items() if name == "pages"}
    assert pages == {"default": [10, 20], "b": [1, 2], "c": [-2, -1]}
    merged(project.branch("feature"), "main")
    assert state(theirs) == state(db)
    assert sound(project)


def test_a_rename_in_one_space_collides_only_there(main: Branch, db: DB, theirs: DB) -> None:
    theirs.space("a").users.rename("people")
    db.people.insert_one({"_id": "other space"})
    merged(main, "feature")
    assert sorted(state(db)) == [("a", "people"), ("default", "people"), ("default", "users")]
    theirs.space("a").people.rename("folk")
    db.space("a").folk.insert_one({"_id": "same space"})
    with pytest.raises(MergeConflict) as caught:
        main.merge("feature", strategy="theirs")
    assert {(each.space, each.path) for each in caught.value.conflicts} == {("a", "name")}


def test_unique_indexes_hold_in_their_space(main: Branch, db: DB, theirs: DB) -> None:
    db.space("a").users.create_index("key", unique=True, sparse=True)
    for space in ("default", "a"):
        db.space(space).users.insert_one({"_id": "x", "key": 1})
    theirs.users.insert_one({"_id": "y", "key": 1})
    merged(main, "feature")
    theirs.space("a").users.insert_one({"_id": "y", "key": 1})
    with pytest.raises(DuplicateKeyError):
        main.merge("feature")


def test_a_restored_branch_has_the_spaces_of_its_moment(project: Project, main: Branch, db: DB) -> None:
    db.space("a").users.insert_one({"_id": 1})
    then = main.head_lsn
    db.space("b").users.insert_one({"_id": 2})
    db.delete_space("a", force=True)
    restored: DB = WALDatabase(main.restore(lsn=then))
    assert (restored.list_spaces(), db.list_spaces()) == (["default", "a"], ["default", "b"])
    project.create_tag("then", at=then)
    assert state(db.at(tag="then")) == state(restored) == {("a", "users"): {1: {"_id": 1}}}
