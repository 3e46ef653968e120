"""What branches and projects take."""

from __future__ import annotations

from typing import Any

import pytest
from bson import encode
from pymongo.database import Database

from argon import Project, WALDatabase


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
