"""Merges that are too large for one transaction: each is one commit all the same."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from pymongo.errors import DuplicateKeyError, OperationFailure, WriteError

from argon import Argon, Branch, Project, WALDatabase
from argon.catalog.tables import BRANCHES
from argon.engine.large import LargeCommit
from argon.errors import Conflict, HistoryExpired, HookRefused, MergeConflict, PointNotFound
from argon.gc.collect import Terms
from argon.hooks import Proposal
from argon.merging import outcome
from argon.merging.ids import IdSet
from argon.merging.results import MergeInfo

from .test_histories import Pair, programs

Database = WALDatabase[dict[str, Any]]
COUNT = 12


@pytest.fixture(autouse=True)
def small_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever changes more than four documents is large, and a transaction holds three changes."""
    monkeypatch.setattr(outcome, "LARGE_CHANGES", 4)
    monkeypatch.setattr("argon.engine.large.MAX_CHANGES", 3)
    monkeypatch.setattr("argon.merging.ids.FEW", 5)
    monkeypatch.setattr("argon.merging.ids.PAGE", 4)


@pytest.fixture
def theirs(project: Project, main: Branch, db: Database) -> Database:
    """A branch named feature that has changed, deleted and added users of main."""
    db.users.insert_many([{"_id": number, "n": 0, "m": 0} for number in range(COUNT)])
    main.fork("feature")
    theirs: Database = WALDatabase(project.branch("feature"))
    theirs.users.update_many({"_id": {"$lt": 8}}, {"$set": {"n": 1}})
    theirs.users.delete_one({"_id": 11})
    theirs.users.insert_many([{"_id": number} for number in (20, 21)])
    theirs.fresh.insert_one({"_id": 1})
    return theirs


@pytest.fixture
def elsewhere(main: Branch) -> Iterator[Database]:
    """The same branch as another process has it, which has read and written it before."""
    with Argon(client=main.engine.client, database=main.engine.raw.name) as argon:
        database: Database = WALDatabase(argon.project("shop").branch("main"))
        database.seen.insert_one({"_id": 0})
        yield database


BEFORE = {number: {"_id": number, "n": 0, "m": 0} for number in range(COUNT)}
AFTER = (
    {number: {"_id": number, "n": int(number < 8), "m": 0} for number in range(COUNT - 1)}
    | {20: {"_id": 20}, 21: {"_id": 21}}
)  # fmt: skip


def users(database: Database) -> dict[Any, dict[str, Any]]:
    return {document["_id"]: document for document in database.users.find()}


def merged(branch: Branch, *arguments: Any, **options: Any) -> MergeInfo:
    info = branch.merge(*arguments, **options)
    assert isinstance(info, MergeInfo)
    return info


def at_publication(
    monkeypatch: pytest.MonkeyPatch, do: Callable[[], object], *, times: int = 1, within: bool = False
) -> list[int]:
    """Have something done when all is written and not yet published, or amid the writing."""
    name = "_write" if within else "_publish"
    real, done = getattr(LargeCommit, name), [0]

    def stopped(self: LargeCommit, *arguments: Any) -> Any:
        if within:
            yield from real(self, *arguments)
        if done[0] < times:
            done[0] += 1
            do()
        if not within:
            yield from real(self, *arguments)

    monkeypatch.setattr(LargeCommit, name, stopped)
    return done


def sound(project: Project) -> None:
    assert project.verify().problems == []
    project.rebuild()
    assert project.verify().problems == []


