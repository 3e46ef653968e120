from __future__ import annotations

import re
from typing import Any

import bson
import pytest
from bson import SON, Code, DBRef, Decimal128, Int64, ObjectId, Regex
from bson.raw_bson import RawBSONDocument

from argon.rewrite import equality_id, or_clauses, prefix_filter, required_paths, split_filter

from .conftest import Document, Pair, outcome

DOCUMENTS: list[Document] = [
    {
        "_id": 1,
        "name": "Ann",
        "age": 30,
        "tags": ["a", "b"],
        "place": {"city": "Oslo", "zip": [1, 2]},
        "d": 5,
    },
    {"_id": 2, "name": "Bob", "age": 40, "tags": [], "place": {"city": "Rome"}, "f": 1, "s": [{"b": 2}]},
    {"_id": 3, "name": None, "age": "x", "items": [{"n": 1, "q": 5}, {"n": 2, "q": 50}]},
    {"_id": "3", "tags": "a", "items": [{"n": 3, "q": [1, 50]}], "0": "zero", "": "empty"},
    {"_id": {"b": 1, "t": 2}, "age": Decimal128("30"), "ref": DBRef("other", 7), "a": {"": 1, "b": {"": 2}}},
    {"_id": 6, "age": 30.5, "name": "return", "nested": [[1, 2], [3]]},
]

FILTERS: list[Document] = [
    {},
    {"_id": 1},
    {"_id": 1.0},
    {"_id": "3"},
    {"_id": {"b": 1, "t": 2}},
    {"_id.b": 1},
    {"_id": {"$in": [1, "3", {"b": 1, "t": 2}]}},
    {"age": 30},
    {"age": {"$gt": 30, "$lte": 40}},
    {"age": {"$not": {"$gt": 30}}},
    {"age": {"$type": "number"}},
    {"d": 5},
    {"f": 1},
    {"s.b": 2},
    {"d.d": 5},
    {"name": None},
    {"name": {"$exists": False}},
    {"name": {"$ne": "Ann"}},
    {"name": re.compile("^a", re.I)},
    {"name": Regex("^A")},
    {"name": {"$regex": "N", "$options": "i"}},
    {"name": {"$not": re.compile("n")}},
    {"tags": "a"},
    {"tags": ["a", "b"]},
    {"tags": {"$size": 0}},
    {"tags": {"$all": ["a", "b"]}},
    {"tags.0": "a"},
    {"0": "zero"},
    {"place": {"city": "Rome"}},
    {"place.city": {"$in": [re.compile("^O"), "Rome"]}},
    {"place.zip": 2},
    {"items": {"$elemMatch": {"n": 1, "q": {"$lt": 10}}}},
    {"items.q": {"$elemMatch": {"$gt": 40}}},
    {"items": {"$elemMatch": {"$or": [{"n": 3}, {"n": 9}]}}},
    {"nested": {"$elemMatch": {"$elemMatch": {"$eq": 3}}}},
    {"ref.$id": 7},
    {"ref": DBRef("other", 7)},
    {"age": {"$mod": [7, 2]}},
    {"age": {"$bitsAllSet": 2}},
    {"$and": [{"age": {"$gte": 30}}, {"name": {"$exists": True}}]},
    {"$or": [{"_id": 1}, {"tags": "a"}, {"$and": [{"age": 40}]}]},
    {"$nor": [{"age": 30}, {"$or": ({"name": None},)}]},
    {"$expr": {"$gt": ["$age", 30]}},
    {"$expr": {"$eq": ["$$ROOT.age", 30]}},
    {"$expr": {"$eq": ["$$CURRENT.place.city", "Rome"]}},
    {"$expr": {"$eq": [{"$size": {"$objectToArray": "$$ROOT"}}, 4]}},
    {"$expr": {"$eq": [{"$getField": "name"}, "Bob"]}},
    {"$expr": {"$eq": [{"$getField": {"field": "name", "input": "$$ROOT"}}, "Bob"]}},
    {"$expr": {"$let": {"vars": {"CURRENT": "$place"}, "in": {"$eq": ["$city", "Rome"]}}}},
    {"$expr": {"$eq": ["$name", {"$literal": "$name"}]}},
    {"$expr": True},
    {"$expr": {"$nonsense": 1}},
    {"$expr": "$a..b"},
    {"$jsonSchema": {"required": ["name"], "properties": {"age": {"bsonType": "int"}}}},
    {"$jsonSchema": {"bsonType": "string"}},
    {"$jsonSchema": {"minProperties": 6}},
    {"$jsonSchema": {"additionalProperties": False, "properties": {"_id": {}, "age": {}}}},
    {"$jsonSchema": {"enum": [{"_id": 1}]}},
    {"$jsonSchema": {"not": {"required": ["name"]}}},
    {"$jsonSchema": {}},
    {"$jsonSchema": {"nonsense": 1}},
    {"$comment": "why", "age": 30},
    {"$sampleRate": 1.0},
    {"$alwaysTrue": 1},
    {"$alwaysFalse": 1},
    {"$and": [{"age": {"$foo": 1}}]},
    {"age": {"$gt": 1, "foo": 2}},
    {"$where": "this.age > 30"},
    {"$where": "obj.age > 30;"},
    {"$where": "return this.name == 'Ann'"},
    {"$where": "this.name == 'return'"},
    {"$where": "var x = this.age; x > 30"},
    {"$where": "var x = obj.age;\nif (x > 30) { return true; } return false;"},
    {"$where": "if (this.age > 30) return true"},
    {"$where": "function() { return this.name == 'Ann' || obj.name == 'Bob' }"},
    {"$where": "function named() { return this.age > 30 }  "},
    {"$where": Code("function() { return Object.keys(this).length == 4 }")},
    {"$where": "this.tags && this.tags.indexOf('a') >= 0 /* return; */"},
    {"$where": "'f' in this"},
    {"$where": "() => false"},
    {"$where": "this is no script"},
    {"$where": "throw 'an error'"},
    {"$and": [{"$where": "this.age > 30"}, {"name": "Bob"}]},
    SON([("name", "Ann"), ("age", 30)]),
]


