"""``$out`` and ``$merge`` write through the log."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import IndexModel
from pymongo.read_concern import ReadConcern

from argon import Argon
from argon.errors import ReadOnlyView, UnsupportedOperation

from .parity import Document, Faces

SUMS: list[Document] = [
    {"$match": {"_id": {"$lt": 6}}},
    {"$project": {"age": {"$add": ["$age", 100]}, "who": "$name"}},
]

MERGES: list[Any] = [
    "users",
    "new",
    {"into": "users"},
    {"into": "users", "whenMatched": "replace"},
    {"into": "users", "whenMatched": "keepExisting"},
    {"into": "users", "whenMatched": "merge", "whenNotMatched": "discard"},
    {"into": "users", "whenMatched": "fail"},
    {"into": "new", "whenMatched": "fail"},
    {"into": "new", "whenNotMatched": "fail"},
    {"into": "new", "whenNotMatched": "discard"},
    {"into": "users", "whenMatched": [{"$set": {"age": "$$new.age", "seen": {"$add": ["$age", 1]}}}]},
    {"into": "users", "let": {"n": "$age"}, "whenMatched": [{"$set": {"sum": {"$add": ["$age", "$$n"]}}}]},
    {"into": "users", "whenMatched": [{"$set": {"x": "$$nothing"}}]},
    {"into": "users", "on": "_id"},
    {"into": "users", "on": ["_id"]},
    {"into": "users", "on": "who"},
    {"into": "users", "on": "email"},
    {"into": "users", "whenMatched": "sometimes"},
    {"into": "users", "whenNotMatched": "sometimes"},
    {"into": "users", "unknown": 1},
    {"whenMatched": "merge"},
    5,
    {"into": ""},
]


@pytest.mark.parametrize("argument", MERGES, ids=repr)
def test_merge(writing: Faces, argument: Any) -> None:
    writing.same(lambda db: db.users.aggregate([*SUMS, {"$merge": argument}]), errors="code")
    writing.same_documents("users", "new")
    writing.same(lambda db: sorted(db.list_collection_names()))


def test_merge_on_a_unique_index(writing: Faces) -> None:
    for database in (writing.plain, *writing.views.values()):
        database.keyed.create_indexes([IndexModel("who", unique=True)])
        database.keyed.insert_many([{"_id": "k", "who": "Ann0", "old": 1}, {"_id": "l", "who": "x"}])
    stages = [{"$match": {"_id": {"$lt": 3}}}, {"$project": {"_id": 0, "who": "$name", "age": 1}}]
    writing.same(lambda db: db.users.aggregate([*stages, {"$merge": {"into": "keyed", "on": "who"}}]))
    writing.same(lambda db: db.keyed.find({}, {"_id": 0}), ordered=False)
    writing.same(
        lambda db: db.users.aggregate([{"$set": {"who": ["a"]}}, {"$merge": {"into": "keyed", "on": "who"}}]),
        errors="code",
    )


@pytest.mark.parametrize(
    "argument", ["new", "users", {"db": "DB", "coll": "new"}, "", 5, {"coll": 1}], ids=repr
)
def test_out(writing: Faces, argument: Any) -> None:
    def out(db: Any) -> Any:
        target = {**argument, "db": db.name} if isinstance(argument, dict) and "db" in argument else argument
        return list(db.users.aggregate([*SUMS, {"$out": target}]))

    writing.same(out, errors="code")
    writing.same_documents("users", "new")
    writing.same(lambda db: sorted(db.list_collection_names()))
    writing.same(lambda db: db.users.index_information())


def test_out_keeps_indexes_and_rules(writing: Faces) -> None:
    rules = {"age": {"$gt": 100}}
    for database in (writing.plain, *writing.views.values()):
        database.create_collection("new", validator=rules)
        database.new.create_index("who", unique=True)
        database.new.insert_one({"_id": "old", "age": 200})
    writing.same(lambda db: db.users.aggregate([*SUMS, {"$out": "new"}]))
    writing.same(lambda db: sorted(db.new.index_information()))
    writing.same(lambda db: db.new.options())
    writing.same_documents("new")
    writing.same(lambda db: db.users.aggregate([{"$set": {"age": 0}}, {"$out": "new"}]), errors="code")
    writing.same(
        lambda db: db.users.aggregate([{"$set": {"age": 200, "who": 1}}, {"$out": "new"}]), errors="code"
    )
    writing.same_documents("new")


def test_a_sink_stands_last_and_alone(writing: Faces) -> None:
    writing.same(lambda db: db.users.aggregate([{"$out": "x"}, {"$match": {}}]), errors="code")
    writing.same(lambda db: db.users.aggregate([{"$merge": "x"}, {"$match": {}}]), errors="code")
    writing.same(lambda db: db.users.aggregate([{"$facet": {"a": [{"$merge": "x"}]}}]), errors="code")
    writing.same(lambda db: db.aggregate([{"$documents": [{"_id": 1}]}, {"$out": "made"}]))
    writing.same(
        lambda db: db.aggregate([{"$documents": [{"_id": 1, "x": 2}, {"_id": 2}]}, {"$merge": "made"}])
    )
    writing.same_documents("made")
    writing.same(lambda db: sorted(db.list_collection_names()))


def test_a_sink_elsewhere_is_refused(writing: Faces) -> None:
    for view in writing.views.values():
        for sink in (
            {"$out": {"db": "other", "coll": "x"}},
            {"$merge": {"into": {"db": "other", "coll": "x"}}},
        ):
            with pytest.raises(UnsupportedOperation, match="branch"):
                view.users.aggregate([*SUMS, sink])


def test_a_sink_names_its_branch_as_the_client_does(argon: Argon) -> None:
    client = argon.client()
    client["shop"].users.insert_one({"_id": 1})
    project = argon.project("shop")
    project.create_branch("feature")

    def copy(name: str, database: str) -> None:
        into = {"db": database, "coll": "new"}
        for number, sink in enumerate(({"$out": into}, {"$merge": {"into": into}})):
            client[name].users.aggregate([{"$set": {"n": number}}, sink])
            assert client[name].new.find_one() == {"_id": 1, "n": number}
        joined = client[name].users.aggregate([{"$unionWith": into}, {"$match": {"n": 1}}])
        assert list(joined) == [{"_id": 1, "n": 1}]

    for name, database in (("shop", "shop@main"), ("shop@main", "shop"), ("shop@feature", "shop@feature")):
        copy(name, database)
    for name, database in (("shop@feature", "shop"), ("shop", "shop@feature"), ("shop@feature", "shop@main")):
        with pytest.raises(UnsupportedOperation, match=f"writes to the same branch .*not to '{database}'"):
            copy(name, database)
    project.set_default_branch("feature")
    for name, database in (("shop", "shop"), ("shop@feature", "shop"), ("shop@main", "shop@main")):
        copy(name, database)
    with pytest.raises(UnsupportedOperation, match=r"\('shop@main'\), not to 'shop'"):
        copy("shop@main", "shop")


def test_a_sink_of_the_past_is_refused(writing: Faces) -> None:
    for view in writing.views.values():
        past = view.at(lsn=view.branch.head_lsn)
        with pytest.raises(ReadOnlyView):
            past.users.aggregate([*SUMS, {"$out": "new"}])
        with pytest.raises(ReadOnlyView):
            past.users.aggregate([*SUMS, {"$merge": "users"}])


def test_more_documents_than_one_commit_holds(empty: Faces) -> None:
    empty.same(lambda db: len(db.many.insert_many([{"_id": n} for n in range(2300)]).inserted_ids))
    empty.same(lambda db: db.many.aggregate([{"$set": {"x": 1}}, {"$out": "copy"}]))
    empty.same(lambda db: db.many.aggregate([{"$match": {"_id": {"$lt": 60}}}, {"$merge": "copy"}]))
    empty.same(lambda db: db.copy.count_documents({"x": 1}))


@pytest.mark.parametrize("bad", [None, [1]], ids=repr)
@pytest.mark.parametrize("let", [{}, {"let": {"n": "$n"}}], ids=["", "let"])
@pytest.mark.parametrize("first", [1, -1], ids=["bad first", "failing first"])
def test_of_a_document_that_cannot_be_merged_and_a_stage_that_fails_the_first_is_told(
    empty: Faces, bad: Any, let: Any, first: int
) -> None:
    documents: list[Document] = [
        {"_id": 0, "key": 0, "n": 0},
        {"_id": 1, "key": bad, "n": 0},
        {"_id": 2, "key": 2, "n": "no number"},
        {"_id": 3, "key": 3, "n": 0},
    ]
    for database in (empty.plain, *empty.views.values()):
        database.given.insert_many(documents)
    stages: list[Document] = [
        {"$sort": {"_id": first}},
        {"$project": {"_id": "$key", "n": {"$add": ["$n", 1]}}},
    ]
    empty.same(lambda db: db.given.aggregate([*stages, {"$merge": {"into": "there", **let}}]))
    empty.same_documents("there")


@pytest.mark.parametrize("stage", [{"$out": "new"}, {"$merge": "new"}], ids=str)
def test_no_linearizable_read_writes_out(writing: Faces, stage: Document) -> None:
    concern = ReadConcern("linearizable")
    writing.same(
        lambda db: list(db.users.with_options(read_concern=concern).aggregate([stage])), errors="message"
    )


@pytest.mark.parametrize("argument", MERGES, ids=str)
def test_merge_makes_ids_where_there_are_none(writing: Faces, argument: Any) -> None:
    def merge(db: Any) -> Any:
        return list(db.users.aggregate([*SUMS, {"$unset": "_id"}, {"$merge": argument}]))

    def without_ids(db: Any) -> Any:
        for name in ("users", "new"):
            assert not [document for document in db[name].find() if next(iter(document)) != "_id"]
        return [sorted(map(repr, db[name].find({}, {"_id": 0}))) for name in ("users", "new")]

    writing.same(merge, errors="code")
    writing.same(without_ids)
