"""Updating and replacing."""

from __future__ import annotations

from typing import Any

import pytest
from bson import SON, Int64, Timestamp

from .parity import Document, Faces

UPDATES: list[Any] = [
    {"$set": {"age": 50}},
    {"$set": {"address.city": "Bern", "new.deep": 1}},
    {"$set": {"age": 22}},
    {"$set": {"_id": 3}},
    {"$set": {"_id": 99}},
    {"$unset": {"marks": "", "address.zip": ""}},
    {"$inc": {"age": 1, "fresh": 2}},
    {"$inc": {"age": Int64(1)}},
    {"$inc": {"name": 1}},
    {"$mul": {"age": 2}},
    {"$min": {"age": 21}, "$max": {"boss": 100}},
    {"$rename": {"name": "called"}},
    {"$rename": {"address.city": "city"}},
    {"$push": {"tags": "z"}},
    {"$push": {"tags": {"$each": ["z", "y"], "$sort": -1, "$slice": 2, "$position": 0}}},
    {"$push": {"age": 1}},
    {"$addToSet": {"tags": {"$each": ["a", "q"]}}},
    {"$pop": {"tags": -1}},
    {"$pull": {"marks": {"n": {"$gt": 6}}}},
    {"$pullAll": {"tags": ["a", "b"]}},
    {"$bit": {"age": {"or": 1}}},
    {"$setOnInsert": {"x": 1}},
    {"$set": {"marks.0.n": -1}},
    {"$set": {"marks.$[].n": 0}},
    {"$set": {"a": 1}, "$unset": {"a": 1}},
    {"$set": {"address": 1, "address.city": 2}},
    {"$set": {"name.first": 1}},
    {"$set": {}},
    {"$set": 1},
    {"$foo": {"a": 1}},
    {"$set": {"": 1}},
    {"$set": {"$a": 1}},
    {"$set": {"a..b": 1}},
    {"a": 1},
    {},
    {"$set": {"a": 1}, "b": 2},
    {"$set": {"d": {"x": 1}, "f": 2, "s": 3}},
    {"$set": {"when": Timestamp(1, 1)}},
    [{"$set": {"age": {"$add": ["$age", 1]}, "who": "$name"}}],
    [{"$unset": "marks"}, {"$set": {"n": {"$size": "$tags"}}}],
    [{"$replaceWith": {"_id": "$_id", "only": "$name"}}],
    [{"$replaceWith": {"only": "$name"}}],
    [{"$set": {"_id": 99}}],
    [{"$set": {"age": "$age"}}],
    [{"$group": {"_id": 1}}],
    [{"$unknown": 1}],
    [{"$set": {}, "$unset": "age"}],
    [],
    1,
    None,
]

FILTERED: list[tuple[Document, Any, dict[str, Any]]] = [
    ({"marks.s": "y", "_id": 4}, {"$set": {"marks.$.n": -1}}, {}),
    ({"age": 22, "marks.n": {"$gt": 9}}, {"$inc": {"marks.$.n": 1}}, {}),
    ({"_id": 4}, {"$set": {"marks.$.n": -1}}, {}),
    ({"_id": 4}, {"$set": {"marks.$[m].n": -1}}, {"array_filters": [{"m.s": "y"}]}),
    ({"age": 22}, {"$inc": {"marks.$[m].n": 1}}, {"array_filters": [{"m.n": {"$gt": 3}}]}),
    ({"_id": 4}, {"$set": {"marks.$[m].n": -1}}, {"array_filters": [{"x.s": "y"}]}),
    ({"_id": 4}, {"$set": {"age": 1}}, {"array_filters": [{"x.s": "y"}]}),
    ({"_id": 4}, {"$set": {"marks.$[m].n": -1}}, {}),
    ({"name": "ANN0"}, {"$set": {"age": 1}}, {"collation": {"locale": "en", "strength": 2}}),
    ({"age": 22}, {"$set": {"x": 1}}, {"hint": "age_1"}),
    ({"age": 22}, {"$set": {"x": 1}}, {"hint": [("_id", 1)]}),
    ({"age": 22}, {"$set": {"x": 1}}, {"hint": "no_such_index"}),
    ({"$expr": {"$eq": ["$_id", "$$it"]}}, {"$set": {"x": 1}}, {"let": {"it": 4}}),
    ({"_id": 4}, [{"$set": {"x": "$$it"}}], {"let": {"it": {"a": 1}}}),
    ({"$where": "this._id == 4"}, {"$set": {"x": 1}}, {}),
    ({"$expr": {"$eq": ["$$ROOT._id", 4]}}, {"$set": {"x": 1}}, {}),
    ({"_id": {"$in": [3, 4, 5]}}, {"$set": {"x": 1}}, {"comment": "why"}),
    ({"$foo": 1}, {"$set": {"x": 1}}, {}),
    ({"_id": 99}, {"$set": {"$x": 1}}, {}),
    ({"_id": 99}, {"$foo": {"x": 1}}, {}),
    ({"_id": 99}, {"$inc": {"x": "a"}}, {}),
]