@pytest.fixture(scope="module")
def filled(pair: Pair) -> Pair:
    pair.fill(DOCUMENTS)
    return pair


@pytest.mark.parametrize("query", FILTERS, ids=repr)
def test_a_rewritten_filter_matches_the_same_documents(filled: Pair, query: Document) -> None:
    prefixed = prefix_filter(query)
    assert prefixed is not None
    expected = outcome(lambda: [d["_id"] for d in filled.plain.find(query)])
    assert outcome(lambda: [r["d"]["_id"] for r in filled.rows.find(prefixed)]) == expected


@pytest.mark.parametrize(
    "query",
    [
        {"$and": []},
        {"$or": {"a": 1}},
        {"$nor": [1]},
        {"": 1},
        {"a.": 1},
        {"a..b": 1},
        {"$ref": 1},
        {"$unknown": 1},
        {"$jsonSchema": 1},
        {"$where": 1},
        {"$where": ""},
        {"$where": Code("this.x == y", {"y": 1})},
        {"$expr": {"$let": {"vars": {"CURRENT": "$a"}, "in": "$$ROOT"}}},
        {"$and": [{"a": 1}, {"b.": 1}]},
        {1: 1},
    ],
    ids=repr,
)
def test_what_cannot_be_rewritten_is_said(query: Document) -> None:
    assert prefix_filter(query) is None


def test_raw_bson_is_taken_and_repeated_keys_are_not_lost() -> None:
    raw = RawBSONDocument(bson.encode({"a": 1, "b": {"$gt": 2}}))
    prefixed = prefix_filter(raw)
    assert prefixed is not None
    assert bson.encode(prefixed) == bson.encode({"d.a": 1, "d.b": {"$gt": 2}})
    once = bson.encode({"a": Int64(1)})
    element = once[4:-1]
    twice = (4 + 2 * len(element) + 1).to_bytes(4, "little") + element * 2 + b"\0"
    assert prefix_filter(RawBSONDocument(twice)) is None
    assert prefix_filter({"$and": [RawBSONDocument(twice)]}) is None