def test_others_see_the_state_before_or_the_state_after(
    project: Project,
    main: Branch,
    db: Database,
    theirs: Database,
    elsewhere: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    head, moments = main.head_lsn, []

    def look() -> None:
        moments.append(datetime.now(UTC))
        assert users(elsewhere) == users(db) == users(elsewhere.at(lsn=head)) == BEFORE
        assert "fresh" not in elsewhere.list_collection_names()
        assert users(elsewhere.at(time=moments[-1])) == BEFORE
        assert (main.head_lsn, main.log(limit=1)[0].lsn) == (head, head)
        with pytest.raises(PointNotFound):
            elsewhere.at(lsn=head + 5).users.find_one()
        assert [branch.name for branch in project.branches()] == ["main", "feature"]
        assert project.verify().problems == []

    done = at_publication(monkeypatch, look)
    seen = at_publication(monkeypatch, look, within=True)
    info = merged(main, "feature", message="bring it", author="ann")
    assert (done, seen) == ([1], [1])
    assert (info.documents_applied, info.documents_deleted, info.lsn) == (11, 1, main.head_lsn)
    assert users(db) == users(WALDatabase(project.branch("main"))) == AFTER
    assert users(elsewhere.at(lsn=info.lsn)) == AFTER  # the other one has not heard of it yet
    elsewhere.seen.insert_one({"_id": 1})
    assert users(elsewhere) == AFTER
    for moment in moments:
        assert users(db.at(time=moment)) == BEFORE
    assert users(db.at(time=datetime.now(UTC))) == AFTER
    entries = main.log(after=head, before=info.lsn + 1)
    assert {(entry.commit, entry.author, entry.message) for entry in entries} == {
        (info.lsn, "ann", "bring it")
    }
    assert entries[0].operation == "merge"
    assert len(entries) == 14
    # Of a commit nobody has ever seen half; whatever is inside it stands for its end.
    for lsn in range(entries[-1].lsn, info.lsn + 1):
        assert users(db.at(lsn=lsn)) == AFTER
    for lsn in range(head, entries[-1].lsn):
        assert users(db.at(lsn=lsn)) == BEFORE
    sound(project)
    assert users(db) == AFTER


def test_a_client_that_dies_leaves_nothing_that_is_seen(
    project: Project, main: Branch, db: Database, theirs: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die() -> None:
        raise OSError("killed")

    head = main.head_lsn
    for within in (True, False):
        with monkeypatch.context() as patch:
            at_publication(patch, die, within=within)
            with pytest.raises(OSError, match="killed"):
                main.merge("feature")
        assert (main.head_lsn, users(db)) == (head, BEFORE)
    db.users.update_one({"_id": 9}, {"$set": {"m": 5}})
    assert merged(main, "feature").documents_applied == 11
    assert users(db) == AFTER | {9: {"_id": 9, "n": 0, "m": 5}}
    sound(project)
    assert users(db) == AFTER | {9: {"_id": 9, "n": 0, "m": 5}}


def test_branches_made_before_and_after_go_on(
    project: Project, main: Branch, db: Database, theirs: Database
) -> None:
    def database(name: str) -> Database:
        return WALDatabase(project.branch(name))

    main.fork("early")
    early, head, stale = database("early"), main.head_lsn, project.branch("main")
    early.users.update_one({"_id": 1}, {"$set": {"m": 1}})
    merged(main, "feature")
    project.create_branch("late", parent=stale)
    stale.restore(lsn=head, name="old")
    late, old = database("late"), database("old")
    late.users.delete_one({"_id": 20})
    db.users.update_one({"_id": 0}, {"$inc": {"m": 1}})
    assert users(early) == BEFORE | {1: {"_id": 1, "n": 0, "m": 1}}
    assert users(old) == BEFORE
    assert 20 in users(db)
    assert users(late) == {key: value for key, value in AFTER.items() if key != 20}
    # Merging again brings what is new, whichever way, and however often the branch has moved.
    assert merged(main, "feature").documents_applied == 0
    theirs.users.update_one({"_id": 2}, {"$set": {"n": 2}})
    assert merged(main, "feature").documents_applied == 1
    theirs.users.update_many({}, {"$set": {"k": 1}})
    assert merged(main, "feature").documents_applied == 13
    assert merged(main, "early").documents_applied == 1
    assert merged(project.branch("early"), "main").documents_applied == 14
    assert merged(project.branch("feature"), "early").documents_applied == 2
    assert users(early) == users(db) == users(theirs)
    assert users(db)[1] == {"_id": 1, "n": 1, "m": 1, "k": 1}
    assert project.diff("main", "feature").summary.total_modified == 0
    assert [(node.name, len(node.children)) for node in project.tree().children] == [
        ("feature", 0), ("early", 0), ("late", 0), ("old", 0)
    ]  # fmt: skip
    sound(project)
    assert users(early) == users(db) == users(theirs)


def test_who_holds_the_branch_from_before_goes_on_with_it(
    project: Project, main: Branch, db: Database, theirs: Database, elsewhere: Database
) -> None:
    stale, head = project.branch("main"), main.head_lsn
    project.create_tag("before", at="main")
    with elsewhere.commit() as change:
        other = change.users
        other.update_one({"_id": 9}, {"$set": {"m": 9}})
        assert other.count_documents({}) == COUNT
        merged(main, "feature")
        assert other.count_documents({}) == COUNT
        other.update_one({"_id": 10}, {"$set": {"m": 10}})
    assert users(db) == AFTER | {9: {"_id": 9, "n": 0, "m": 9}, 10: {"_id": 10, "n": 0, "m": 10}}
    stale.update(description="moved")
    assert project.branch("main").description == "moved"
    assert stale.head_lsn == project.branch("main").head_lsn
    assert users(elsewhere.at(tag="before")) == BEFORE
    assert stale.log(limit=1)[0].operation == "edit_branch"
    assert (stale.id, stale.parent_id, stale.base_lsn) == (main.id, None, main.base_lsn)
    project.create_tag("after")
    assert users(db.at(tag="after")) == users(db)
    assert users(WALDatabase(stale.restore(lsn=head))) == BEFORE
    sound(project)


def test_a_transaction_that_wrote_what_the_merge_wrote_loses(
    main: Branch, db: Database, theirs: Database, elsewhere: Database
) -> None:
    with pytest.raises(OperationFailure, match="WriteConflict"), elsewhere.commit() as change:
        assert change.users.count_documents({}) == COUNT
        merged(main, "feature")
        change.users.update_one({"_id": 0}, {"$set": {"m": 9}})
    assert users(db) == AFTER


def test_writers_come_first_a_few_times(
    project: Project,
    main: Branch,
    db: Database,
    theirs: Database,
    elsewhere: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def write() -> None:
        elsewhere.users.update_one({"_id": 10}, {"$inc": {"m": 1}})

    with monkeypatch.context() as patch:
        done = at_publication(patch, write, times=99)
        with pytest.raises(Conflict, match="try again when its writers pause"):
            main.merge("feature")
        assert done == [4]
    assert users(db) == BEFORE | {10: {"_id": 10, "n": 0, "m": 4}}
    # Whatever becomes of it, what was written for nothing agrees with the log.
    at_publication(
        monkeypatch, lambda: elsewhere.users.update_one({"_id": 7}, {"$inc": {"m": 1}}), within=True
    )
    done = at_publication(monkeypatch, write, times=1)
    merged(main, "feature")
    assert done == [1]
    assert users(db) == AFTER | {7: {"_id": 7, "n": 1, "m": 1}, 10: {"_id": 10, "n": 0, "m": 5}}
    sound(project)


def test_a_conflicting_write_that_comes_first_is_seen(
    main: Branch, db: Database, theirs: Database, elsewhere: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_publication(monkeypatch, lambda: elsewhere.users.update_one({"_id": 0}, {"$set": {"n": 7}}))
    with pytest.raises(MergeConflict):
        main.merge("feature")
    assert users(db) == BEFORE | {0: {"_id": 0, "n": 7, "m": 0}}


def test_unique_indexes_and_validators_of_the_target_hold(
    project: Project, main: Branch, db: Database, theirs: Database
) -> None:
    db.users.update_many({"_id": {"$lt": 8}}, [{"$set": {"key": "$_id"}}])
    db.users.create_index("key", unique=True, sparse=True)
    merged(project.branch("feature"), "main")
    # In the order of ids each takes the key of the next, which is right only as a whole.
    for number in range(8):
        theirs.users.update_one({"_id": number}, {"$set": {"key": -number}})
    for number in range(8):
        theirs.users.update_one({"_id": number}, {"$set": {"key": (number + 1) % 8}})
    assert merged(main, "feature").documents_applied >= 8
    theirs.users.update_many({"_id": {"$lt": 8}}, {"$inc": {"key": 50}})
    db.users.insert_one({"_id": "taken", "key": 53})
    state = users(db)
    with pytest.raises(DuplicateKeyError):
        main.merge("feature")
    db.users.update_one({"_id": "taken"}, {"$set": {"key": 99}})
    db.command("collMod", "users", validator={"key": {"$lt": 57}})
    with pytest.raises(WriteError, match="validation"):
        main.merge("feature")
    assert users(db) == state | {"taken": {"_id": "taken", "key": 99}}
    theirs.users.update_one({"_id": 6}, {"$set": {"key": 7}})
    merged(main, "feature")
    assert users(db)[6]["key"] == 7
    with pytest.raises(DuplicateKeyError):
        db.users.insert_one({"key": 52})
    sound(project)


def test_hooks_are_asked_about_all_of_it(
    project: Project, main: Branch, db: Database, theirs: Database
) -> None:
    seen: list[tuple[str, int]] = []

    def refuse(proposal: Proposal) -> str:
        seen.append((proposal.event, len(proposal.changes)))
        return "not today"

    for register in (main.on_merge, main.on_commit):
        register(refuse)
        with pytest.raises(HookRefused, match="not today"):
            main.merge("feature")
        project.remove_hook(refuse)
    assert seen == [("pre-merge", 13), ("pre-commit", 13)]
    assert users(db) == BEFORE
    merged(main, "feature")
    assert users(db) == AFTER


def test_its_history_goes_as_any_other(
    argon: Argon, project: Project, main: Branch, db: Database, theirs: Database
) -> None:
    argon.terms = Terms(retention=0.0, grace=0.0, young=timedelta(0))
    before = main.head_lsn
    project.create_tag("before", at=f"main@{before}")
    merge = merged(main, "feature").lsn
    project.create_tag("merge", at=f"main@{merge}")
    db.users.update_many({}, {"$set": {"n": 5}})
    between = main.head_lsn
    db.users.delete_one({"_id": 20})
    head = users(db)
    assert project.gc(dry_run=True).rows == project.gc().rows > 0
    assert (users(db), users(db.at(tag="before")), users(db.at(tag="merge"))) == (head, BEFORE, AFTER)
    with pytest.raises(HistoryExpired):
        db.at(lsn=between).users.find_one()
    project.delete_tag("before")
    project.delete_tag("merge")
    assert project.gc().rows > 0
    assert users(db) == head
    sound(project)
    assert users(db) == head
    with pytest.raises(HistoryExpired):
        db.at(lsn=merge).users.find_one()


def test_all_lines_of_a_branch_go_with_it(argon: Argon, project: Project, main: Branch, db: Database) -> None:
    argon.terms = Terms(retention=0.0, grace=0.0, young=timedelta(0))
    db.users.insert_many([{"_id": number, "n": 0, "m": 0} for number in range(COUNT)])
    main.fork("side")
    side: Database = WALDatabase(project.branch("side"))
    side.users.delete_one({"_id": 0})
    db.users.update_many({}, {"$set": {"n": 1}})
    merged(project.branch("side"), "main", propagate_deletes=False, strategy="ours")
    main.fork("kept")
    project.delete_branch("side")
    project.gc()
    assert main.engine.plain[BRANCHES].count_documents({}) == 2  # main and kept
    rows = next(name for name in main.engine.plain.list_collection_names() if name.startswith("rows"))
    assert set(main.engine.plain[rows].distinct("_id.b")) == {1}
    assert not main.engine.plain[rows].count_documents({"s.0": {"$exists": True}})
    sound(project)


def test_what_was_never_published_goes(
    argon: Argon,
    project: Project,
    main: Branch,
    db: Database,
    theirs: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die() -> None:
        raise OSError("killed")

    def hidden() -> int:
        return main.engine.plain[BRANCHES].count_documents({"status": "hidden"})

    with monkeypatch.context() as patch:
        at_publication(patch, die)
        with pytest.raises(OSError, match="killed"):
            main.merge("feature")
    argon.terms = Terms(retention=1e9, grace=0.0)
    project.gc()
    assert hidden() == 1  # it may be under way
    argon.terms = Terms(retention=1e9, grace=0.0, abandoned=timedelta(0))
    project.gc()
    assert (hidden(), users(db)) == (0, BEFORE)
    sound(project)
    merged(main, "feature")
    assert users(db) == AFTER
    sound(project)


def test_a_commit_that_was_given_up_is_not_published(
    argon: Argon,
    project: Project,
    main: Branch,
    db: Database,
    theirs: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    argon.terms = Terms(retention=1e9, grace=0.0, abandoned=timedelta(0))
    at_publication(monkeypatch, project.gc)
    merged(main, "feature")  # at the second attempt
    assert users(db) == AFTER
    sound(project)


@pytest.mark.parametrize("collection", ["users", None])
def test_change_streams_follow(
    main: Branch, db: Database, theirs: Database, elsewhere: Database, collection: str | None
) -> None:
    source: Any = elsewhere if collection is None else elsewhere[collection]

    def told(stream: Any, count: int) -> list[tuple[str, Any]]:
        found = []
        while len(found) < count:
            event = stream.try_next()
            if event is not None and event["ns"]["coll"] == "users":
                found.append((event["operationType"], event["documentKey"]["_id"], event["_id"]))
        return found

    with source.watch(max_await_time_ms=50) as stream:
        db.users.insert_one({"_id": "first"})
        first = told(stream, 1)
        while stream.try_next() is not None:
            pass  # it waits now for the line that the merge will leave
        merged(main, "feature")
        db.users.insert_one({"_id": "second"})
        events = first + told(stream, 12)
        while stream.try_next() is not None:
            pass
        db.users.insert_one({"_id": "third"})
        events += told(stream, 1)
    expected = [
        ("insert", "first"),
        *(("replace", number) for number in range(8)),
        ("delete", 11),
        ("insert", 20), ("insert", 21), ("insert", "second"), ("insert", "third"),
    ]  # fmt: skip
    assert [event[:2] for event in events] == expected
    for place in range(len(events) - 1):
        with source.watch(resume_after=events[place][2], max_await_time_ms=50) as stream:
            assert [event[:2] for event in told(stream, len(events) - place - 1)] == expected[place + 1 :]


def test_a_stream_on_all_projects_follows(argon: Argon, main: Branch, db: Database, theirs: Database) -> None:
    def ids(stream: Any, count: int) -> list[Any]:
        found: list[Any] = []
        while len(found) < count:
            event = stream.try_next()
            if event is not None and event["ns"]["coll"] == "users":
                found.append(event["documentKey"]["_id"])
        return found

    with argon.client().watch(max_await_time_ms=50) as stream:
        while stream.try_next() is not None:
            pass
        token = stream.resume_token
        merged(main, "feature")
        found = ids(stream, 11)
        after = stream.resume_token
        while stream.try_next() is not None:
            pass
        db.users.insert_one({"_id": "more"})
        assert [*found, *ids(stream, 1)] == [*range(8), 11, 20, 21, "more"]
    with argon.client().watch(resume_after=token, max_await_time_ms=50) as stream:
        assert ids(stream, 12) == [*range(8), 11, 20, 21, "more"]
    with argon.client().watch(resume_after=after, max_await_time_ms=50) as stream:
        assert ids(stream, 1) == ["more"]


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(program=programs)
def test_large_merges_do_what_git_would(argon: Argon, program: list[tuple[Any, ...]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outcome, "LARGE_CHANGES", 0)
        pair = Pair(argon.create_project(f"p{uuid.uuid4().hex[:12]}"))
        for step, *arguments in program:
            getattr(pair, step)(*arguments)
        pair.check()
    assert pair.project.verify().problems == []


def test_ids_that_are_equal_to_mongodb_are_one_in_memory_and_in_the_file() -> None:
    from bson import Decimal128, Int64, ObjectId

    same = [1, 1.0, Int64(1), Decimal128("1.0"), Decimal128("10E-1")]
    others = [True, "1", None, {"a": 1}, {"a": 2}, ObjectId("0" * 24), "0" * 24, b"1", float("nan")]
    ids = IdSet()
    for value in [*same, *others, *same, *others]:
        ids.add(value)
    found = [value for page in ids.pages() for value in page]
    assert len(found) == 1 + len(others)
    assert found[0] == 1