UPSERTS: list[tuple[Document, Any]] = [
    ({"_id": 99}, {"$set": {"x": 1}}),
    ({"_id": 4}, {"$set": {"x": 1}}),
    ({"_id": 99, "age": 5, "address.city": "Rom"}, {"$inc": {"age": 1}}),
    ({"_id": 99, "$or": [{"a": 1}]}, {"$set": {"x": 1}}),
    ({"_id": 99, "$and": [{"a": 1}, {"b": {"$eq": 2}}]}, {"$set": {"x": 1}}),
    ({"_id": 99, "a": {"$gt": 1}, "b": {"$all": [1]}}, {"$setOnInsert": {"x": 1}}),
    ({"_id": 4, "age": 5}, {"$set": {"x": 1}}),
    ({"_id": 99}, {"$set": {"_id": 98}}),
    ({"_id": {"$in": [99]}}, {"$set": {"x": 1}}),
    ({"_id": 99}, [{"$set": {"x": {"$literal": 5}}}]),
    ({"_id": {"a": 1}}, {"$set": {"x": 1}}),
    ({"_id": 99}, {"$foo": 1}),
    ({"_id": [1]}, {"$set": {"x": 1}}),
    ({"_id": 99, "a.b": 1, "a": 2}, {"$set": {"x": 1}}),
]

REPLACEMENTS: list[tuple[Document, Any, dict[str, Any]]] = [
    ({"_id": 4}, {"only": 1}, {}),
    ({"_id": 4}, {"_id": 4, "only": 1}, {}),
    ({"_id": 4}, {"_id": 5, "only": 1}, {}),
    ({"_id": 4}, {}, {}),
    ({"_id": 99}, {"only": 1}, {}),
    ({"_id": 99}, {"only": 1}, {"upsert": True}),
    ({"_id": 99}, {"_id": 98, "only": 1}, {"upsert": True}),
    ({"who": 1}, {"_id": 97, "only": 1}, {"upsert": True}),
    ({"who": 1}, {"_id": 4, "only": 1}, {"upsert": True}),
    ({"_id": 4}, {"a.b": 1}, {}),
    ({"_id": 4}, {"x": {"$y": 1}}, {}),
    ({"_id": 4}, {"$set": {"x": 1}}, {}),
    ({"_id": 4}, [{"$set": {"x": 1}}], {}),
    ({"_id": 4}, 1, {}),
    ({"_id": 4}, SON([("b", 1), ("a", 2)]), {}),
    ({"age": 22, "_id": {"$gt": 22}}, {"x": 1}, {"hint": "age_1", "comment": "x"}),
    ({"name": "ANN0"}, {"x": 1}, {"collation": {"locale": "en", "strength": 2}}),
    ({"_id": 4}, {"t": Timestamp(5, 5), "nan": float("nan")}, {}),
]


@pytest.mark.parametrize("update", UPDATES, ids=repr)
def test_update_one(writing: Faces, update: Any) -> None:
    writing.same(lambda db: db.users.update_one({"_id": 4}, update))
    writing.same(lambda db: db.users.update_one({"_id": 9}, update))
    writing.same(lambda db: db.users.update_one({"_id": 99}, update))
    writing.same(lambda db: db.none.update_one({"_id": 99}, update))
    writing.same_documents("users")


@pytest.mark.parametrize("update", UPDATES, ids=repr)
def test_update_many(writing: Faces, update: Any) -> None:
    # Some errors name the document, and which one is met first is nobody's to say: a branch has those that it
    # inherits in one place and its own in another. What they say is compared for single documents.
    writing.same(lambda db: db.users.update_many({"age": {"$in": [21, 22]}}, update), errors="code")
    writing.same_documents("users")


