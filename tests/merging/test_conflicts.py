"""Merges that are kept with their conflicts, resolved one by one, and finished."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Int64
from pymongo.errors import DuplicateKeyError, InvalidOperation

from argon import Branch, Project, WALDatabase
from argon.errors import MergeConflict, MergeNotFound, MergePending
from argon.merging.results import MISSING, MergeInfo
from argon.merging.strategy import Pick

Database = WALDatabase[dict[str, Any]]
TABLES = ("merges", "conflicts", "conflict_values", "merge_plans")


@pytest.fixture
def theirs(project: Project, main: Branch, db: Database) -> Database:
    """A branch named feature, which has conflicts with main in four documents and their fields."""
    db.users.insert_many([{"_id": number, "n": 0, "m": 0} for number in range(4)])
    main.fork("feature")
    theirs: Database = WALDatabase(project.branch("feature"))
    db.users.update_many({"_id": {"$lt": 2}}, {"$set": {"n": 1}})
    theirs.users.update_many({"_id": {"$lt": 2}}, {"$set": {"n": 2, "m": 2}})
    db.users.update_one({"_id": 0}, {"$set": {"m": 1}})
    db.users.delete_one({"_id": 2})
    theirs.users.update_one({"_id": 2}, {"$set": {"n": 2}})
    theirs.users.insert_one({"_id": 9})
    return theirs


def documents(database: Database, name: str = "users") -> dict[Any, dict[str, Any]]:
    return {document["_id"]: document for document in database[name].find()}


def kept(branch: Branch, source: str = "feature", **options: Any) -> MergeInfo:
    info = branch.merge(source, keep_conflicts=True, **options)
    assert isinstance(info, MergeInfo)
    return info


def left_over(branch: Branch) -> dict[str, int]:
    counts = {name: branch.engine.plain[name].count_documents({}) for name in TABLES}
    return {name: count for name, count in counts.items() if count}


def test_conflicts_are_kept_resolved_and_land_in_one_commit(
    project: Project, main: Branch, db: Database, theirs: Database
) -> None:
    head, before = main.head_lsn, documents(db)
    info = kept(main, message="bring it in", author="ann")
    assert (main.head_lsn, documents(db)) == (head, before)
    assert (info.lsn, len(info.conflicts), info.documents_applied) == (head, 4, 0)
    found = main.conflicts()
    assert [(each.number, each.id, each.path, each.state) for each in found] == [
        (1, 0, "n", "open"), (2, 0, "m", "open"), (3, 1, "n", "open"), (4, 2, "", "open")
    ]  # fmt: skip
    assert (found[0].base_value, found[0].source_value, found[0].target_value) == (0, 2, 1)
    assert found[3].target_value is MISSING

    with pytest.raises(MergeConflict, match=r"open conflicts, and nothing was written \(4\)") as caught:
        main.merge_continue()
    assert len(caught.value.conflicts) == 4
    assert main.resolve(1, "theirs") == 1
    assert main.resolve(found[1], value={"a.b": [1], "$c": None}) == 1
    assert main.resolve(document_id=1, path="n", delete=True) == 1
    with pytest.raises(MergeConflict) as caught:
        main.merge_continue()
    assert [each.id for each in caught.value.conflicts] == [2]
    assert [each.number for each in main.conflicts("open")] == [4]
    assert main.resolve(take="ours") == 1
    pending = main.pending_merge()
    assert pending is not None
    assert (pending.open, pending.resolved, pending.message) == (0, 4, "bring it in")
    assert main.head_lsn == head

    done = main.merge_continue()
    assert documents(db) == {
        0: {"_id": 0, "n": 2, "m": {"a.b": [1], "$c": None}},
        1: {"_id": 1, "m": 2},
        3: {"_id": 3, "n": 0, "m": 0},
        9: {"_id": 9},
    }
    [mark, *entries] = main.log(after=head)
    assert (str(mark.operation), mark.message, mark.author, mark.lsn) == (
        "merge", "bring it in", "ann", done.lsn
    )  # fmt: skip
    assert {entry.commit for entry in entries} == {done.lsn}
    assert main.pending_merge() is None
    assert left_over(main) == {}
    again = main.merge("feature")
    assert isinstance(again, MergeInfo)
    assert again.documents_applied == 0
    project.rebuild()
    assert project.verify().ok


def test_a_merge_without_conflicts_lands_at_once(main: Branch, db: Database, theirs: Database) -> None:
    info = kept(main, strategy="theirs")
    assert info.conflicts == []
    assert documents(db)[0]["n"] == 2
    assert main.pending_merge() is None


def test_a_resolution_can_be_changed_and_the_base_taken(main: Branch, db: Database, theirs: Database) -> None:
    kept(main)
    main.resolve([1, 2, 3, 4], "ours")
    main.resolve([1, 4], "base")
    found = {each.number: each.choice for each in main.conflicts("resolved")}
    assert found == {1: "base", 2: "ours", 3: "ours", 4: "base"}
    main.merge_continue()
    assert documents(db)[0] == {"_id": 0, "n": 0, "m": 1}
    assert documents(db)[2] == {"_id": 2, "n": 0, "m": 0}


def test_an_aborted_merge_leaves_nothing(main: Branch, db: Database, theirs: Database) -> None:
    before, head = documents(db), main.head_lsn
    kept(main)
    main.merge_abort()
    assert left_over(main) == {}
    assert (documents(db), main.head_lsn) == (before, head)
    for call in (main.merge_abort, main.merge_continue, main.conflicts, lambda: main.resolve(1, "ours")):
        with pytest.raises(MergeNotFound, match="no merge into 'main' is pending"):
            call()


def test_one_merge_waits_at_a_time_and_others_go_on(
    project: Project, main: Branch, db: Database, theirs: Database
) -> None:
    kept(main)
    with pytest.raises(MergePending, match="argon merge --abort"):
        kept(main)
    main.fork("other")
    WALDatabase(project.branch("other")).others.insert_one({"_id": 1})
    main.merge("other")
    assert documents(db, "others") == {1: {"_id": 1}}
    main.resolve(take="theirs")
    main.merge_continue()
    assert documents(db)[2] == {"_id": 2, "n": 2, "m": 0}


def test_what_the_target_changes_meanwhile_is_open_anew(main: Branch, db: Database, theirs: Database) -> None:
    kept(main)
    main.resolve(take="theirs")
    db.users.update_one({"_id": 0}, {"$set": {"n": 7}})  # another value than the one that was decided on
    db.users.update_one({"_id": 1}, {"$set": {"n": 0}})  # no conflict any more
    db.users.insert_one({"_id": 9, "ours": 1})  # a new one
    theirs.users.update_one({"_id": 3}, {"$set": {"n": 9}})  # after the merge began, so not in it
    with pytest.raises(MergeConflict, match="2 of them new since 'main' has moved") as caught:
        main.merge_continue()
    assert {(each.id, each.path) for each in caught.value.conflicts} == {(0, "n"), (9, "")}
    listed = {each.number: (each.id, each.path, each.state) for each in main.conflicts()}
    assert listed == {
        2: (0, "m", "resolved"), 4: (2, "", "resolved"), 5: (0, "n", "open"), 6: (9, "", "open")
    }  # fmt: skip
    with pytest.raises(MergeNotFound, match="no conflict 1 "):
        main.resolve(1, "ours")
    main.resolve(take="ours")
    main.merge_continue()
    assert documents(db)[0] == {"_id": 0, "n": 7, "m": 2}
    assert documents(db)[9] == {"_id": 9, "ours": 1}
    assert documents(db)[3]["n"] == 0
    merged = main.merge("feature")
    assert isinstance(merged, MergeInfo)
    assert documents(db)[3]["n"] == 9


def test_a_merge_that_was_done_otherwise_meanwhile_just_ends(
    main: Branch, db: Database, theirs: Database
) -> None:
    kept(main)
    main.merge("feature", "theirs")
    head = main.head_lsn
    assert main.merge_continue().lsn == head
    assert main.head_lsn == head
    assert left_over(main) == {}


def test_conflicts_are_found_by_what_they_are_about(main: Branch, db: Database, theirs: Database) -> None:
    db.users.insert_one({"_id": None, "n": 1})
    theirs.users.insert_one({"_id": None, "n": 2})
    for number, database in enumerate((db, theirs)):
        database.space("notes").users.insert_one({"_id": 1, "n": number})
    kept(main)
    assert [each.number for each in main.conflicts(path="n")] == [1, 3]
    assert [each.number for each in main.conflicts(path="")] == [4, 5, 6]
    assert [each.id for each in main.conflicts(document_id=None)] == [None]
    assert main.conflicts(collection="others") == []
    assert len(main.conflicts("open", collection="users", space="default")) == 5
    assert [(each.number, each.space, each.id) for each in main.conflicts(space="notes")] == [(6, "notes", 1)]
    assert main.resolve(take="theirs", space="notes") == 1
    with pytest.raises(MergeNotFound, match="no open conflict is like that"):
        main.resolve(take="ours", collection="others")
    with pytest.raises(InvalidOperation, match="no state"):
        main.conflicts("closed")


def test_what_cannot_be_chosen_resolves_nothing(main: Branch, theirs: Database) -> None:
    kept(main)
    wrong: list[tuple[Any, dict[str, Any], str]] = [
        (1, {}, "take=, value= or delete=True"),
        (1, {"take": "ours", "value": 3}, "take=, value= or delete=True"),
        (1, {"take": "mine"}, "one of ours, theirs, base"),
        (4, {"value": 3}, "a document cannot become 3"),
        (4, {"value": {"_id": 3}}, "cannot get the _id 3"),
        ([1, 2, 3, 4], {"value": 3}, "a document cannot become 3"),
    ]
    for number, options, words in wrong:
        with pytest.raises(InvalidOperation, match=words):
            main.resolve(number, **options)
    with pytest.raises(TypeError, match="is no conflict"):
        main.resolve("1", "ours")  # type: ignore[arg-type]
    assert len(main.conflicts("open")) == 4
    assert main.resolve(4, value={"n": 5}) == 1


def test_a_definition_takes_one_of_the_sides(main: Branch, db: Database, theirs: Database) -> None:
    main.merge("feature", "theirs")
    db.users.create_index("n", name="i")
    theirs.users.create_index("m", name="i")
    db.create_collection("rules", validator={"$or": [{"a.b": 1}]})
    theirs.create_collection("rules", validator={"a": {"$gt": 2}})
    db.create_collection("sorted", collation={"locale": "de"})
    theirs.create_collection("sorted", collation={"locale": "fr"})
    theirs.users.insert_one({"_id": 77})
    db.users.drop()
    db.users.create_index("k", name="i")
    kept(main)
    found = {(each.collection, each.path): each for each in main.conflicts()}
    assert {each.definition for each in found.values()} == {True}
    for each in found.values():
        with pytest.raises(InvalidOperation, match="cannot become of"):
            main.resolve(each, value=1)
    fixed = found["sorted", "collation"]
    with pytest.raises(InvalidOperation, match="choose ours"):
        main.resolve(fixed, "theirs")
    main.resolve(fixed, "ours")
    rules = found["rules", "validator"]
    assert rules.target_value == {"$or": [{"a.b": 1}]}
    main.resolve(rules, "theirs")
    main.resolve(take="theirs")
    main.merge_continue()
    assert db.rules.options()["validator"] == {"a": {"$gt": 2}}


def test_two_collections_of_one_name_are_settled_by_another_name(
    project: Project, main: Branch, db: Database, theirs: Database
) -> None:
    main.merge("feature", "theirs")
    project.branch("feature").merge("main")
    theirs.users.rename("people")
    db.people.insert_one({"_id": "other"})
    info = kept(main)
    [conflict] = main.conflicts()
    assert (conflict.path, len(info.conflicts)) == ("name", 1)
    with pytest.raises(InvalidOperation, match="rename or drop"):
        main.resolve(1, "ours")
    db.people.rename("others")
    main.merge_continue()
    assert 9 in documents(db, "people")
    assert documents(db, "others") == {"other": {"_id": "other"}}


def test_values_come_back_as_they_were(main: Branch, db: Database, theirs: Database) -> None:
    main.merge("feature", "theirs")
    value = {"$set": {"a.b": None, "": Int64(1)}, "z": 1.0, "a": [{"$ref": "x", "$id": 1}]}
    db.odd.insert_one({"_id": {"b": 1, "a": Int64(2)}, "v": None})
    theirs.odd.insert_one({"_id": {"b": 1, "a": Int64(2)}, "v": value})
    kept(main)
    [conflict] = main.conflicts()
    assert list(conflict.id) == ["b", "a"]
    assert conflict.target_value["v"] is None
    assert conflict.base_value is MISSING
    main.resolve(1, value={"v": value})
    [resolved] = main.conflicts()
    assert (resolved.choice, type(resolved.value["v"]["$set"][""])) == ("value", Int64)
    main.merge_continue()
    [found] = db.odd.find({}, {"_id": 0})
    assert found == theirs.odd.find_one({}, {"_id": 0})
    assert type(found["v"]["$set"][""]) is Int64


def test_values_of_the_largest_documents(main: Branch, db: Database, theirs: Database) -> None:
    main.merge("feature", "theirs")
    size = 7 * 1024 * 1024  # three of them are more than one document holds
    db.large.insert_one({"_id": 1, "a": "o" * size})
    theirs.large.insert_one({"_id": 1, "a": "t" * size})
    kept(main)
    [conflict] = main.conflicts()
    assert (conflict.source_value["a"][0], conflict.target_value["a"][-1]) == ("t", "o")
    main.resolve(1, value={"a": "v" * size})
    main.merge_continue()
    assert documents(db, "large")[1]["a"] == "v" * size
    assert left_over(main) == {}


def test_what_a_callable_settles_is_kept_as_resolved(main: Branch, db: Database, theirs: Database) -> None:
    def higher(entry: Any) -> Any:
        return entry.source_value + entry.target_value

    info = kept(main, strategy={"users": {"n": higher, "m": "ours"}})
    assert [each.path for each in info.conflicts] == [""]
    pending = main.pending_merge()
    assert pending is not None
    assert pending.strategy == {"users": {"n": "strict", "m": "ours"}}
    assert [(each.number, each.value) for each in main.conflicts("resolved")] == [(1, 3), (2, 3)]
    main.resolve(2, "ours")
    main.resolve(3, "theirs")
    main.merge_continue()
    assert documents(db)[0] == {"_id": 0, "n": 3, "m": 1}
    assert documents(db)[1] == {"_id": 1, "n": 1, "m": 2}


def test_deletions_that_do_not_count_stay_so(main: Branch, db: Database, theirs: Database) -> None:
    theirs.users.delete_one({"_id": 3})
    kept(main, propagate_deletes=False)
    main.resolve(take="ours")
    main.merge_continue()
    assert 3 in documents(db)


def test_a_rule_that_is_broken_leaves_the_merge_pending(main: Branch, db: Database, theirs: Database) -> None:
    db.users.create_index("mail", unique=True, sparse=True)
    db.users.update_one({"_id": 3}, {"$set": {"mail": "a"}})
    kept(main)
    main.resolve(take="ours")
    main.resolve(1, value=5)
    theirs.users.update_one({"_id": 9}, {"$set": {"mail": "a"}})
    main.merge_abort()
    kept(main)
    main.resolve(take="ours")
    with pytest.raises(DuplicateKeyError):
        main.merge_continue()
    assert main.pending_merge() is not None
    db.users.update_one({"_id": 3}, {"$unset": {"mail": 1}})
    main.merge_continue()
    assert documents(db)[9] == {"_id": 9, "mail": "a"}


def test_a_pending_merge_ends_with_its_branch(project: Project, main: Branch, theirs: Database) -> None:
    feature = project.branch("feature")
    kept(feature, "main")
    plan = feature.merge("main", "ours", preview=True)
    assert not isinstance(plan, MergeInfo)
    feature.save_plan("later", plan)
    project.delete_branch("feature")
    assert left_over(main) == {}
    project.undelete_branch("feature")
    assert project.branch("feature").pending_merge() is None
    kept(main)
    project._argon.delete_project(project.name)
    assert left_over(main) == {}


def test_the_source_may_go_while_the_merge_waits(
    project: Project, main: Branch, db: Database, theirs: Database
) -> None:
    kept(main)
    project.delete_branch("feature")
    main.resolve(take="theirs")
    main.merge_continue()
    assert documents(db)[0] == {"_id": 0, "n": 2, "m": 2}


def test_plans_are_stored_under_names(project: Project, main: Branch, db: Database, theirs: Database) -> None:
    plan = main.merge("feature", {"users": {"*": "theirs"}}, preview=True)
    assert not isinstance(plan, MergeInfo)
    main.save_plan("friday", plan)
    assert main.plans() == {"friday": main.plan("friday")}
    with pytest.raises(MergeNotFound, match="there is: friday"):
        main.plan("monday")
    with pytest.raises(InvalidOperation, match="for 'main'"):
        project.branch("feature").save_plan("friday", plan)
    asked = main.merge("feature", lambda _: Pick.OURS, preview=True)
    assert not isinstance(asked, MergeInfo)
    with pytest.raises(InvalidOperation, match="callable"):
        main.save_plan("asked", asked)
    main.merge(main.plan("friday"))
    assert documents(db) == documents(theirs)
    main.delete_plan("friday")
    assert left_over(main) == {}
