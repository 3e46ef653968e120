"""``find``: filters, order, windows, hints and collations."""

from __future__ import annotations

import re
from typing import Any

import pytest
from bson import SON, Code, MaxKey, MinKey, Regex
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from .parity import Faces

FILTERS: list[dict[str, Any]] = [
    {},
    {"_id": 3},
    {"_id": 3.0},
    {"_id": {"$eq": 3}},
    {"_id": {"$in": [1, 2, 30]}},
    {"_id": {"$gt": 3, "$lte": 7}},
    {"age": 22},
    {"age": 22, "_id": 9},
    {"age": {"$gte": 21, "$lt": 24}},
    {"age": {"$in": [21, 23]}, "boss": {"$ne": 0}},
    {"age": {"$nin": [21, 23]}},
    {"address.city": "Graz", "tags": "a"},
    {"address": SON([("city", "Graz"), ("zip", 1003)])},
    {"address": SON([("zip", 1003), ("city", "Graz")])},
    {"$or": [{"age": 22}, {"tags": {"$size": 0}}]},
    {"$or": [{"age": 22}, {"_id": 1}]},
    {"$and": [{"age": 22}, {"$nor": [{"_id": 2}]}]},
    {"tags": {"$all": ["a", "b"]}},
    {"tags": ["b"]},
    {"tags.0": "a"},
    {"marks": {"$elemMatch": {"s": "y", "n": {"$gt": 20}}}},
    {"marks.n": {"$gt": 40}},
    {"marks.1.n": 4},
    {"$expr": {"$gt": ["$address.zip", 1015]}},
    {"$expr": {"$eq": ["$age", 22]}},
    {"$expr": {"$eq": ["$$ROOT._id", 4]}},
    {"$where": "this.age > 24"},
    {"$where": Code("function() { return obj.boss === 2 }")},
    {"name": {"$regex": "^a", "$options": "i"}},
    {"name": re.compile("N")},
    {"name": Regex("^A", "i")},
    {"$jsonSchema": {"properties": {"age": {"maximum": 21}}}},
    {"age": {"$mod": [5, 1]}},
    {"joined": {"$type": "date"}, "boss": None},
    {"age": {"$not": {"$gt": 22}}},
    {"age": {"$bitsAllSet": 1}},
    {"nothing": {"$exists": False}, "age": 21},
    {"nothing": None, "age": 21},
    {"home": {"$geoWithin": {"$centerSphere": [[0.5, 48.2], 0.01]}}},
    {"$comment": "why", "age": 21},
    {"age": {"$foo": 1}},
    {"$foo": 1},
    {"$or": []},
    {"age": {"$in": 3}},
    {"$expr": {"$foo": 1}},
    {"": 1},
    {"a..b": 1},
    {"home": {"$near": {"$geometry": {"type": "Point", "coordinates": [1, 48]}, "$maxDistance": 90_000}}},
    {"home": {"$nearSphere": [1, 48.4]}, "age": 22},
    {"flat": {"$near": [1, 48.4], "$maxDistance": 0.6}},
    {"age": {"$near": [1, 48]}},
    {"$text": {"$search": "cats"}},
    {"$text": {"$search": "cats -dogs"}, "age": 22},
    {"$text": {"$search": 1}},
]

ODD_FILTERS: list[dict[str, Any]] = [
    {"a": None},
    {"a": []},
    {"a": 1},
    {"a": [1, [2, 3]]},
    {"a": {"b": 1}},
    {"a.b": 1},
    {"a.b": {"$exists": True}},
    {"a": {"$type": "array"}},
    {"a": {"$gt": 0}},
    {"_id": {"x": 1, "y": 2}},
    {"_id": {"y": 2, "x": 1}},
    {"_id.x": 1},
    {"_id": "8"},
    {"d.a": 5},
    {"f": 1},
    {"s.b": 1},
    {"t": 3},
    {"d": {"$exists": True}},
    {"_id": {"$exists": True}},
    {"_id": None},
]