@pytest.mark.parametrize(("query", "update", "options"), FILTERED, ids=repr)
def test_what_an_update_may_be_told(
    writing: Faces, query: Document, update: Any, options: dict[str, Any]
) -> None:
    writing.same(lambda db: db.users.update_many(query, update, **options))
    writing.same_documents("users")
    by_id = {**query, "_id": 4} if "_id" not in query else query
    writing.same(lambda db: db.users.update_one(by_id, update, **options))
    writing.same_documents("users")


@pytest.mark.parametrize(("query", "update"), UPSERTS, ids=repr)
def test_upserts(writing: Faces, query: Document, update: Any) -> None:
    writing.same(lambda db: db.users.update_one(query, update, upsert=True))
    writing.same_documents("users")
    writing.same(lambda db: db.users.update_many(query, update, upsert=True))
    writing.same(lambda db: db.fresh.update_one(query, update, upsert=True))
    writing.same_documents("users", "fresh")


@pytest.mark.parametrize(("query", "replacement", "options"), REPLACEMENTS, ids=repr)
def test_replace_one(writing: Faces, query: Document, replacement: Any, options: dict[str, Any]) -> None:
    writing.same(lambda db: db.users.replace_one(query, replacement, **options))
    writing.same_documents("users")


def test_an_update_that_changes_nothing_writes_nothing(writing: Faces) -> None:
    for view in writing.views.values():
        head = view.branch.head_lsn
        result = view.users.update_many({"age": 22}, {"$set": {"age": 22}})
        assert (result.matched_count > 1, result.modified_count) == (True, 0)
        view.users.replace_one({"_id": 4}, view.users.find_one({"_id": 4}, {"_id": 0}))
        assert view.branch.head_lsn == head


def test_wrong_arguments_are_refused_alike(writing: Faces) -> None:
    for arguments in (
        {"filter": 1, "update": {"$set": {"x": 1}}},
        {"filter": None, "update": {"$set": {"x": 1}}},
        {"filter": {}, "update": {"$set": {"x": 1}}, "upsert": 1},
        {"filter": {}, "update": {"$set": {"x": 1}}, "array_filters": {}},
        {"filter": {}, "update": {"$set": {"x": 1}}, "hint": 1},
        {"filter": {}, "update": {"$set": {"x": 1}}, "collation": 1},
        {"filter": {}, "update": {"$set": {"x": 1}}, "let": 1},
        {"filter": {}},
        {"filter": {}, "update": {"$set": {"x": 1}}, "unknown": 1},
    ):
        for method in ("update_one", "update_many"):
            writing.same(lambda db, method=method, given=arguments: getattr(db.users, method)(**given))
    writing.same_documents("users")


def test_the_first_document_of_an_order(writing: Faces) -> None:
    """``sort`` of ``update_one`` came with MongoDB 8: a branch has it on any server."""
    for view in writing.views.values():
        view.users.update_one({"age": 22}, {"$set": {"x": "last"}}, sort={"_id": -1})
        view.users.replace_one({"age": 22}, {"x": "first", "age": 22}, sort={"_id": 1})
        ids = sorted(document["_id"] for document in view.users.find({"age": 22}))
        assert view.users.find_one({"x": "last"})["_id"] == ids[-1]
        assert view.users.find_one({"x": "first"})["_id"] == ids[0]


def test_more_documents_than_one_commit_holds(empty: Faces) -> None:
    empty.same(
        lambda db: len(db.many.insert_many([{"_id": n, "x": n % 3} for n in range(2500)]).inserted_ids)
    )
    empty.same(lambda db: db.many.update_many({"x": {"$gt": 0}}, {"$inc": {"x": 1}}))
    empty.same(lambda db: db.many.update_many({}, [{"$set": {"y": "$x"}}]))
    empty.same(
        lambda db: list(
            db.many.aggregate([{"$group": {"_id": "$y", "n": {"$sum": 1}}}, {"$sort": {"_id": 1}}])
        )
    )
    empty.same(lambda db: db.many.delete_many({"x": {"$gt": 0}}))
    empty.same(lambda db: db.many.count_documents({}))
