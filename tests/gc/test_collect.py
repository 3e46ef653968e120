"""What a collection takes, what it leaves, and what is said of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from bson import Timestamp
from pymongo.database import Database
from pymongo.errors import OperationFailure

from argon import Argon, Materializer, Project, WALDatabase
from argon.errors import BranchNotFound, HistoryExpired
from argon.gc.collect import Terms

from .conftest import AT_ONCE, rows_of, shown


def test_nothing_goes_before_its_time(
    forgetful: Argon, shop: Project, data: WALDatabase[Any], plain: Database[Any]
) -> None:
    forgetful.terms = Terms(retention=3600.0, grace=0.0)
    data["users"].insert_one({"_id": 1, "n": 0})
    data["users"].update_many({}, {"$inc": {"n": 1}})
    before = [*plain["wal_log"].find()], rows_of(plain)
    report = shop.gc()
    assert (report.rows, report.entries, report.compacted) == (0, 0, 0)
    assert ([*plain["wal_log"].find()], rows_of(plain)) == before
    assert shown(data, lsn=4) == [{"_id": 1, "n": 0}]


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
    shop: Project, data: WALDatabase[Any], plain: Database[Any]
) -> None:
    users = data["users"]
    users.insert_many([{"_id": number} for number in range(4)])
    for number in range(4):
        users.update_many({}, {"$set": {"n": number}})
    users.delete_many({"_id": {"$gte": 3}})
    shop.gc()
    assert rows_of(plain) == 3
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
    shop: Project, data: WALDatabase[Any], plain: Database[Any]
) -> None:
    data["users"].insert_many([{"_id": number} for number in range(5)])
    shop.set_retention("1h")
    rows, entries = rows_of(plain), plain["wal_log"].count_documents({})
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
    assert rows_of(plain) == rows
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
    shop: Project, data: WALDatabase[Any], plain: Database[Any]
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
