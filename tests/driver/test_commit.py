"""``with db.commit(...)``: all of a group lands as one commit, or none of it."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import InsertOne, UpdateOne
from pymongo.errors import (
    BulkWriteError,
    DuplicateKeyError,
    InvalidOperation,
    OperationFailure,
    WriteError,
)

from argon.engine import transaction
from argon.engine.staging import stage_at_once
from argon.errors import ReadOnlyView

from .parity import Faces


@pytest.fixture(params=["main", "child"])
def view(request: pytest.FixtureRequest, writing: Faces) -> Any:
    return writing.views[request.param]


def test_a_group_is_one_commit_with_author_and_message(view: Any) -> None:
    with view.commit("tidy up", author="ann") as group:
        group.users.insert_one({"_id": "new"})
        group.users.update_one({"_id": 4}, {"$set": {"age": 99}})
        group.users.delete_one({"_id": 5})
        group.fresh.insert_one({"_id": 1})
    entries = view.branch.log(limit=5)
    assert {entry.commit for entry in entries} == {view.branch.head_lsn}
    assert {(entry.author, entry.message) for entry in entries} == {("ann", "tidy up")}
    assert [entry.operation for entry in entries].count("insert") == 2
    assert view.users.find_one("new") is not None
    assert view.users.find_one(4)["age"] == 99
    assert view.users.find_one(5) is None
    assert view.fresh.count_documents({}) == 1


def test_a_group_reads_its_own_writes_and_nobody_else_does(view: Any) -> None:
    before = view.users.count_documents({})
    with view.commit() as group:
        group.users.insert_many([{"_id": "a", "age": 22}, {"_id": "b", "age": 22}])
        group.users.update_many({"age": 22}, {"$set": {"seen": True}})
        group.users.delete_one({"_id": "b"})
        seen = group.users.count_documents({"seen": True})
        assert seen == len(list(group.users.find({"seen": True})))
        assert group.users.find_one({"_id": "a"})["seen"]
        assert group.users.find_one({"_id": "b"}) is None
        assert group.users.distinct("seen") == [True]
        [counted] = group.users.aggregate([{"$match": {"seen": True}}, {"$count": "n"}])
        assert counted["n"] == seen
        assert len(list(group.users.find().sort("age", 1))) == before + 1
        lookup = {"from": "users", "localField": "_id", "foreignField": "_id", "as": "self"}
        [joined] = group.users.aggregate([{"$match": {"_id": "a"}}, {"$lookup": lookup}])
        assert joined["self"][0]["seen"]
        assert view.users.count_documents({}) == before
        assert view.users.find_one({"_id": "a"}) is None
    assert view.users.count_documents({"seen": True}) == seen


def test_an_exception_leaves_nothing(view: Any) -> None:
    before, head = list(view.users.find()), view.branch.head_lsn
    with pytest.raises(RuntimeError, match="stop"), view.commit() as group:
        group.users.delete_many({})
        group.fresh.insert_one({"_id": 1})
        group.users.create_index("name")
        raise RuntimeError("stop")
    assert list(view.users.find()) == before
    assert view.branch.head_lsn == head
    assert "fresh" not in view.list_collection_names()
    assert "name_1" not in view.users.index_information()


def test_an_error_ends_the_group_as_it_ends_a_transaction(view: Any) -> None:
    head = view.branch.head_lsn
    with pytest.raises(DuplicateKeyError), view.commit() as group:
        group.users.insert_one({"_id": "a"})
        group.users.insert_one({"_id": 4})
    assert view.branch.head_lsn == head
    assert view.users.find_one("a") is None


def test_a_group_of_nothing_writes_nothing(view: Any) -> None:
    head = view.branch.head_lsn
    with view.commit("nothing"):
        pass
    with view.commit("reads") as group:
        group.users.find_one(4)
    with view.commit("there and back") as group:
        group.users.insert_one({"_id": "x"})
        group.users.delete_one({"_id": "x"})
    assert view.branch.head_lsn == head


def test_a_group_that_has_ended_is_refused(view: Any) -> None:
    with view.commit() as group:
        group.users.insert_one({"_id": "x"})
    with pytest.raises(InvalidOperation, match="ended"):
        group.users.insert_one({"_id": "y"})
    with pytest.raises(InvalidOperation, match="ended"):
        group.users.find_one()


def test_the_first_to_commit_wins(view: Any) -> None:
    with pytest.raises(OperationFailure) as caught, view.commit() as group:
        group.users.find_one(4)
        view.users.update_one({"_id": 4}, {"$set": {"by": "somebody"}})
        group.users.update_one({"_id": 4}, {"$set": {"by": "group"}})
    assert caught.value.code == 112
    assert caught.value.details["errorLabels"] == ["TransientTransactionError"]
    assert view.users.find_one(4)["by"] == "somebody"


def test_others_may_change_other_documents(view: Any) -> None:
    with view.commit() as group:
        group.users.update_one({"_id": 4}, {"$set": {"by": "group"}})
        view.users.update_one({"_id": 6}, {"$set": {"by": "somebody"}})
        assert "by" not in group.users.find_one(6)
    assert [view.users.find_one(n)["by"] for n in (4, 6)] == ["group", "somebody"]


def test_every_write_method_joins_the_group(view: Any) -> None:
    with view.commit() as group:
        users = group.users
        users.insert_one({"_id": "1"})
        users.insert_many([{"_id": "2"}, {"_id": "3"}])
        users.update_one({"_id": "1"}, {"$set": {"x": 1}})
        users.update_many({"_id": {"$in": ["2", "3"]}}, [{"$set": {"x": 2}}])
        users.replace_one({"_id": "4"}, {"x": 4}, upsert=True)
        assert users.find_one_and_update({"_id": "4"}, {"$inc": {"x": 1}}, return_document=True)["x"] == 5
        assert users.find_one_and_replace({"_id": "3"}, {"x": 3})["x"] == 2
        assert users.find_one_and_delete({"_id": "2"})["x"] == 2
        users.bulk_write([InsertOne({"_id": "5"}), UpdateOne({"_id": "5"}, {"$set": {"x": 5}})])
        users.delete_one({"_id": "1"})
        users.delete_many({"age": 22})
        users.aggregate([{"$match": {"_id": {"$in": ["3", "4", "5"]}}}, {"$merge": "copy"}])
        assert {document["_id"]: document["x"] for document in group.copy.find()} == {"3": 3, "4": 5, "5": 5}
    assert len({entry.commit for entry in view.branch.log(limit=6)}) == 1
    assert {document["_id"]: document["x"] for document in view.copy.find()} == {"3": 3, "4": 5, "5": 5}
    assert view.users.count_documents({"age": 22}) == 0


def test_definitions_join_the_group(view: Any) -> None:
    with view.commit() as group:
        group.create_collection("ruled", validator={"n": {"$gt": 0}})
        group.ruled.insert_one({"_id": 1, "n": 1})
        group.ruled.create_index("n", unique=True)
        group.create_collection("seen", viewOn="ruled")
        group.users.rename("people")
        group.people.insert_one({"_id": "new"})
        assert group.seen.count_documents({}) == 1
        assert sorted(group.list_collection_names()) == ["people", "ruled", "seen"]
        assert view.list_collection_names() == ["users"]
    assert sorted(view.list_collection_names()) == ["people", "ruled", "seen"]
    assert view.people.find_one("new") is not None
    assert "n_1" in view.ruled.index_information()
    with view.commit() as group:
        group.people.rename("users")
        group.ruled.drop()
        group.drop_collection("seen")
    assert view.list_collection_names() == ["users"]


def test_a_rule_holds_in_a_group(view: Any) -> None:
    view.create_collection("ruled", validator={"n": {"$gt": 0}})
    with pytest.raises(OperationFailure) as caught, view.commit() as group:
        group.ruled.insert_one({"_id": 1, "n": -1})
    assert caught.value.code == 121
    assert view.ruled.count_documents({}) == 0


def test_more_than_one_page_in_a_group(view: Any) -> None:
    with view.commit("many") as group:
        group.many.insert_many([{"_id": n} for n in range(1200)])
        group.many.update_many({}, {"$set": {"x": 1}})
    assert view.many.count_documents({"x": 1}) == 1200
    assert len({entry.commit for entry in view.branch.log(limit=1201)}) == 1


def test_the_past_has_no_groups(view: Any) -> None:
    with pytest.raises(ReadOnlyView), view.at(lsn=view.branch.head_lsn).commit():
        raise AssertionError("never reached")


def test_a_view_refuses_a_group_as_it_refuses_anybody(view: Any) -> None:
    view.create_collection("seen", viewOn="users", pipeline=[])
    with pytest.raises(BulkWriteError) as refused, view.commit() as group:
        group.users.insert_one({"_id": "new"})
        group.seen.insert_many([{"_id": 1}, {"_id": 2}])
    assert [error["code"] for error in refused.value.details["writeErrors"]] == [166]
    assert view.users.find_one("new") is None


def test_many_collections_in_a_group_are_staged_once(view: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    staged: list[int] = []

    def staging(engine: Any, number: int, session: Any, lsn: int, changes: Any) -> Any:
        staged.append(len(changes))
        return stage_at_once(engine, number, session, lsn, changes)

    monkeypatch.setattr(transaction, "stage_at_once", staging)
    before = set(view.list_collection_names())
    with pytest.raises(WriteError), view.commit() as group:
        group.users.delete_one({"_id": 4})
        for number in range(8):
            group.create_collection(f"new{number}")
        for number in range(4):
            group[f"implicit{number}"].insert_one({"_id": 1})
        assert staged == []
        assert [group[f"implicit{number}"].count_documents({}) for number in range(4)] == [1] * 4
        assert staged == [9 + 2 * 4]
        names = {f"new{number}" for number in range(8)} | {f"implicit{number}" for number in range(4)}
        assert set(group.list_collection_names()) == before | names
        group.new0.insert_one({"_id": 1})
        group.implicit0.insert_one({"_id": 3})
        assert len(staged) == 1
        group.new1.insert_many([{"_id": 1}, {"_id": 2}])
        group.create_collection("last", validator={"n": 1})
        group.new1.update_one({"_id": 2}, {"$set": {"n": 2}})
        group.last.insert_one({"n": 2})
    assert set(view.list_collection_names()) == before
    with view.commit() as group:
        for number in range(4):
            group.create_collection(f"new{number}")
        group.drop_collection("new0")
        group.new1.rename("renamed")
        group.new2.create_index("n", unique=True)
        group.new2.insert_one({"n": 1})
        group.create_collection("new4")
        group.new5.insert_one({"_id": 1})
        group.new5.update_one({"_id": 1}, {"$set": {"n": 1}})
        group.new6.insert_many([{"_id": 1}, {"_id": 2}])
        assert group.new4.find_one() is None
        assert group.new2.count_documents({}) == 1
    assert set(view.list_collection_names()) == before | {f"new{number}" for number in range(2, 7)} | {
        "renamed"
    }
    assert list(view.new5.find()) == [{"_id": 1, "n": 1}]
    assert [each["_id"] for each in view.new6.find()] == [1, 2]
    with pytest.raises(DuplicateKeyError):
        view.new2.insert_one({"n": 1})
    assert view.branch.project.verify().problems == []
