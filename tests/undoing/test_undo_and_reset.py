"""Undo, reset and restore in place: the head becomes what it was, and the log keeps everything."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from argon import Argon, Branch, Project, WALDatabase
from argon.errors import (
    BranchNotFound,
    BranchProtected,
    Conflict,
    FeatureDisabled,
    HookRefused,
    InvalidOperation,
    InvalidPoint,
    PointNotFound,
    UnsupportedOperation,
)
from argon.merging.results import MergeInfo

Database = WALDatabase[dict[str, Any]]
State = Callable[[Any], dict[str, Any]]


def test_undo_takes_back_one_commit_and_undo_of_undo_is_redo(
    project: Project, main: Branch, db: Database, state: State, sound: Callable[..., bool]
) -> None:
    db.users.insert_many([{"_id": 1, "n": 0}, {"_id": 2}])
    first = state(db)
    with db.commit(message="import", author="ann") as txn:
        txn.users.update_one({"_id": 1}, {"$set": {"n": 1}})
        txn.users.delete_one({"_id": 2})
        txn.users.insert_one({"_id": 3})
    second, done = main.head_lsn, state(db)
    main.update(description="is no commit, and stays")
    head = main.head_lsn
    info = main.undo()
    assert state(db) == first
    assert project.branch("main").description == "is no commit, and stays"
    assert (info.operation, info.branch, info.lsn) == ("undo", "main", main.head_lsn)
    assert (info.documents_applied, info.documents_deleted) == (2, 1)
    [undone] = info.commits
    assert (undone.lsn, undone.author, undone.message) == (second, "ann", "import")
    assert undone.operations == {"update": 1, "delete": 1, "insert": 1}
    assert main.log(limit=1)[0].message == f"undo LSN {second}: import"
    assert info.backup == f"main-before-undo-{head}"
    backup = project.branch(info.backup)
    assert (backup.parent_id, backup.base_lsn) == (main.id, head)
    assert state(WALDatabase(backup)) == state(db.at(lsn=second)) == done
    main.undo()
    assert state(db) == done
    main.undo()
    assert state(db) == first
    assert sound()


def test_several_commits_are_undone_in_one(
    project: Project, main: Branch, db: Database, state: State, sound: Callable[..., bool]
) -> None:
    main.fork("empty")
    states = [state(db)]
    for number in range(4):
        db.users.insert_one({"_id": number})
        states.append(state(db))
    main.update(description="is no commit")
    lsns = [commit.lsn for commit in main.undo(4, preview=True).commits]
    head = main.head_lsn
    info = main.undo(n=3, author="ann")
    assert state(db) == states[1]
    assert [commit.lsn for commit in info.commits] == lsns[:3]
    assert (info.documents_applied, info.documents_deleted) == (0, 3)
    entries = main.log(after=head)
    assert {(entry.author, entry.message) for entry in entries} == {
        ("ann", f"undo LSN {lsns[2]} to {lsns[0]}")
    }
    main.undo()
    assert state(db) == states[4]
    main.undo(2)
    assert state(db) == states[4]  # an undo, and the undo of that
    main.undo(7)
    assert state(db) == states[0]
    with pytest.raises(UnsupportedOperation, match="cannot undo 9 commits: 'main' has 8 commits of its own"):
        main.undo(9)
    child: Database = WALDatabase(project.branch("empty"))
    child.users.insert_one({"_id": 9})
    with pytest.raises(UnsupportedOperation, match="1 commit of its own"):
        project.branch("empty").undo(2)
    for wrong in (0, -1, 1.5, True, "2"):
        with pytest.raises(InvalidOperation, match="1 commit, or more"):
            main.undo(wrong)  # type: ignore[arg-type]
    assert (state(db), state(child)["users"][3]) == (states[0], {9: {"_id": 9}})
    assert sound()


def test_definitions_are_taken_back_and_brought_again(
    project: Project, main: Branch, db: Database, state: State, sound: Callable[..., bool]
) -> None:
    db.users.insert_many([{"_id": number, "n": number} for number in range(3)])
    db.users.create_index("n", unique=True, name="key")
    db.create_collection("some", viewOn="users", pipeline=[{"$match": {"n": 1}}])
    steps: list[Callable[[], Any]] = [
        lambda: db.users.create_index([("a", 1)], name="a"),
        lambda: db.users.drop_index("key"),
        lambda: db.command("collMod", "users", validator={"n": {"$lt": 2}}),  # which does not hold for all
        lambda: db.users.rename("people"),
        lambda: db.people.update_one({"_id": 0}, {"$set": {"n": 1}}),
        lambda: db.people.rename("users"),
        lambda: db.drop_collection("users"),
        lambda: db.create_collection("users", collation={"locale": "de"}),
        lambda: db.users.insert_one({"_id": "other"}),
        lambda: db.drop_collection("some"),
        lambda: db.create_collection("some", viewOn="users", pipeline=[{"$match": {"n": 2}}]),
        lambda: db.command("collMod", "some", viewOn="people", pipeline=[]),
    ]
    states, lsns = [state(db)], [main.head_lsn]
    for step in steps:
        step()
        states.append(state(db))
        main.undo()
        assert state(db) == states[-2]
        main.undo()
        assert state(db) == states[-1]
        lsns.append(main.head_lsn)
    for expected, lsn in [*zip(states, lsns, strict=True)][::-2]:
        main.reset(lsn)
        assert state(db) == expected
    assert sound(rebuilt=True)


def test_a_dropped_collection_comes_back_without_being_copied(
    project: Project, main: Branch, db: Database, state: State
) -> None:
    db.users.insert_many([{"_id": number} for number in range(50)])
    before = state(db)
    db.drop_collection("users")
    info = main.undo()
    assert state(db) == before
    assert len(main.log(after=info.commits[0].lsn)) == 2  # the collection's record, and the mark
    main.reset(project.branch(str(info.backup)))
    assert state(db) == {}


def test_reset_to_anything(
    project: Project, main: Branch, db: Database, state: State, sound: Callable[..., bool]
) -> None:
    db.users.insert_many([{"_id": 1, "n": 1}, {"_id": 2}])
    past, point = state(db), main.head_lsn
    project.create_tag("v1")
    main.fork("feature")
    feature = project.branch("feature")
    theirs = WALDatabase(feature)
    theirs.users.update_one({"_id": 1}, {"$set": {"n": 2}})
    theirs.own.insert_one({"_id": 1})
    theirs.own.create_index("a", unique=True, name="a")
    db.users.delete_one({"_id": 1})
    db.mine.insert_one({"_id": 1})
    now = state(db)
    info = main.reset("feature", message="because", author="ann")
    assert state(db) == state(theirs)
    assert info.source == f"feature@{feature.head_lsn}"
    entry = main.log(limit=1)[0]
    assert (entry.operation, entry.message, entry.author) == ("reset", "because", "ann")
    for where in ("v1", point, f"main@{point}", f"feature@{point}"):
        main.reset(info.backup)
        assert state(db) == now
        main.reset(where)
        assert state(db) == past
    assert feature.reset(to_parent=True).source == f"main@{main.head_lsn}"
    assert state(theirs) == past
    main.restore(lsn=point, in_place=True)
    again = main.restore(tag="v1", in_place=True)
    assert (again.documents_applied, state(db)) == (0, past)
    nothing = main.reset("main")
    assert (nothing.backup, nothing.lsn) == (None, main.head_lsn)
    assert sound(rebuilt=True)


def test_a_merge_that_was_taken_back_can_be_done_again(project: Project, main: Branch, db: Database) -> None:
    db.users.insert_one({"_id": 0})
    main.fork("feature")
    theirs = WALDatabase(project.branch("feature"))
    theirs.users.insert_one({"_id": 1})
    before = main.head_lsn

    def merge() -> int:
        info = main.merge("feature")
        assert isinstance(info, MergeInfo)
        return info.documents_applied

    assert merge() == 1
    merged = main.head_lsn
    assert merge() == 0
    main.undo()
    assert db.users.count_documents({}) == 1
    assert merge() == 1
    main.reset(before)
    theirs.users.insert_one({"_id": 2})
    assert merge() == 2
    main.reset(merged)
    assert [document["_id"] for document in db.users.find()] == [0, 1]
    assert merge() == 1  # the first one was in the merge that is gone back to
    # What a plain undo has taken back stays so: it is a change like others, and no merge brings it again.
    theirs.users.insert_one({"_id": 3})
    assert merge() == 1
    db.users.insert_one({"_id": 4})
    project.branch("feature").merge("main")
    main.undo()
    assert merge() == 0
    project.branch("feature").merge("main")
    assert theirs.users.count_documents({"_id": 4}) == 0


def test_a_preview_writes_nothing(project: Project, main: Branch, db: Database) -> None:
    db.users.insert_one({"_id": 1, "n": 0})
    point = main.head_lsn
    db.users.update_one({"_id": 1}, {"$set": {"n": 1}})
    head = main.head_lsn
    for info in (
        main.undo(preview=True),
        main.reset(point, preview=True),
        main.revert(head, preview=True),
    ):
        assert (info.preview, info.backup, info.documents_applied) == (True, None, 1)
        assert [(change.id, change.value_b) for change in info.changes] == [(1, {"_id": 1, "n": 0})]
    assert main.head_lsn == head
    assert [branch.name for branch in project.branches()] == ["main"]


def test_what_cannot_be_done_says_so(project: Project, main: Branch, db: Database) -> None:
    with pytest.raises(UnsupportedOperation, match="nothing to undo"):
        main.undo()
    db.users.insert_one({"_id": 1})
    main.fork("feature")
    with pytest.raises(UnsupportedOperation, match="inherited"):
        project.branch("feature").undo()
    with pytest.raises(BranchNotFound, match="made from no other"):
        main.reset(to_parent=True)
    with pytest.raises(InvalidPoint):
        main.reset()
    with pytest.raises(InvalidPoint):
        main.reset(2, to_parent=True)
    with pytest.raises(PointNotFound):
        main.reset(10**9)
    with pytest.raises(InvalidOperation, match="leave out name="):
        main.restore(lsn=2, name="other", in_place=True)  # type: ignore[call-overload]
    assert [branch.name for branch in project.branches()] == ["main", "feature"]


def test_protection_and_hooks_hold(project: Project, main: Branch, db: Database) -> None:
    db.users.insert_one({"_id": 1})
    head = main.head_lsn
    project.set_protected("main")
    for call in (
        main.undo,
        lambda: main.revert(head),
        lambda: main.reset(2),
        lambda: main.cherry_pick("main"),
    ):
        with pytest.raises(BranchProtected):
            call()
    assert main.undo(preview=True).documents_deleted == 0  # with the collection that it was the first of
    main.forced().undo()
    main.forced().undo()
    project.unset_protected("main")
    main.on_commit(lambda proposal: "never" if proposal.author == "eve" else None)
    head = main.head_lsn
    with pytest.raises(HookRefused, match="never"):
        main.undo(author="eve")
    assert main.head_lsn == head
    assert len(project.branches()) == 3


def test_a_long_name_leaves_room_for_the_backup(project: Project, main: Branch, db: Database) -> None:
    long = project.create_branch("b" * 128)
    for _ in range(2):
        WALDatabase(long).users.insert_one({})
        backup = long.undo().backup
        assert backup is not None
        assert len(project.branch(backup).name) <= 128


def test_a_taken_name_is_not_used_again(project: Project, main: Branch, db: Database) -> None:
    db.users.insert_one({"_id": 1})
    wanted = f"main-before-undo-{main.head_lsn}"
    project.create_branch(wanted)
    assert main.undo().backup == f"{wanted}-2"


@pytest.mark.parametrize("large", [False, True])
def test_events_tell_of_what_was_taken_back(
    main: Branch, db: Database, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    if large:
        monkeypatch.setattr("argon.merging.outcome.LARGE_CHANGES", 0)
    db.users.insert_many([{"_id": 1, "n": 0}, {"_id": 2}])
    point = main.head_lsn
    with db.watch() as stream:
        db.users.update_one({"_id": 1}, {"$set": {"n": 1}})
        db.users.delete_one({"_id": 2})
        db.users.insert_one({"_id": 3})
        main.reset(point)
        db.users.insert_one({"_id": "end"})
        kinds = []
        for event in stream:
            kinds.append((event["operationType"], event["documentKey"]["_id"]))
            if kinds[-1][1] == "end":
                break
    assert kinds[:3] == [("update", 1), ("delete", 2), ("insert", 3)]
    assert sorted(kinds[3:-1]) == [("delete", 3), ("insert", 2), ("replace", 1)]


@pytest.mark.parametrize("large", [False, True])
def test_a_reset_among_writers_is_exact(
    main: Branch,
    db: Database,
    state: State,
    sound: Callable[..., bool],
    monkeypatch: pytest.MonkeyPatch,
    large: bool,
) -> None:
    """What a writer commits is before the reset, and in the backup, or after it, and there."""
    if large:
        monkeypatch.setattr("argon.merging.outcome.LARGE_CHANGES", 0)
    db.users.insert_one({"_id": "n", "n": 0})
    point, past = main.head_lsn, state(db)
    stop = threading.Event()
    errors: list[BaseException] = []

    def write(name: str) -> None:
        try:
            number = 0
            while not stop.is_set():
                db.users.insert_one({"_id": f"{name}{number}"})
                number += 1
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    infos = [main.reset(point) for _ in range(3)]
    stop.set()
    for thread in threads:
        thread.join()
    assert not errors
    for info in infos:
        assert state(db.at(lsn=info.lsn)) == past
        backup = main.project.branch(str(info.backup))
        assert state(WALDatabase(backup)) == state(db.at(lsn=backup.base_lsn))
        first = min(entry.lsn for entry in main.log() if entry.commit == info.lsn)
        entry = next(entry for entry in main.log() if entry.lsn == first)
        assert entry.prev_lsn == backup.base_lsn
    assert sound()


def test_an_undo_takes_back_nobody_elses_commit(
    main: Branch, db: Database, argon: Argon, monkeypatch: pytest.MonkeyPatch
) -> None:
    from argon.undoing.reset import Undo

    db.users.insert_one({"_id": 1})
    begin = Undo.begin

    def late(self: Undo, head: Any) -> Any:
        yield from begin(self, head)
        db.users.insert_one({"_id": 2})

    monkeypatch.setattr(Undo, "begin", late)
    with pytest.raises(Conflict, match="somebody else committed"):
        main.undo()
    assert db.users.count_documents({}) == 2


def test_classic_branches_and_switched_off_features_refuse(
    argon: Argon, project: Project, main: Branch
) -> None:
    WALDatabase(main).users.insert_one({"_id": 1})
    argon.set_feature("wal_create_branch", False)
    classic = project.create_branch("classic")
    for call in (
        lambda: classic.undo(),
        lambda: classic.revert(3),
        lambda: classic.reset("main"),
        lambda: classic.cherry_pick("main"),
        lambda: main.reset("classic"),
        lambda: main.cherry_pick("classic"),
    ):
        with pytest.raises(UnsupportedOperation, match="classic"):
            call()
    argon.set_feature("wal_data_operations", False)
    with pytest.raises(FeatureDisabled):
        main.undo()
