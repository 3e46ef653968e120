"""What a collection takes, what it leaves, and what is said of it."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from bson import Timestamp, encode
from pymongo.database import Database
from pymongo.errors import OperationFailure

from argon import Argon, Materializer, Project, WALDatabase
from argon.catalog import branches, tables
from argon.errors import BranchNotFound, HistoryExpired, PointNotFound, TagNotFound
from argon.retention.collect import Terms
from argon.retention.versions import Sweep

from .conftest import AT_ONCE


@pytest.fixture
def shop(forgetful: Argon) -> Project:
    """A project that keeps no history by itself."""
    return forgetful.create_project("shop")


@pytest.fixture
def data(shop: Project) -> WALDatabase[dict[str, Any]]:
    """Its main branch."""
    return WALDatabase(shop.branch())


def shown(database: Any, **point: Any) -> list[dict[str, Any]]:
    view = database.at(**point) if point else database
    return sorted(view["users"].find(), key=lambda document: str(document["_id"]))


def rows_of(argon: Argon, plain: Database[Any]) -> int:
    """How many rows there are of documents, physically."""
    names = [name for name in plain.list_collection_names() if name.startswith("rows_")]
    return sum(plain[name].count_documents({}) for name in names)


@pytest.fixture
def plain(forgetful: Argon) -> Database[Any]:
    """The database that holds everything, as it is."""
    database: Database[Any] = forgetful.mongo[forgetful.database]
    return database


def test_nothing_goes_before_its_time(
    forgetful: Argon, shop: Project, data: WALDatabase[Any], plain: Database[Any]
) -> None:
    forgetful.terms = Terms(retention=3600.0, grace=0.0)
    data["users"].insert_one({"_id": 1, "n": 0})
    data["users"].update_many({}, {"$inc": {"n": 1}})
    before = [*plain["wal_log"].find()], rows_of(forgetful, plain)
    report = shop.gc()
    assert (report.rows, report.entries, report.compacted) == (0, 0, 0)
    assert ([*plain["wal_log"].find()], rows_of(forgetful, plain)) == before
    assert shown(data, lsn=4) == [{"_id": 1, "n": 0}]


@pytest.mark.parametrize("at", ["_changes_of_log", "_to_delete"])
def test_a_collection_that_another_overtakes_looks_again(
    mongod_uri: str,
    forgetful: Argon,
    shop: Project,
    data: WALDatabase[Any],
    plain: Database[Any],
    monkeypatch: pytest.MonkeyPatch,
    at: str,
) -> None:
    """What the first one keeps goes meanwhile, so what it had made of the log is wrong."""
    for number in range(8):
        data["users"].update_one({"_id": 1}, {"$set": {"n": number}}, upsert=True)
        if number == 0:
            shop.create_tag("first")
    overtaken: list[int] = []
    planned = getattr(Sweep, at)

    def plan(self: Any, *arguments: Any) -> Any:
        done = yield from planned(self, *arguments) if at == "_changes_of_log" else iter(())
        if not overtaken:
            overtaken.append(0)
            shop.delete_tag("first")
            with Argon(mongod_uri, database=forgetful.database) as other:
                other.terms = AT_ONCE
                overtaken.append(other.project("shop").gc().rows)
        return done if at == "_changes_of_log" else (yield from planned(self, *arguments))

    monkeypatch.setattr(Sweep, at, plan)
    report = shop.gc()
    assert overtaken[1] > 0
    assert rows_of(forgetful, plain) == 1
    assert report.rows + overtaken[1] == 7
    assert shown(data) == [{"_id": 1, "n": 7}]
    assert shop.verify().problems == []


def test_a_dry_run_tells_what_a_run_does_and_does_nothing(shop: Project, data: WALDatabase[Any]) -> None:
    users = data["users"]
    users.insert_many([{"_id": number} for number in range(5)])
    for number in range(4):
        users.update_many({}, {"$set": {"n": number}})
        if number == 1:
            shop.create_tag("half")
    users.delete_many({"_id": {"$lt": 3}})
    foretold = shop.gc(dry_run=True)
    assert shown(data, lsn=8) != []
    assert foretold.rows > 10
    done = shop.gc()
    for name in ("rows", "row_bytes", "entries", "entry_bytes", "compacted", "branches", "stores"):
        assert getattr(foretold, name) == getattr(done, name), name
    again = shop.gc()
    assert (again.rows, again.entries, again.compacted) == (0, 0, 0)
    assert shop.verify().ok


def test_one_version_of_each_document_is_left_where_nothing_holds_another(
    forgetful: Argon, shop: Project, data: WALDatabase[Any], plain: Database[Any]
) -> None:
    users = data["users"]
    users.insert_many([{"_id": number} for number in range(4)])
    for number in range(4):
        users.update_many({}, {"$set": {"n": number}})
    users.delete_many({"_id": {"$gte": 3}})
    shop.gc()
    assert rows_of(forgetful, plain) == 3
    about = {"operation": {"$in": ["insert", "update", "delete"]}}
    assert plain["wal_log"].count_documents(about) == 3
    assert shown(data) == [{"_id": number, "n": 3} for number in range(3)]
    report = shop.verify()
    assert report.problems == []
    assert shop.rebuild().rows == 4  # the collection's own record
    assert shown(data) == [{"_id": number, "n": 3} for number in range(3)]


def test_tags_and_forks_hold_their_points_and_every_way_to_others_is_refused(
    shop: Project, data: WALDatabase[Any]
) -> None:
    main, users = shop.branch(), data["users"]
    users.insert_one({"_id": 1, "n": 0})
    lsns = []
    for number in range(1, 9):
        users.update_one({"_id": 1}, {"$set": {"n": number}})
        lsns.append(main.head_lsn)
    shop.create_tag("tagged", at=f"main@{lsns[2]}")
    fork = shop.create_branch("fork", at=lsns[4])
    time = next(entry.timestamp for entry in main.log() if entry.lsn == lsns[1])
    shop.gc()
    assert shown(data, tag="tagged") == shown(data, lsn=lsns[2]) == [{"_id": 1, "n": 3}]
    assert shown(data, lsn=lsns[4]) == shown(WALDatabase(fork)) == [{"_id": 1, "n": 5}]
    assert shown(data, lsn=lsns[7]) == [{"_id": 1, "n": 8}]
    assert shop.create_branch("from-tag", at="tagged").base_lsn == lsns[2]
    gone = lsns[1]
    for way in (
        lambda: shown(data, lsn=gone),
        lambda: shown(data, time=time),
        lambda: main.restore(lsn=gone),
        lambda: shop.create_branch("new", at=gone),
        lambda: shop.create_tag("new", at=f"main@{gone}"),
        lambda: shop.diff(f"main@{gone}", "main"),
        lambda: Materializer(shop._argon).replay(main, "users", gone),
    ):
        with pytest.raises(HistoryExpired, match=str(main.horizon_lsn)):
            way()
    assert {branch.name for branch in shop.branches()} == {"main", "fork", "from-tag"}
    assert [tag.name for tag in shop.tags()] == ["tagged"]
    assert len(shop.diff("tagged", "main").spaces[0].modified) == 1
    shop.delete_branch("from-tag")
    shop.delete_tag("tagged")
    shop.gc()
    with pytest.raises(HistoryExpired):
        shown(data, lsn=lsns[2])
    assert shown(data, lsn=lsns[4]) == [{"_id": 1, "n": 5}]
    assert shop.verify().ok


def test_the_window_begins_with_the_state_at_its_beginning(
    monkeypatch: pytest.MonkeyPatch, shop: Project, data: WALDatabase[Any]
) -> None:
    main, users = shop.branch(), data["users"]
    for number in range(6):
        users.update_one({"_id": 1}, {"$set": {"n": number}}, upsert=True)
    third = main.log()[2]
    now = shop.engine.clock.now()
    shop.set_retention(now - third.timestamp + timedelta(microseconds=1))
    with monkeypatch.context() as patch:
        patch.setattr(shop.engine.clock, "now", lambda: now)
        shop.gc()
    horizon = main.horizon_lsn
    assert 0 < horizon < third.lsn
    assert shown(data, lsn=horizon)[0]["n"] < shown(data, lsn=third.lsn)[0]["n"] < 5
    assert shown(data, time=third.timestamp) == shown(data, lsn=third.lsn)
    with pytest.raises(HistoryExpired):
        shown(data, lsn=horizon - 1)
    shop.set_retention("30d")
    shop.gc()
    assert main.horizon_lsn == horizon  # what has gone does not come back


def test_a_branch_goes_by_itself_then_by_its_project_then_by_the_settings(
    forgetful: Argon, shop: Project, data: WALDatabase[Any]
) -> None:
    main = shop.branch()
    assert main.retention == shop.retention == 0.0
    shop.set_retention("2d")
    assert main.retention == 2 * 86400.0
    main.set_retention(timedelta(hours=1))
    assert (main.retention, shop.retention) == (3600.0, 2 * 86400.0)
    main.set_retention("forever")
    shop.set_retention(None)
    assert (main.retention, shop.retention) == (float("inf"), 0.0)
    data["users"].update_one({"_id": 1}, {"$set": {"n": 1}}, upsert=True)
    data["users"].update_one({"_id": 1}, {"$set": {"n": 2}})
    assert shop.gc().rows == 0
    assert shop.verify().ok
    assert forgetful.project("shop").branch().retention == float("inf")
    main.set_retention(None)
    assert shop.gc().rows == 1
    assert shop.verify().ok


def test_a_deleted_branch_can_come_back_until_its_time_has_passed(
    forgetful: Argon, shop: Project, data: WALDatabase[Any], plain: Database[Any]
) -> None:
    data["users"].insert_many([{"_id": number} for number in range(5)])
    shop.set_retention("1h")
    rows, entries = rows_of(forgetful, plain), plain["wal_log"].count_documents({})
    child = WALDatabase(shop.create_branch("child"))
    child["users"].delete_one({"_id": 1})
    child["users"].update_one({"_id": 2}, {"$set": {"own": True}})
    child["users"].insert_one({"_id": 9})
    child.drop_collection("none")
    child["own"].insert_one({})
    seen = shown(child)
    shop.delete_branch("child")
    assert shop.gc().branches == []
    assert shown(WALDatabase(shop.undelete_branch("child"))) == seen
    shop.delete_branch("child")
    shop.set_retention(0)
    report = shop.gc()
    assert report.branches == ["child"]
    assert len(report.stores) == 1
    with pytest.raises(BranchNotFound):
        shop.undelete_branch("child")
    assert rows_of(forgetful, plain) == rows
    assert plain["branches"].count_documents({}) == 1
    # Two entries say how long history is kept.
    assert plain["wal_log"].count_documents({}) == entries + 1
    names = [name for name in plain.list_collection_names() if name.startswith("rows_")]
    assert not any(plain[name].count_documents({"s": {"$exists": True}}) for name in [*names, "collections"])
    assert shown(data) == [{"_id": number} for number in range(5)]
    assert shop.verify().ok


def test_a_deleted_branch_stays_as_far_as_a_child_or_a_tag_needs_it(
    shop: Project, data: WALDatabase[Any]
) -> None:
    data["users"].insert_one({"_id": 1, "n": 0})
    middle = shop.create_branch("middle")
    WALDatabase(middle)["users"].update_one({"_id": 1}, {"$set": {"n": 1}})
    child = WALDatabase(shop.create_branch("child", parent="middle"))
    WALDatabase(middle)["users"].update_one({"_id": 1}, {"$set": {"n": 2}})
    shop.create_tag("last", at="middle")
    WALDatabase(middle)["users"].update_one({"_id": 1}, {"$set": {"n": 3}})
    shop.delete_branch("middle", force=True)
    assert shop.gc().branches == []
    assert shown(child) == [{"_id": 1, "n": 1}]
    assert shop.diff("last", "child").summary.total_modified == 1
    assert shop.verify().ok
    shop.delete_tag("last")
    assert shop.gc().rows == 1
    assert shown(child) == [{"_id": 1, "n": 1}]
    assert shop.verify().ok
    shop.delete_branch("child")
    assert sorted(shop.gc().branches) == ["child", "middle"]
    assert shown(data) == [{"_id": 1, "n": 0}]
    assert shop.verify().ok


def test_branches_merge_as_if_nothing_had_gone(shop: Project, data: WALDatabase[Any]) -> None:
    main = shop.branch()
    data["users"].insert_many([{"_id": number, "n": 0} for number in range(4)])
    feature = shop.create_branch("feature")
    branch = WALDatabase(feature)
    for turn in range(1, 4):
        branch["users"].update_one({"_id": 1}, {"$set": {"n": turn}})
        data["users"].update_one({"_id": 2}, {"$set": {"m": turn}})
        shop.gc()
        assert main.merge(feature).documents_applied == 1
        shop.gc()
        assert feature.merge(main).documents_applied == 1
        shop.gc()
        assert shown(data) == shown(branch)
    assert shown(data)[1:3] == [{"_id": 1, "n": 3}, {"_id": 2, "n": 0, "m": 3}]
    assert shop.verify().ok


def test_a_dropped_collection_goes_once_nobody_can_see_it(
    forgetful: Argon, shop: Project, data: WALDatabase[Any], plain: Database[Any]
) -> None:
    data["users"].insert_many([{"_id": number} for number in range(5)])
    child = shop.create_branch("child")
    data["users"].drop()
    shop.gc()
    assert shown(WALDatabase(child)) == [{"_id": number} for number in range(5)]
    shop.delete_branch("child")
    report = shop.gc()
    assert len(report.stores) == 1
    assert [name for name in plain.list_collection_names() if name.startswith("rows_")] == []
    assert plain["collections"].count_documents({}) == 0
    assert shop.verify().ok


def test_a_store_that_is_being_made_is_let_be(
    forgetful: Argon, shop: Project, data: WALDatabase[Any], plain: Database[Any]
) -> None:
    forgetful.terms = Terms(retention=0.0, grace=0.0)
    data["users"].insert_one({})
    data["users"].drop()
    assert shop.gc().stores == []
    forgetful.terms = AT_ONCE
    assert len(shop.gc().stores) == 1


def test_an_index_that_is_defined_nowhere_no_longer_refuses_documents(
    forgetful: Argon, shop: Project, data: WALDatabase[Any]
) -> None:
    data["users"].create_index([("place", "2dsphere")])
    data["users"].create_index("n")
    shop.create_tag("with")
    data["users"].drop_index("place_2dsphere")
    assert shop.gc().indexes == []
    shop.delete_tag("with")
    assert len(shop.gc().indexes) == 1
    data["users"].insert_one({"_id": 1, "place": "nowhere"})
    data["users"].drop_index("n_1")
    forgetful.terms = Terms(retention=0.0, grace=0.0)
    assert shop.gc().indexes == []  # it was seen unused for the first time
    assert shop.verify().ok


def test_classic_branches_and_deleted_projects_go_for_good(
    forgetful: Argon, plain: Database[Any], client: Any
) -> None:
    kept = forgetful.create_project("kept")
    WALDatabase(kept.branch())["users"].insert_one({"_id": 1})
    doomed = forgetful.create_project("doomed")
    WALDatabase(doomed.branch())["users"].insert_one({"_id": 1})
    doomed.create_tag("v1")
    doomed.create_branch("child", at="v1")
    forgetful.set_feature("wal_create_branch", False)
    physical = doomed.create_branch("classic").record.physical
    WALDatabase(doomed.branch("classic"))["users"].insert_one({"_id": 2})
    assert physical in client.list_database_names()
    forgetful.delete_project("doomed")
    reports = forgetful.gc()
    assert sorted(reports[1].branches) == ["child", "classic", "main"]
    assert reports[1].databases == [physical]
    assert physical not in client.list_database_names()
    for name in ("projects", "branches", "tags", "wal_log"):
        left = plain[name].distinct("_id" if name == "projects" else "project_id")
        assert left in ([], [kept.id])
    assert [report.project for report in forgetful.gc()] == ["kept"]
    assert shown(WALDatabase(kept.branch())) == [{"_id": 1}]
    assert kept.verify().ok


def test_a_change_stream_cannot_go_on_from_before_the_horizon(shop: Project, data: WALDatabase[Any]) -> None:
    data["users"].insert_one({"_id": 1})
    with data.watch(max_await_time_ms=1) as stream:
        early = stream.resume_token
        for number in range(3):
            data["users"].update_one({"_id": 1}, {"$set": {"n": number}})
        while (event := stream.try_next()) is not None:
            late = event["_id"]
    began = shop.branch().created_at
    shop.gc()
    with data.watch(resume_after=late, max_await_time_ms=1) as stream:
        data["users"].update_one({"_id": 1}, {"$set": {"n": 9}})
        assert stream.next()["updateDescription"]["updatedFields"] == {"n": 9}
    for options in (
        {"resume_after": early},
        {"start_at_operation_time": Timestamp(int(began.timestamp()), 1)},
    ):
        with (
            pytest.raises(OperationFailure) as refused,
            data.watch(max_await_time_ms=1, **options) as stream,
        ):
            stream.try_next()
        assert refused.value.code == 286


def test_a_fork_of_what_is_being_collected_is_refused(
    monkeypatch: pytest.MonkeyPatch, mongod_uri: str, forgetful: Argon, shop: Project, data: WALDatabase[Any]
) -> None:
    data["users"].insert_one({"_id": 1, "n": 0})
    point = shop.branch().head_lsn
    data["users"].update_one({"_id": 1}, {"$set": {"n": 1}})
    number = tables.new_number

    def collected_before(database: Any) -> Any:
        monkeypatch.setattr(branches, "new_number", number)
        with Argon(mongod_uri, database=forgetful.database) as other:
            other.terms = AT_ONCE
            assert other.project("shop").gc().rows == 1
        return (yield from number(database))

    monkeypatch.setattr(branches, "new_number", collected_before)
    with pytest.raises(HistoryExpired, match=str(point)):
        shop.create_branch("late", at=point)
    assert [branch.name for branch in shop.branches()] == ["main"]
    assert shop.branches(deleted=True) == []
    assert shop.gc().branches == ["late"]
    assert shop.verify().ok


def test_a_tag_of_what_is_being_collected_is_refused(
    mongod_uri: str, forgetful: Argon, shop: Project, data: WALDatabase[Any]
) -> None:
    data["users"].insert_one({"_id": 1, "n": 0})
    main = shop.branch()
    point = main.head_lsn
    data["users"].update_one({"_id": 1}, {"$set": {"n": 1}})
    with Argon(mongod_uri, database=forgetful.database) as other:
        other.terms = AT_ONCE
        shop.create_tag("early", at=f"main@{point}")
        shop.delete_tag("early")
        other.project("shop").gc()
    with pytest.raises(HistoryExpired, match=str(point)):
        from argon.io import run

        run(shop.engine.tags(shop.record).create("late", main.id, point))
    with pytest.raises(TagNotFound):
        shop.tag("late")


def test_readers_writers_and_two_collectors_do_not_disturb_one_another(
    mongod_uri: str, forgetful: Argon, shop: Project, data: WALDatabase[Any]
) -> None:
    """Money is moved all the time: whatever moment is seen, there is as much as ever."""
    accounts = 6
    data["users"].insert_many([{"_id": number, "n": 100} for number in range(accounts)])
    ended, errors, looks, swept = threading.Event(), list[BaseException](), list[int](), list[int]()

    def guarded(work: Any) -> threading.Thread:
        def run() -> None:
            try:
                with Argon(mongod_uri, database=forgetful.database) as other:
                    other.terms = Terms(retention=0.2, grace=2.0, batch=10)
                    while not ended.is_set():
                        work(other.project("shop"))
            except BaseException as error:
                errors.append(error)
                ended.set()

        return threading.Thread(target=run)

    def move(project: Project) -> None:
        with WALDatabase(project.branch()).commit() as group:
            group["users"].update_one({"_id": 0}, {"$inc": {"n": -1}})
            group["users"].update_one({"_id": 1}, {"$inc": {"n": 1}})

    def look(project: Project) -> None:
        branch = project.branch()
        for back in (0, 5, 50):
            try:
                seen = shown(WALDatabase(branch), lsn=max(2, branch.head_lsn - back))
            except PointNotFound:  # it has expired, or is another branch's
                continue
            assert len(seen) in (0, accounts)
            assert sum(one["n"] for one in seen) == 100 * len(seen)
            looks.append(back)

    def fork(project: Project) -> None:
        made = project.create_branch(f"f{len(looks)}-{len(swept)}", parent="main")
        assert sum(one["n"] for one in shown(WALDatabase(made))) == 100 * accounts
        project.delete_branch(made.name)

    def sweep(project: Project) -> None:
        swept.append(project.gc().rows)
        if len(swept) >= 6:
            ended.set()

    threads = [guarded(work) for work in (move, look, fork, sweep, sweep)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert looks
    assert sum(swept) > 0
    assert sum(one["n"] for one in shown(data)) == 100 * accounts
    assert shop.verify().problems == []


def test_a_branch_is_told_apart_by_what_it_takes(shop: Project, data: WALDatabase[Any]) -> None:
    documents = [{"_id": number, "text": "x" * number} for number in range(10)]
    data["users"].insert_many(documents)
    child = WALDatabase(shop.create_branch("child"))
    child["users"].update_one({"_id": 3}, {"$set": {"text": "other"}})
    child["users"].update_one({"_id": 3}, {"$set": {"text": "another"}})
    child["users"].delete_one({"_id": 4})
    measured = shop.branch("child").size()
    [users] = [one for one in measured.collections if one.name == "users"]
    live = list(child["users"].find())
    assert (users.documents.count, users.documents.bytes) == (9, sum(len(encode(one)) for one in live))
    assert (users.own.count, users.own.bytes) == (1, len(encode({"_id": 3, "text": "another"})))
    assert users.inherited.count == 8
    assert users.history.count == 1
    assert measured.log.count == 4
    whole = shop.size()
    assert [branch.branch for branch in whole.branches] == ["main", "child"]
    assert whole.branches[0].own.bytes == sum(len(encode(one)) for one in documents)
    assert whole.bytes == sum(branch.bytes for branch in whole.branches)
    assert whole.indexes > 0


def test_what_a_branch_takes_on_all_its_lines(
    shop: Project, plain: Database[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("argon.merging.outcome.LARGE_CHANGES", 2)
    monkeypatch.setattr("argon.engine.large.MAX_CHANGES", 2)
    work = shop.create_branch("work")
    users = WALDatabase(work)["users"]
    for merged in range(2):
        users.insert_many([{"_id": f"{merged}{number}"} for number in range(5)])
        users.update_many({}, {"$set": {"n": merged}})
        child = WALDatabase(shop.create_branch(f"child{merged}", parent="work"))["users"]
        child.update_many({}, {"$set": {"merged": merged}})
        child.delete_one({"_id": f"{merged}0"})
        child.insert_many([{"_id": f"new{merged}{number}"} for number in range(3)])
        work.merge(f"child{merged}")
        users.update_one({"_id": "new00"}, {"$set": {"n": "after"}})
    whole = shop.size()
    assert [branch.branch for branch in whole.branches] == ["main", "work", "child0", "child1"]
    _, size, *_ = whole.branches
    assert work.size() == size
    assert (size.own.count, size.own.bytes) == (14, sum(len(encode(each)) for each in users.find()))
    assert size.inherited.count == 0
    # What is there is counted for one of the branches, and once.
    [store] = [name for name in plain.list_collection_names() if name.startswith("rows_")]
    rows = plain[store].count_documents({}) + plain["collections"].count_documents({})
    assert sum(each.own.count + each.history.count for each in whole.branches) == rows
    entries = plain["wal_log"].count_documents({"branch_id": {"$ne": shop.id}})
    assert sum(each.log.count for each in whole.branches) == entries
    assert min(whole.indexes, whole.storage) > 0
    shop.delete_branch("work", force=True)
    [gone] = [each for each in shop.size().branches if each.branch == "work"]
    assert (gone.status, gone.own.count) == ("pending_delete", 0)
    assert gone.history.count == size.own.count + size.history.count


def test_a_large_commit_that_was_not_published_is_told_apart(
    shop: Project, data: WALDatabase[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("argon.merging.outcome.LARGE_CHANGES", 2)
    data["users"].insert_one({"_id": 0})
    WALDatabase(shop.create_branch("child"))["users"].insert_many([{"_id": number} for number in range(1, 6)])

    def fail(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("argon.engine.large.LargeCommit._publish", fail)
    with pytest.raises(KeyboardInterrupt):
        shop.branch("main").merge("child")
    sizes = [(each.branch, each.status, each.history.count) for each in shop.size().branches]
    assert sizes == [("main", "active", 1), ("child", "active", 0), ("main", "hidden", 5)]


def test_a_verification_misses_what_a_collection_has_left_and_damage_has_not(
    shop: Project, data: WALDatabase[Any], plain: Database[Any]
) -> None:
    data["users"].insert_many([{"_id": number, "n": 0} for number in range(3)])
    data["users"].update_many({}, {"$set": {"n": 1}})
    shop.create_tag("held")
    data["users"].update_many({}, {"$set": {"n": 2}})
    shop.gc()
    [store] = [name for name in plain.list_collection_names() if name.startswith("rows_")]
    for row in plain[store].find():
        plain[store].delete_one({"_id": row["_id"]})
        assert not shop.verify().ok
        plain[store].insert_one(row)
    for entry in plain["wal_log"].find({"operation": {"$in": ["insert", "update", "delete"]}}):
        plain["wal_log"].delete_one({"_id": entry["_id"]})
        assert not shop.verify().ok
        plain["wal_log"].insert_one(entry)
    assert shop.verify().ok
