"""Taking back what is too much for one transaction: one commit all the same, as for merges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bson import Decimal128, Int64
from pymongo.errors import DuplicateKeyError, WriteError

from argon import Argon, Branch, Project, WALDatabase
from argon.catalog.tables import BRANCHES
from argon.engine.large import LargeCommit
from argon.errors import Conflict, HookRefused, RevertConflict, UnsupportedOperation
from argon.gc.collect import Terms
from argon.hooks import Proposal
from argon.merging.images import Images
from argon.merging.strategy import Pick
from argon.undoing.results import ChangeInfo
from argon.versions.ids import id_key
from argon.versions.layout import raw

Database = WALDatabase[dict[str, Any]]
State = Callable[[Any], dict[str, Any]]
COUNT = 12


def limits(monkeypatch: pytest.MonkeyPatch, most: int = 4) -> None:
    """Make what changes more than a few documents large, and a transaction, a page and the memory small."""
    monkeypatch.setattr("argon.merging.outcome.LARGE_CHANGES", most)
    monkeypatch.setattr("argon.engine.large.MAX_CHANGES", 3)
    monkeypatch.setattr("argon.merging.ids.FEW", 5)
    monkeypatch.setattr("argon.merging.ids.PAGE", 4)
    monkeypatch.setattr("argon.merging.images.PAGE", 4)
    monkeypatch.setattr("argon.merging.images.HELD_BYTES", 900)


@pytest.fixture(autouse=True)
def small_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    limits(monkeypatch)


@pytest.fixture
def base(db: Database) -> Database:
    """A dozen users."""
    db.users.insert_many([{"_id": number, "n": 0, "m": 0} for number in range(COUNT)])
    return db


@pytest.fixture
def merged(project: Project, main: Branch, base: Database) -> Database:
    """The same after a large merge of a branch that changed, deleted and added users."""
    main.fork("feature")
    theirs = WALDatabase(project.branch("feature"))
    theirs.users.update_many({"_id": {"$lt": 8}}, {"$set": {"n": 1}})
    theirs.users.delete_one({"_id": 11})
    theirs.users.insert_one({"_id": 20})
    theirs.fresh.insert_one({"_id": 1})
    theirs.fresh.create_index("key", name="key", unique=True)
    main.merge("feature", message="bring it")
    return base


def lines(main: Branch) -> int:
    """Count the lines that large commits have published."""
    number: int = main.engine.plain[BRANCHES].count_documents({"status": "published"})
    return number


def at_publication(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Have something done once, when all is written and not yet published."""
    real, waiting = LargeCommit._publish, [do]

    def stopped(self: LargeCommit, *arguments: Any) -> Any:
        while waiting:
            waiting.pop()()
        yield from real(self, *arguments)

    monkeypatch.setattr(LargeCommit, "_publish", stopped)


def test_a_large_merge_is_undone_and_done_again(
    project: Project, main: Branch, base: Database, state: State, sound: Callable[..., bool]
) -> None:
    before = state(base)
    main.fork("feature")
    theirs = WALDatabase(project.branch("feature"))
    theirs.users.update_many({"_id": {"$lt": 8}}, {"$set": {"n": 1}})
    theirs.users.delete_one({"_id": 11})
    theirs.fresh.insert_one({"_id": 1})
    main.merge("feature", message="bring it")
    head, after = main.head_lsn, state(base)
    info = main.undo(author="ann")
    assert state(base) == state(WALDatabase(project.branch("main"))) == before
    assert (info.operation, info.lsn, info.documents_applied, info.documents_deleted) == (
        "undo", main.head_lsn, 9, 0
    )  # fmt: skip
    assert [commit.lsn for commit in info.commits] == [head]
    entries = main.log(after=head, before=info.lsn + 1)
    assert {(entry.commit, entry.author, entry.message) for entry in entries} == {
        (info.lsn, "ann", f"undo LSN {head}: bring it")
    }
    assert entries[0].operation == "reset"
    backup = project.branch(str(info.backup))
    assert (backup.parent_id, backup.base_lsn) == (main.id, head)
    assert state(WALDatabase(backup)) == state(base.at(lsn=head)) == after
    for lsn in range(entries[-1].lsn, info.lsn + 1):
        assert state(base.at(lsn=lsn)) == before
    main.undo()
    assert state(base) == after
    main.undo()
    assert state(base) == before
    assert lines(main) == 4
    # What was taken back can be merged again.
    main.merge("feature")
    assert state(base) == after
    assert sound(rebuilt=True)
    assert state(base) == after


