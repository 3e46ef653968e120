"""Bulk writes: counts, the places of errors, and what one operation sees of those before it."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne, WriteConcern

from .parity import Faces

BULKS: list[list[Any]] = [
    [InsertOne({"_id": "a"}), InsertOne({"_id": "b"})],
    [InsertOne({"_id": "a"}), UpdateOne({"_id": "a"}, {"$set": {"x": 1}}), DeleteOne({"_id": "a"})],
    [UpdateOne({"_id": 4}, {"$inc": {"age": 1}}), UpdateOne({"_id": 4}, {"$inc": {"age": 1}})],
    [UpdateOne({"_id": n}, {"$set": {"x": n}}) for n in range(30)],
    [DeleteOne({"_id": n}) for n in range(5)] + [DeleteMany({"age": 22})],
    [UpdateMany({"age": 22}, {"$set": {"x": 1}}), UpdateMany({"x": 1}, {"$set": {"y": 1}})],
    [ReplaceOne({"_id": 4}, {"x": 1}), ReplaceOne({"_id": "u"}, {"x": 1}, upsert=True)],
    [
        UpdateOne({"_id": "u1"}, {"$set": {"x": 1}}, upsert=True),
        UpdateMany({"k": 2}, {"$set": {"_id": "u2"}}, upsert=True),
    ],
    [UpdateOne({"_id": 4}, [{"$set": {"age": {"$add": ["$age", 1]}}}])],
    [UpdateOne({"_id": 4}, {"$set": {"marks.$[m].n": -1}}, array_filters=[{"m.s": "y"}])],
    [UpdateOne({"_id": 4, "marks.s": "y"}, {"$set": {"marks.$.n": -1}})],
    [UpdateOne({"name": "ANN0"}, {"$set": {"x": 1}}, collation={"locale": "en", "strength": 2})],
    [UpdateOne({"age": 22, "_id": 9}, {"$set": {"x": 1}}, hint="age_1"), DeleteOne({"_id": 2}, hint="_id_")],
    [InsertOne({"_id": "a"}), InsertOne({"_id": 3}), InsertOne({"_id": "b"})],
    [InsertOne({"_id": "a"}), InsertOne({"_id": "a"}), DeleteOne({"_id": "a"})],
    [UpdateOne({"_id": 4}, {"$foo": 1}), InsertOne({"_id": "a"})],
    [UpdateOne({"_id": 4}, {"$inc": {"name": 1}}), InsertOne({"_id": "a"})],
    [
        UpdateOne({"_id": 3}, {"$set": {"x": 1}}),
        UpdateOne({"_id": 4}, {"$inc": {"name": 1}}),
        DeleteOne({"_id": 5}),
    ],
    [InsertOne({"_id": "a"}), UpdateOne({"$foo": 1}, {"$set": {"x": 1}}), DeleteMany({"$foo": 1})],
    [ReplaceOne({"_id": 4}, {"_id": 5}), DeleteOne({"_id": 4})],
    [InsertOne({"_id": [1]}), InsertOne({"_id": "a"})],
    [UpdateOne({"_id": 99}, {"$set": {"x": 1}}), DeleteOne({"_id": 99}), ReplaceOne({"_id": 99}, {})],
    [UpdateOne({"_id": 4}, {"$set": {"age": 24}}), UpdateMany({"_id": 4}, {"$set": {"age": 24}})],
    [DeleteOne({}, hint="no_such_index"), InsertOne({"_id": "a"})],
    [InsertOne({"_id": "a"}), UpdateOne({"_id": 3}, {"$set": {"x": 1}}), UpdateOne({}, [{"$unknown": 1}])],
]

NO_BULKS: list[Any] = [[], (), {}, 1, None, [1], [{"_id": 1}], [InsertOne({"_id": "a"}), "x"], [InsertOne(1)]]


def fresh(requests: list[Any]) -> list[Any]:
    """Copy what a driver writes an ``_id`` into."""
    return [InsertOne(dict(one._doc)) if isinstance(one, InsertOne) else one for one in requests]


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("requests", BULKS, ids=repr)
def test_bulk_writes(writing: Faces, requests: list[Any], ordered: bool) -> None:
    writing.same(lambda db: db.users.bulk_write(fresh(requests), ordered=ordered))
    writing.same_documents("users")


@pytest.mark.parametrize("requests", NO_BULKS, ids=repr)
def test_what_is_no_bulk_write_is_refused(writing: Faces, requests: Any) -> None:
    writing.same(lambda db: db.users.bulk_write(requests))
    writing.same_documents("users")


def test_options_of_bulk_writes(writing: Faces) -> None:
    update = UpdateOne({"$expr": {"$eq": ["$_id", "$$it"]}}, {"$set": {"x": 1}})
    writing.same(lambda db: db.users.bulk_write([update], let={"it": 4}, comment="x"))
    writing.same(lambda db: db.users.bulk_write([InsertOne({"_id": "a"})], bypass_document_validation=True))
    writing.same(lambda db: db.users.bulk_write([update], let=1))
    writing.same_documents("users")


def test_a_bulk_write_that_is_not_acknowledged(writing: Faces) -> None:
    def unacknowledged(db: Any) -> Any:
        users = db.users.with_options(write_concern=WriteConcern(w=0))
        result = users.bulk_write([InsertOne({"_id": "a"}), InsertOne({"_id": 3}), InsertOne({"_id": "b"})])
        return [result.acknowledged, result.bulk_api_result]

    def counts(db: Any) -> Any:
        users = db.users.with_options(write_concern=WriteConcern(w=0))
        return users.bulk_write([InsertOne({"_id": "c"})]).inserted_count

    writing.same(unacknowledged)
    writing.same(counts)


def test_more_requests_than_one_commit_holds(empty: Faces) -> None:
    empty.same(lambda db: db.many.bulk_write([InsertOne({"_id": n}) for n in range(1500)]))
    empty.same(
        lambda db: db.many.bulk_write([UpdateOne({"_id": n}, {"$set": {"x": n}}) for n in range(1500)])
    )
    empty.same(lambda db: db.many.count_documents({"x": {"$gte": 0}}))
