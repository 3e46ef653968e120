"""Collections beside forks, tags, readers, writers and one another."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from pymongo.database import Database

from argon import Argon, Project, WALDatabase
from argon.catalog import branches, tables
from argon.errors import HistoryExpired, PointNotFound, TagNotFound
from argon.gc.collect import Terms
from argon.gc.versions import Sweep

from .conftest import AT_ONCE, rows_of, shown


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
    assert rows_of(plain) == 1
    assert report.rows + overtaken[1] == 7
    assert shown(data) == [{"_id": 1, "n": 7}]
    assert shop.verify().problems == []


def test_a_fork_of_what_is_being_collected_is_refused(
    monkeypatch: pytest.MonkeyPatch, mongod_uri: str, forgetful: Argon, shop: Project, data: WALDatabase[Any]
) -> None:
    data["users"].insert_one({"_id": 1, "n": 0})
    point = shop.branch().head_lsn
    data["users"].update_one({"_id": 1}, {"$set": {"n": 1}})
    number = tables.new_number

    def collected_before(database: Any, **how: Any) -> Any:
        monkeypatch.setattr(branches, "new_number", number)
        with Argon(mongod_uri, database=forgetful.database) as other:
            other.terms = AT_ONCE
            assert other.project("shop").gc().rows == 1
        return (yield from number(database, **how))

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