def test_commits_before_and_after_large_ones_are_undone_in_one(
    project: Project, main: Branch, merged: Database, state: State
) -> None:
    point = project.branch("feature").base_lsn
    merged.users.update_many({}, {"$inc": {"n": 1}})
    merged.users.insert_one({"_id": 21})
    after = state(merged)
    main.undo()
    main.undo()
    first = len(main.undo(6, preview=True).commits)
    info = main.undo(5)
    assert (first, [commit.before_lsn for commit in info.commits][-1]) == (6, point)
    assert state(merged) == state(merged.at(lsn=point))
    main.undo()
    assert state(merged) == after
    main.undo(7)  # the two as well
    assert state(merged) == state(merged.at(lsn=point))
    main.merge("feature")  # which was taken back
    assert merged.users.count_documents({"n": 1}) == 8
    with pytest.raises(UnsupportedOperation, match="cannot undo 99 commits"):
        main.undo(99)


def test_a_reset_over_large_commits_and_back(
    project: Project, main: Branch, base: Database, state: State, sound: Callable[..., bool]
) -> None:
    base.create_collection("some", viewOn="users", pipeline=[{"$match": {"n": 1}}])
    main.fork("feature")
    feature = project.branch("feature")
    theirs = WALDatabase(feature)
    states, lsns = [state(base)], [main.head_lsn]

    def note() -> None:
        states.append(state(base))
        lsns.append(main.head_lsn)

    theirs.users.update_many({}, {"$inc": {"n": 1}})
    main.merge("feature")
    note()
    base.users.rename("people")
    base.people.delete_one({"_id": 0})
    note()
    base.drop_collection("people")
    base.others.insert_many([{"_id": number} for number in range(7)])
    base.others.create_index("k", name="k")
    note()
    theirs.users.update_many({}, {"$inc": {"m": 1}})
    theirs.users.create_index("m", name="m")
    for number in (0, 3, 1, 2, 0):
        info = main.reset(lsns[number], message="back")
        assert state(base) == states[number]
        assert info.source == f"main@{lsns[number]}"
    assert main.reset(lsns[0]).backup is not None  # the same state, at another place of the history
    main.reset("feature")
    assert state(base) == state(theirs)
    main.restore(lsn=lsns[2], in_place=True)
    assert state(base) == states[2]
    main.restore(lsn=lsns[0], in_place=True)
    assert feature.reset(to_parent=True).documents_applied == COUNT
    assert state(theirs) == states[0]
    assert lines(main) >= 4
    assert sound(rebuilt=True)
    assert state(base) == state(theirs) == states[0]


def test_a_large_revert_keeps_what_came_after(
    project: Project, main: Branch, merged: Database, sound: Callable[..., bool]
) -> None:
    wrong = main.head_lsn
    merged.users.update_one({"_id": 0}, {"$set": {"m": 5}})
    merged.users.insert_one({"_id": 21})
    moved = lines(main)
    info = main.revert(wrong)
    assert lines(main) == moved + 1
    assert (info.documents_applied, info.documents_deleted) == (9, 1)
    assert {document["_id"]: document for document in merged.users.find()} == {
        **{number: {"_id": number, "n": 0, "m": 0} for number in range(COUNT)},
        0: {"_id": 0, "n": 0, "m": 5},
        21: {"_id": 21},
    }
    assert "fresh" not in merged.list_collection_names()
    again = main.revert(wrong)
    assert (again.backup, again.lsn) == (None, info.lsn)
    assert sound(rebuilt=True)


def test_later_writes_that_depend_on_a_large_commit_are_listed(
    project: Project, main: Branch, merged: Database, state: State
) -> None:
    wrong = main.head_lsn
    merged.users.update_many({"_id": {"$lt": 6}}, {"$set": {"n": 2}})
    head, before, known = main.head_lsn, state(merged), len(project.branches())
    with pytest.raises(RevertConflict, match="later writes") as caught:
        main.revert(wrong)
    assert {(each.id, each.path) for each in caught.value.conflicts} == {(id_, "n") for id_ in range(6)}
    assert (main.head_lsn, state(merged), len(project.branches())) == (head, before, known)
    preview = main.revert(wrong, preview=True)
    assert (len(preview.conflicts), len(preview.changes)) == (6, 4)
    assert len(main.revert(wrong, strategy="theirs").resolved) == 6
    assert {document["n"] for document in merged.users.find()} == {0}


