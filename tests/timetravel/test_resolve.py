"""From a point in time to an LSN, on the branch itself and on what it has inherited."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from argon import Branch, Project, WALDatabase
from argon.errors import InvalidPoint, PointNotFound, ReadOnlyView


def _ids(db: WALDatabase) -> list[int]:
    return sorted(document["_id"] for document in db["users"].find())


def test_a_time_shows_exactly_what_was_done_by_then(main: Branch, db: WALDatabase) -> None:
    times = []
    for number in range(30):
        db["users"].insert_one({"_id": number})
        times.append(datetime.now(UTC))
    for number, moment in enumerate(times):
        assert _ids(db.at(time=moment)) == list(range(number + 1))


def test_a_time_on_inherited_history_counts_when_it_was_written(
    project: Project, main: Branch, db: WALDatabase
) -> None:
    db["users"].insert_one({"_id": 1})
    first = datetime.now(UTC)
    db["users"].insert_one({"_id": 2})
    child = project.create_branch("child")
    grandchild = project.create_branch("grandchild", parent="child")
    db["users"].insert_one({"_id": 3})
    WALDatabase(grandchild)["users"].insert_one({"_id": 4})
    for branch in (child, grandchild):
        assert _ids(WALDatabase(branch).at(time=first)) == [1]
        restored = branch.restore(time=first)
        assert _ids(WALDatabase(restored)) == [1]
        assert restored.name == f"{branch.name}-restore-{restored.base_lsn}"
    assert _ids(WALDatabase(grandchild)) == [1, 2, 4]


def test_restore_is_a_new_branch_and_leaves_the_old_one(
    main: Branch, db: WALDatabase, project: Project
) -> None:
    db["users"].insert_many([{"_id": n} for n in range(3)])
    then = main.head_lsn
    db["users"].delete_many({})
    restored = main.restore(lsn=then)
    assert restored.name == f"main-lsn-{then}"
    assert _ids(WALDatabase(restored)) == [0, 1, 2]
    assert _ids(db) == []
    WALDatabase(restored)["users"].insert_one({"_id": 9})
    assert _ids(WALDatabase(project.branch(restored.name))) == [0, 1, 2, 9]


def test_restore_to_before_the_branch_began(project: Project, main: Branch, db: WALDatabase) -> None:
    db["users"].insert_one({"_id": 1})
    then = main.head_lsn
    db["users"].insert_one({"_id": 2})
    child = project.create_branch("child")
    WALDatabase(child)["users"].delete_one({"_id": 1})
    restored = child.restore(lsn=then, name="back")
    users = WALDatabase(restored)["users"]
    assert _ids(WALDatabase(restored)) == [1]
    users.update_one({"_id": 1}, {"$set": {"v": 1}})
    assert users.find_one() == {"_id": 1, "v": 1}
    assert db["users"].find_one({"_id": 1}) == {"_id": 1}


def test_points_outside_the_history_name_the_range(project: Project, main: Branch, db: WALDatabase) -> None:
    db["users"].insert_one({"_id": 1})
    head = main.head_lsn
    for wrong in (head + 1, 0, 1, 10**15):
        with pytest.raises(PointNotFound, match=rf"LSNs 2 to {head}"):
            db.at(lsn=wrong)
    with pytest.raises(PointNotFound, match="before the project began"):
        db.at(time=main.created_at - timedelta(seconds=5))
    with pytest.raises(PointNotFound, match="before the project began"):
        db.at(ago=timedelta(days=1))


def test_an_lsn_of_another_branch_is_not_in_the_history(
    project: Project, main: Branch, db: WALDatabase
) -> None:
    db["users"].insert_one({"_id": 1})
    other = project.create_branch("other")
    WALDatabase(other)["users"].insert_one({"_id": 2})
    foreign = other.head_lsn
    db["users"].insert_one({"_id": 3})
    assert foreign < main.head_lsn
    with pytest.raises(PointNotFound, match="another branch"):
        db.at(lsn=foreign)


def test_points_that_are_none(db: WALDatabase) -> None:
    with pytest.raises(InvalidPoint, match="naive"):
        db.at(time=datetime(2026, 1, 1))
    with pytest.raises((InvalidPoint, TypeError)):
        db.at()
    with pytest.raises((InvalidPoint, TypeError)):
        db.at(lsn=1, time=datetime.now(UTC))


def test_the_past_is_read_only_and_has_the_whole_query_api(main: Branch, db: WALDatabase) -> None:
    users = db["users"]
    users.insert_many([{"_id": n, "age": n % 5} for n in range(20)])
    users.create_index("age")
    then = main.head_lsn
    users.update_many({}, {"$inc": {"age": 100}})
    past = users.at(lsn=then)
    assert [d["_id"] for d in past.find({"age": {"$gt": 3}}).sort([("age", 1), ("_id", -1)])] == [
        19,
        14,
        9,
        4,
    ]
    assert past.count_documents({"age": 0}) == 4
    assert sorted(past.distinct("age")) == [0, 1, 2, 3, 4]
    [total] = past.aggregate([{"$group": {"_id": None, "n": {"$sum": "$age"}}}])
    assert total["n"] == 40
    with pytest.raises(ReadOnlyView, match="read-only"):
        past.insert_one({})


def test_dropped_and_renamed_collections_are_there_in_the_past(main: Branch, db: WALDatabase) -> None:
    db["users"].insert_one({"_id": 1})
    before = main.head_lsn
    db["users"].rename("people")
    between = main.head_lsn
    db["people"].drop()
    db["people"].insert_one({"_id": "new"})
    assert db.at(lsn=before).list_collection_names() == ["users"]
    assert db.at(lsn=before)["users"].find_one() == {"_id": 1}
    assert db.at(lsn=between)["people"].find_one() == {"_id": 1}
    assert db["people"].find_one() == {"_id": "new"}
    restored = main.restore(lsn=between)
    assert WALDatabase(restored)["people"].find_one() == {"_id": 1}


def test_a_fresh_branch_can_be_seen_at_its_creation(project: Project, main: Branch, db: WALDatabase) -> None:
    db["users"].insert_one({"_id": 1})
    child = project.create_branch("child")
    created = child.log(limit=1)[0].lsn
    assert created > child.head_lsn
    again = project.create_branch("again", parent="child", at=created)
    WALDatabase(child)["users"].insert_one({"_id": 2})
    assert _ids(WALDatabase(child).at(lsn=created)) == [1]
    assert _ids(WALDatabase(again)) == [1]
    assert project.verify().problems == []


def test_an_lsn_inside_a_commit_shows_the_whole_of_it(
    project: Project, main: Branch, db: WALDatabase
) -> None:
    db["users"].insert_many([{"_id": number, "n": 0} for number in range(4)])
    states = {main.head_lsn: 0}
    for turn in (1, 2):
        # One of them stays as it is, so that an LSN of the commit has no entry.
        db["users"].update_many({}, [{"$set": {"n": {"$cond": [{"$eq": ["$_id", 1]}, 0, turn]}}}])
        states[main.head_lsn] = turn
    ends = sorted(states)
    later = project.create_branch("later")
    WALDatabase(later)["users"].update_many({}, {"$set": {"n": 3}})
    assert ends[-1] - ends[0] >= 6
    for branch in (main, later):
        for lsn in range(ends[0], ends[-1] + 1):
            expected = states[min(end for end in ends if end >= lsn)]
            views = [
                WALDatabase(branch).at(lsn=lsn),
                WALDatabase(branch.restore(lsn=lsn, name=f"{branch.name}-{lsn}")),
                WALDatabase(project.create_branch(f"from-{branch.name}-{lsn}", parent=branch.name, at=lsn)),
            ]
            for view in views:
                found = [user["n"] for user in view["users"].find({"_id": {"$ne": 1}}).sort("_id", 1)]
                assert found == [expected] * 3, lsn


def test_an_lsn_inside_the_first_commit_of_a_branch_shows_the_whole_of_it(
    project: Project, main: Branch, db: WALDatabase
) -> None:
    db["users"].insert_many([{"_id": number} for number in range(4)])
    child = project.create_branch("child")
    WALDatabase(child)["users"].delete_many({})
    for lsn in range(child.head_lsn - 3, child.head_lsn):
        assert _ids(WALDatabase(child).at(lsn=lsn)) == []
    assert _ids(WALDatabase(child).at(lsn=child.base_lsn)) == [0, 1, 2, 3]