FINDS: list[dict[str, Any]] = [
    {"sort": [("age", ASCENDING), ("_id", DESCENDING)]},
    {"sort": {"age": -1, "_id": 1}},
    {"sort": [("address.city", 1), ("name", -1)]},
    {"sort": "_id"},
    {"sort": ["age", ("_id", -1)]},
    {"sort": [("_id", -1)], "limit": 5},
    {"sort": [("_id", 1)], "skip": 5, "limit": 5},
    {"sort": [("_id", 1)], "limit": -3},
    {"sort": [("_id", 1)], "skip": 100},
    {"sort": [("_id", 1)], "batch_size": 2},
    {"sort": [("_id", 1)], "batch_size": 1, "limit": 3},
    {"sort": [("tags", 1), ("_id", 1)]},
    {"sort": [("", 1)]},
    {"sort": [("a..b", 1)]},
    {"sort": [("age", 2)]},
    {"sort": [("$age", 1)]},
    {"filter": {"age": 22}, "sort": [("_id", 1)], "max_time_ms": 10_000},
    {"filter": {"age": 22}, "sort": [("_id", 1)], "comment": "who asks"},
    {"filter": {"age": 22}, "sort": [("_id", 1)], "allow_disk_use": True},
    {"filter": {"age": 22}, "sort": [("_id", 1)], "no_cursor_timeout": True},
    {"filter": {"age": 22}, "sort": [("_id", 1)], "allow_partial_results": True},
    {"filter": {"$expr": {"$eq": ["$age", "$$wanted"]}}, "let": {"wanted": 22}, "sort": [("_id", 1)]},
    {"filter": {"$expr": {"$eq": ["$age", "$$unknown"]}}},
    {"filter": {"name": "ANN0"}, "collation": {"locale": "en", "strength": 2}},
    {"filter": {"_id": {"$lt": 8}}, "sort": [("name", 1)], "collation": {"locale": "de"}},
    {"sort": [("name", 1)], "collation": {"locale": "en", "strength": 1, "numericOrdering": True}},
    {"filter": {"name": "ANN0"}, "collation": {"locale": "nowhere"}},
    {
        "filter": {"$where": "this.age > 21"},
        "sort": [("_id", 1)],
        "skip": 1,
        "projection": {"age": {"$literal": 7}},
    },
    {"filter": {"age": 22}, "sort": [("_id", 1)], "hint": "_id_"},
    {"filter": {"age": 22}, "sort": [("_id", 1)], "hint": [("_id", 1)]},
    {"filter": {"age": 22}, "sort": [("_id", 1)], "hint": "age_1"},
    {"filter": {"age": 22}, "sort": [("_id", 1)], "hint": {"age": 1}},
    {"filter": {"age": 22}, "sort": [("_id", 1)], "hint": [("age", 1)]},
    {"filter": {"age": 22}, "sort": [("_id", 1)], "hint": "city_name"},
    {"filter": {"age": 22}, "hint": "no_such_index"},
    {"filter": {"age": 22}, "hint": [("no", 1)]},
    {"filter": {"_id": {"$lt": 6}}, "sort": [("_id", 1)], "hint": "b_1"},
]

BAD_ARGUMENTS: list[dict[str, Any]] = [
    {"filter": 1},
    {"filter": "x"},
    {"filter": [("a", 1)]},
    {"skip": "1"},
    {"limit": 1.5},
    {"projection": 1},
    {"projection": [1]},
    {"batch_size": -1},
    {"batch_size": "2"},
    {"cursor_type": 17},
    {"sort": 1},
    {"hint": 1},
    {"collation": "en"},
    {"max_time_ms": "soon"},
    {"let": 1},
    {"allow_disk_use": 1},
    {"unknown": 1},
]


@pytest.mark.parametrize("query", FILTERS, ids=repr)
def test_a_filter_finds_the_same_documents(reading: Faces, query: dict[str, Any]) -> None:
    reading.same(lambda db: db.users.find(query), ordered=False)
    reading.same(lambda db: db.users.find(query).sort("_id", -1).limit(7))


@pytest.mark.parametrize("query", ODD_FILTERS, ids=repr)
def test_a_filter_finds_odd_documents(reading: Faces, query: dict[str, Any]) -> None:
    reading.same(lambda db: db.odd.find(query), ordered=False)


@pytest.mark.parametrize("arguments", FINDS, ids=repr)
def test_the_arguments_of_find_mean_the_same(reading: Faces, arguments: dict[str, Any]) -> None:
    reading.same(lambda db: db.users.find(**arguments))


@pytest.mark.parametrize("arguments", BAD_ARGUMENTS, ids=repr)
def test_wrong_arguments_are_refused_alike(reading: Faces, arguments: dict[str, Any]) -> None:
    reading.same(lambda db: db.users.find(**arguments))