def interleaved(project: Project) -> tuple[Database, list[ChangeInfo]]:
    """Let two authors change the same documents in turn, and take back what one of them did, and more."""
    main = project.branch("main")
    ann, bob = (WALDatabase(main, author=name) for name in ("ann", "bob"))
    bob.users.insert_many([{"_id": number, "n": 0, "m": 0, "k": 0} for number in range(COUNT)])
    for step in range(1, 4):
        with ann.commit() as commit:
            commit.users.update_many({"_id": {"$gte": step}}, {"$inc": {"n": 1}})
            commit.users.insert_one({"_id": f"ann{step}"})
            commit.users.delete_one({"_id": COUNT - step})
        bob.users.update_many({"_id": {"$lt": 9}}, {"$set": {"m": step}})
        bob.users.insert_one({"_id": f"bob{step}"})
        ann[f"own{step}"].insert_many([{"_id": number} for number in range(3)])
        ann.users.create_index(f"k{step}", name=f"k{step}")
    infos = [
        main.revert(author="ann"),
        main.undo(),
        main.revert(author="bob", strategy="ours"),
        main.undo(),
        main.undo(),
    ]
    project.fork("main", "other")
    other = project.branch("other")
    theirs = WALDatabase(other)
    theirs.users.update_many({}, {"$set": {"x": 1}})
    infos += [main.cherry_pick("other", preview=True), main.cherry_pick("other")]
    infos.append(main.revert(infos[0].lsn, strategy="theirs"))
    return WALDatabase(main), infos