def test_key_order_is_kept() -> None:
    prefixed = prefix_filter({"z": 1, "$comment": "x", "a": 2})
    assert prefixed is not None
    assert list(prefixed) == ["d.z", "$comment", "d.a"]


def test_a_filter_is_parted_where_only_some_of_it_can_be_rewritten() -> None:
    assert split_filter({"a": 1, "b..c": 2, "$or": [{"": 1}], "$text": {"$search": "x"}}) == (
        {"d.a": 1, "$text": {"$search": "x"}},
        {"b..c": 2, "$or": [{"": 1}]},
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, (False, None)),
        ({"_id": 5}, (True, 5)),
        ({"_id": None, "a": 1}, (True, None)),
        ({"_id": {"$eq": "x"}}, (True, "x")),
        ({"_id": {"$exists": True, "$eq": 4}}, (True, 4)),
        ({"_id": {"b": 1}}, (True, {"b": 1})),
        ({"_id": {}}, (True, {})),
        ({"_id": SON([("$ref", "c"), ("$id", 1)])}, (True, SON([("$ref", "c"), ("$id", 1)]))),
        ({"_id": {"$gt": 5}}, (False, None)),
        ({"_id": {"$in": [5]}}, (False, None)),
        ({"_id": re.compile("x")}, (False, None)),
        ({"_id": Regex("x")}, (False, None)),
        ({"_id.a": 5}, (False, None)),
        ({"$or": [{"_id": 5}]}, (False, None)),
    ],
    ids=repr,
)
def test_the_one_id_that_a_filter_asks_for(query: Document, found: tuple[bool, Any]) -> None:
    assert equality_id(query) == found


def test_an_object_id_is_found_as_itself() -> None:
    key = ObjectId()
    assert equality_id({"_id": key})[1] is key


@pytest.mark.parametrize(
    ("query", "paths"),
    [
        ({"a": 1, "b.c": {"d": 1}, "e": None}, {"a": "equality", "b.c": "equality", "e": "equality"}),
        ({"a": {"$in": [1]}, "b": {"$all": [1]}}, {"a": "equality", "b": "equality"}),
        ({"a": {"$gt": 1}, "b": {"$lte": 1, "$ne": 0}}, {"a": "range", "b": "range"}),
        ({"a": re.compile("^abc")}, {"a": "range"}),
        ({"a": {"$regex": "^abc"}}, {"a": "range"}),
        ({"a": re.compile("^abc", re.I)}, {"a": "other"}),
        ({"a": {"$regex": "^abc", "$options": "i"}}, {"a": "other"}),
        ({"a": re.compile("abc")}, {"a": "other"}),
        ({"a": re.compile("^.*x")}, {"a": "other"}),
        ({"a": {"$exists": True}, "b": {"$ne": 1}, "c": {"$nin": [1]}}, dict.fromkeys("abc", "other")),
        ({"a": {"$not": {"$gt": 1}}}, {"a": "other"}),
        ({"a": {"$ne": 1}, "$and": [{"a": 5}, {"b": {"$lt": 1}}]}, {"a": "equality", "b": "range"}),
        ({"$and": [{"a": 5}], "a": {"$gt": 1}}, {"a": "equality"}),
        ({"$or": [{"a": 1}], "$nor": [{"b": 1}]}, {}),
        ({"$expr": {"$eq": ["$a", "$$x"]}}, {"a": "equality"}),
        ({"$expr": {"$and": [{"$eq": [3, "$a"]}, {"$gt": ["$b", 1]}]}}, {"a": "equality", "b": "range"}),
        ({"$expr": {"$eq": ["$a", "$b"]}}, {}),
        ({"$and": 5}, {}),
    ],
    ids=repr,
)
def test_paths_that_a_filter_binds(query: Document, paths: dict[str, str]) -> None:
    assert required_paths(query) == paths


def test_alternatives_are_exposed() -> None:
    assert or_clauses({"$or": [{"a": 1}, {"b": 2}], "c": 3}) == [{"a": 1}, {"b": 2}]
    assert or_clauses({"a": 1}) == []
    assert or_clauses({"$or": [1]}) == []