def test_natural_order_is_the_order_of_insertion(reading: Faces) -> None:
    for direction in (1, -1):
        reading.same(
            lambda db, way=direction: db.users.find(sort=[("$natural", way)]), among=["main", "past"]
        )
        reading.same(
            lambda db, way=direction: db.users.find().hint([("$natural", way)]), among=["main", "past"]
        )
        reading.same(
            lambda db, way=direction: db.users.find({"age": 22}, sort=[("$natural", way)]), ordered=False
        )
    reading.same(lambda db: db.users.find(), among=["main", "past"])


def test_documents_come_nearest_first(reading: Faces) -> None:
    point = {"type": "Point", "coordinates": [1.01, 48]}
    reading.same(lambda db: db.users.find({"home": {"$near": {"$geometry": point}}}))
    reading.same(lambda db: db.users.find({"home": {"$near": {"$geometry": point}}, "age": 22}).limit(3))
    reading.same(lambda db: db.users.find({"flat": {"$near": [1.01, 48]}}).skip(2).limit(5))


def test_broken_javascript_is_refused(reading: Faces) -> None:
    for view in reading.views.values():
        with pytest.raises(OperationFailure, match="SyntaxError"):
            view.users.find_one({"$where": "syntax error here"})


@pytest.mark.parametrize("field", ["_id", "age", "boss"])  # the first two have an index
def test_a_filter_that_fills_a_command_serves_branches_too(reading: Faces, field: str) -> None:
    """It can stand in a command once, but not once for each branch that a child descends from."""
    query = {field: {"$in": [*range(20, 26), *("x" * 2**20 + str(n) for n in range(9))]}}
    reading.same(lambda db: db.users.find(query).sort("_id"))
    reading.same(lambda db: db.users.count_documents(query))
    reading.same(lambda db: db.users.aggregate([{"$match": query}, {"$sort": {"_id": 1}}]))
    reading.same(lambda db: sorted(db.users.distinct("_id", query)))


def test_find_one(reading: Faces) -> None:
    reading.same(lambda db: db.users.find_one(3))
    reading.same(lambda db: db.users.find_one({"_id": 99}))
    reading.same(lambda db: db.users.find_one({"age": 22}, {"name": 1}, sort=[("_id", -1)]))
    reading.same(lambda db: db.users.find_one(sort=[("_id", 1)], skip=2))
    reading.same(lambda db: db.users.find_one("nobody"))
    reading.same(lambda db: db.users.find_one({"age": {"$foo": 1}}))


@pytest.mark.parametrize("level", ["unknown", "majority", "available"])
def test_levels_of_reading_are_those_of_the_server(reading: Faces, level: str) -> None:
    reading.same(
        lambda db: db.users.with_options(read_concern=ReadConcern(level)).find_one({"age": 22, "_id": 2})
    )


def test_a_collection_that_does_not_exist_is_empty(reading: Faces) -> None:
    reading.same(lambda db: db.none.find())
    reading.same(lambda db: db.none.find_one({"_id": 1}))
    reading.same(lambda db: db.none.find({"age": {"$foo": 1}}))
    reading.same(lambda db: db.none.find({}, {"a": 1, "b": 0}))
    reading.same(lambda db: db.none.find({}, hint="a_1"))


def test_an_order_leaves_no_document_out(empty: Faces) -> None:
    """Also where an index gives the order, whatever the field holds, or where it is missing."""
    values: list[Any] = [
        3,
        None,
        [],
        [1, 9],
        "text",
        {"b": 1},
        MinKey(),
        MaxKey(),
        [[]],
        [{"b": 2}],
        1.5,
        True,
    ]
    documents = [{"_id": n, "a": value, "b": {"c": value}} for n, value in enumerate(values)]
    for keys in ("a", "b.c", [("a", -1), ("b", 1)]):
        empty.same(lambda db, keys=keys: db.odd.create_index(keys))
    empty.same(
        lambda db: len(db.odd.insert_many([*documents, {"_id": 50}, {"_id": 51, "b": [1]}]).inserted_ids)
    )
    for path in ("a", "b.c", "_id", "b", "nothing"):
        for way in (1, -1):
            order = [(path, way), ("_id", 1)]
            empty.same(lambda db, order=order: db.odd.find().sort(order))
            empty.same(
                lambda db, order=order: db.odd.find({"_id": {"$ne": 3}}).sort(order[:1]), ordered=False
            )
            empty.same(lambda db, order=order: db.odd.aggregate([{"$sort": dict(order)}, {"$limit": 9}]))