def test_it_comes_to_the_same_in_one_transaction(
    argon: Argon, monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    told = []
    for most in (10**6, 0):
        limits(monkeypatch, most)
        project = argon.create_project(f"most-{most}")
        database, infos = interleaved(project)
        told.append(
            [
                state(database),
                [state(WALDatabase(project.branch(info.backup))) for info in infos if info.backup],
                [(info.operation, info.documents_applied, info.documents_deleted) for info in infos],
                [len(info.resolved) for info in infos],
                [[(each.space, each.collection, each.path) for each in info.schema] for info in infos],
                sorted(str(change.id) for change in infos[-3].changes),
            ]
        )
        assert project.verify().problems == []
        assert bool(lines(project.branch("main"))) == (most == 0)
    assert told[0] == told[1]


def test_unique_indexes_and_validators_hold(
    project: Project, main: Branch, merged: Database, state: State, sound: Callable[..., bool]
) -> None:
    wrong = main.head_lsn
    merged.users.update_many({}, [{"$set": {"key": "$_id"}}])
    merged.users.create_index("key", name="key", unique=True)
    keyed = main.head_lsn
    # In the order of ids each takes the key of the next, which is right only as a whole.
    with merged.commit() as commit:
        commit.users.update_many({}, [{"$set": {"key": {"$add": ["$key", 100]}}}])
        commit.users.update_many({}, [{"$set": {"key": {"$mod": [{"$add": ["$_id", 1]}, 21]}}}])
    shifted, head = main.head_lsn, state(merged)
    main.undo()
    main.undo()
    assert state(merged) == head
    main.revert(shifted)
    assert {document["key"] - document["_id"] for document in merged.users.find()} == {0}
    main.fork("other")
    theirs = WALDatabase(project.branch("other"))
    theirs.users.update_many({}, {"$inc": {"key": 50}})
    merged.users.insert_one({"_id": "taken", "key": 53})
    before = state(merged)
    with pytest.raises(DuplicateKeyError):
        main.cherry_pick("other")
    merged.users.delete_one({"_id": "taken"})
    merged.command("collMod", "users", validator={"$or": [{"key": {"$lt": 57}}, {"n": 1}]})
    with pytest.raises(WriteError, match="validation"):
        main.cherry_pick("other")
    with pytest.raises(WriteError, match="validation"):
        main.cherry_pick("other", strategy="theirs")
    assert state(merged)["users"][3] == {
        key: value for key, value in before["users"][3].items() if key != "taken"
    }
    main.reset(keyed)  # what was valid in its day is valid with the rules of its day
    main.reset(wrong)
    assert sound()


def test_a_client_that_dies_leaves_nothing_that_is_seen(
    project: Project,
    main: Branch,
    merged: Database,
    state: State,
    sound: Callable[..., bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die() -> None:
        raise OSError("killed")

    head, after, names = main.head_lsn, state(merged), [branch.name for branch in project.branches()]
    point = project.branch("feature").base_lsn
    for call in (
        main.undo,
        lambda: main.reset(point),
        lambda: main.revert(head),
        lambda: main.restore(lsn=point, in_place=True),
    ):
        with monkeypatch.context() as patch:
            at_publication(patch, die)
            with pytest.raises(OSError, match="killed"):
                call()
        assert (main.head_lsn, state(merged)) == (head, after)
        assert [branch.name for branch in project.branches()] == names
    main.undo()
    assert "fresh" not in state(merged)
    assert sound(rebuilt=True)


def test_who_comes_first_is_in_the_backup_or_stays(
    project: Project, main: Branch, merged: Database, argon: Argon, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = main.head_lsn
    with Argon(client=main.engine.client, database=main.engine.raw.name) as other:
        elsewhere: Database = WALDatabase(other.project("shop").branch("main"))

        def write() -> None:
            elsewhere.users.update_one({"_id": 10}, {"$inc": {"m": 1}})

        with monkeypatch.context() as patch:
            at_publication(patch, write)
            with pytest.raises(Conflict, match="somebody else committed"):
                main.undo()
        with monkeypatch.context() as patch:
            at_publication(patch, write)
            main.revert(head)
        assert merged.users.find_one({"_id": 10}) == {"_id": 10, "n": 0, "m": 2}
        with monkeypatch.context() as patch:
            at_publication(patch, write)
            info = main.reset(head)
    assert merged.users.find_one({"_id": 10}) == {"_id": 10, "n": 0, "m": 0}
    backup = WALDatabase(project.branch(str(info.backup)))
    assert backup.users.find_one({"_id": 10}) == {"_id": 10, "n": 0, "m": 3}
    kept = [branch.name for branch in project.branches() if "-before-" in branch.name]
    assert len(kept) == 2  # of what landed, and of no attempt


def test_a_name_that_is_taken_meanwhile_is_not_used_again(
    project: Project, main: Branch, merged: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = f"main-before-undo-{main.head_lsn}"
    at_publication(monkeypatch, lambda: project.create_branch(wanted))
    assert main.undo().backup == f"{wanted}-2"
    assert "fresh" not in merged.list_collection_names()


def test_hooks_and_strategies_are_asked(
    project: Project, main: Branch, merged: Database, state: State
) -> None:
    seen: list[int] = []

    def refuse(proposal: Proposal) -> str:
        seen.append(len(proposal.changes))
        return "not today"

    before = state(merged)
    main.on_commit(refuse)
    with pytest.raises(HookRefused, match="not today"):
        main.undo()
    project.remove_hook(refuse)
    assert seen == [11]  # a collection is dropped, too
    main.fork("other")
    WALDatabase(project.branch("other")).users.update_many({}, {"$inc": {"n": 5}})
    merged.users.update_many({}, {"$inc": {"n": 3}})
    asked: list[Any] = []

    def fickle(entry: Any) -> Any:
        asked.append(entry.id)
        return Pick.THEIRS if len(asked) <= COUNT else Pick.OURS

    with pytest.raises(Conflict, match="must answer the same question in the same way"):
        main.cherry_pick("other", strategy=fickle)
    main.undo()
    assert state(merged) == before


def test_its_history_goes_as_any_other(
    argon: Argon, project: Project, main: Branch, merged: Database, state: State, sound: Callable[..., bool]
) -> None:
    argon.terms = Terms(retention=0.0, grace=0.0)
    after = state(merged)
    undone = main.undo()
    before = state(merged)
    merged.users.update_many({}, {"$set": {"n": 5}})
    head = state(merged)
    assert project.gc().rows > 0
    assert state(WALDatabase(project.branch(str(undone.backup)))) == after
    main.reset(str(undone.backup))
    assert state(merged) == after
    main.undo()
    assert state(merged) == head
    project.branch(str(undone.backup)).reset("feature")
    assert sound()
    assert before != head


def test_images_are_by_store_and_by_id_as_mongodb_tells_them_apart() -> None:
    images = Images()
    ids: list[Any] = [1, "1", None, {"a": 1}, True]
    for store in ("one", "two"):
        for number in range(3):
            for identity in ids:
                images.put(store, identity, raw({"_id": identity, "n": number, "much": "x" * 100}))
    for same in (1.0, Int64(1), Decimal128("10E-1")):
        images.put("two", same, None)
    assert images.stores == {"one", "two"}
    assert [image and image["n"] for image in images.of("one", [*ids, 2]).values()] == [2] * 5
    assert [image and image["n"] for image in images.of("two", [1, "1"]).values()] == [None, 2]
    pages = [*images.pages("two")]
    assert [len(page) for page in pages] == [4, 1]
    assert [id_key(identity) for page in pages for identity, _ in page] == [id_key(one) for one in ids]
    assert [image is None for page in pages for _, image in page] == [True, False, False, False, False]
