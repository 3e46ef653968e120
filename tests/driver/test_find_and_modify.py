"""``find_one_and_update``, ``find_one_and_replace`` and ``find_one_and_delete``."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import ReturnDocument

from .parity import Faces

AFTER, BEFORE = ReturnDocument.AFTER, ReturnDocument.BEFORE

UPDATES: list[tuple[Any, Any, dict[str, Any]]] = [
    ({"_id": 4}, {"$set": {"age": 50}}, {}),
    ({"_id": 4}, {"$set": {"age": 50}}, {"return_document": AFTER}),
    ({"age": 22}, {"$set": {"x": 1}}, {"sort": [("_id", -1)], "return_document": AFTER}),
    ({"age": 22}, {"$set": {"x": 1}}, {"sort": {"_id": 1}, "projection": {"x": 1, "name": 1}}),
    ({"_id": 4}, {"$inc": {"age": 1}}, {"projection": ["age"], "return_document": AFTER}),
    ({"_id": 4}, {"$inc": {"age": 1}}, {"projection": {"_id": 0, "age": 1}}),
    ({"_id": 4}, {"$inc": {"age": 1}}, {"projection": {"marks": {"$slice": 1}}, "return_document": AFTER}),
    ({"_id": 4}, {"$inc": {"age": 1}}, {"projection": {"marks": {"$elemMatch": {"s": "y"}}}}),
    ({"_id": 4, "marks.s": "y"}, {"$inc": {"marks.$.n": 1}}, {"projection": {"marks.$": 1}}),
    (
        {"_id": 4, "marks.s": "y"},
        {"$inc": {"marks.$.n": 1}},
        {"projection": {"marks.$": 1}, "return_document": AFTER},
    ),
    (
        {"_id": 4},
        {"$inc": {"age": 1}},
        {"projection": {"twice": {"$multiply": ["$age", 2]}}, "return_document": AFTER},
    ),
    ({"_id": 4}, {"$set": {"marks.$[m].n": -1}}, {"array_filters": [{"m.s": "y"}], "return_document": AFTER}),
    ({"_id": 4}, [{"$set": {"age": {"$add": ["$age", 1]}}}], {"return_document": AFTER}),
    ({"_id": 4}, {"$set": {"age": 24}}, {"return_document": AFTER}),
    ({"_id": 99}, {"$set": {"age": 50}}, {}),
    ({"_id": 99}, {"$set": {"age": 50}}, {"upsert": True}),
    ({"_id": 99}, {"$set": {"age": 50}}, {"upsert": True, "return_document": AFTER}),
    (
        {"_id": 99},
        {"$set": {"age": 50}},
        {"upsert": True, "return_document": AFTER, "projection": {"_id": 0}},
    ),
    ({"_id": 99}, {"$set": {"age": 50}}, {"upsert": True, "return_document": BEFORE, "sort": [("_id", 1)]}),
    (
        {"name": "ANN0"},
        {"$set": {"x": 1}},
        {"collation": {"locale": "en", "strength": 2}, "return_document": AFTER},
    ),
    ({"age": 22}, {"$set": {"x": 1}}, {"hint": "_id_", "sort": [("_id", 1)], "comment": "x"}),
    ({"age": 22}, {"$set": {"x": 1}}, {"hint": "no_such_index"}),
    ({"$expr": {"$eq": ["$_id", "$$it"]}}, {"$set": {"x": 1}}, {"let": {"it": 4}, "return_document": AFTER}),
    ({"_id": 4}, {"$set": {"x": 1}}, {"maxTimeMS": 10_000}),
    ({"_id": 4}, {"$foo": {"x": 1}}, {}),
    ({"_id": 99}, {"$foo": {"x": 1}}, {}),
    ({"_id": 4}, {"$inc": {"name": 1}}, {}),
    ({"_id": 4}, {"$set": {"_id": 5}}, {}),
    ({"_id": 4}, {"x": 1}, {}),
    ({"_id": 4}, {}, {}),
    ({"_id": 4}, {"$set": {"x": 1}}, {"projection": {"a": 1, "b": 0}}),
    ({"_id": 4}, {"$set": {"x": 1}}, {"return_document": 1}),
    ({"_id": 4}, {"$set": {"x": 1}}, {"sort": 1}),
    ({"_id": 4}, {"$set": {"x": 1}}, {"upsert": "yes"}),
    ({"_id": 4}, {"$set": {"x": 1}}, {"unknown": 1}),
    (1, {"$set": {"x": 1}}, {}),
    ({"$foo": 1}, {"$set": {"x": 1}}, {}),
]

REPLACEMENTS: list[tuple[Any, Any, dict[str, Any]]] = [
    ({"_id": 4}, {"x": 1}, {}),
    ({"_id": 4}, {"x": 1}, {"return_document": AFTER}),
    ({"age": 22}, {"x": 1}, {"return_document": AFTER, "sort": [("_id", -1)], "projection": {"_id": 0}}),
    ({"_id": 4}, {"_id": 5}, {}),
    ({"_id": 99}, {"x": 1}, {}),
    ({"_id": 99}, {"x": 1}, {"upsert": True, "return_document": AFTER}),
    ({"_id": 99}, {"x": 1}, {"upsert": True}),
    ({"_id": 4}, {"$set": {"x": 1}}, {}),
    ({"_id": 4}, 1, {}),
    ({"_id": 4}, {"x": 1}, {"projection": {"marks": {"$slice": 1}}}),
]

DELETES: list[tuple[Any, dict[str, Any]]] = [
    ({"_id": 4}, {}),
    ({"age": 22}, {"sort": [("_id", -1)]}),
    ({"age": 22}, {"sort": [("_id", 1)], "projection": {"name": 1}}),
    ({"_id": 4}, {"projection": {"marks": {"$slice": 1}, "name": 1}}),
    ({"_id": 4, "marks.s": "y"}, {"projection": {"marks.$": 1}}),
    ({"_id": 99}, {}),
    ({"name": "ANN0"}, {"collation": {"locale": "en", "strength": 2}}),
    ({"_id": 4}, {"hint": "_id_", "comment": "x", "maxTimeMS": 10_000}),
    ({"_id": 4}, {"hint": "no_such_index"}),
    ({"$expr": {"$eq": ["$_id", "$$it"]}}, {"let": {"it": 4}}),
    ({"_id": 4}, {"projection": {"a": 1, "b": 0}}),
    ({"$foo": 1}, {}),
    (1, {}),
    ({"_id": 4}, {"sort": "x"}),
    ({"_id": 4}, {"unknown": 1}),
]


@pytest.mark.parametrize(("query", "update", "options"), UPDATES, ids=repr)
def test_find_one_and_update(writing: Faces, query: Any, update: Any, options: dict[str, Any]) -> None:
    writing.same(lambda db: db.users.find_one_and_update(query, update, **options))
    writing.same_documents("users")
    writing.same(lambda db: db.none.find_one_and_update(query, update, **options))


@pytest.mark.parametrize(("query", "replacement", "options"), REPLACEMENTS, ids=repr)
def test_find_one_and_replace(writing: Faces, query: Any, replacement: Any, options: dict[str, Any]) -> None:
    writing.same(lambda db: db.users.find_one_and_replace(query, replacement, **options))
    writing.same_documents("users")


@pytest.mark.parametrize(("query", "options"), DELETES, ids=repr)
def test_find_one_and_delete(writing: Faces, query: Any, options: dict[str, Any]) -> None:
    writing.same(lambda db: db.users.find_one_and_delete(query, **options))
    writing.same_documents("users")
    writing.same(lambda db: db.none.find_one_and_delete(query, **options))
