"""Projections of every form."""

from __future__ import annotations

from typing import Any

import pytest

from .parity import Faces

PROJECTIONS: list[Any] = [
    ["name", "age"],
    {"name": 1},
    {"name": 1, "_id": 0},
    {"_id": 1},
    {"_id": 0},
    {"name": 0, "marks": 0},
    {"address.city": 1},
    {"address": {"city": 1}},
    {"marks.s": 1},
    {"marks.s": 0},
    {"name": True, "age": 1.0},
    {"tags": {"$slice": 1}},
    {"tags": {"$slice": -1}, "name": 1},
    {"marks": {"$slice": [1, 1]}},
    {"marks": {"$elemMatch": {"s": "y"}}},
    {"marks": {"$elemMatch": {"n": {"$gt": 10}}}, "name": 1},
    {"marks.x": {"$elemMatch": {"s": "y"}}},
    {"double": {"$multiply": ["$age", 2]}, "name": 1},
    {"who": "$name", "where": "$address.city"},
    {"fixed": {"$literal": 1}},
    {"name": "text"},
    {"all": "$$ROOT", "_id": 0},
    {"few": {"$slice": ["$marks", 1]}},
    {"name": {"$toUpper": "$name"}, "tags": {"$slice": 1}},
    {"name": 1, "age": 0},
    {"name": 0, "age": 1},
    {"": 1},
    {"$name": 1},
    {"a..b": 1},
    {"name": {"$foo": 1}},
    {"address": 1, "address.city": 1},
    {"marks.$": 1},
    {"rank": {"$meta": "textScore"}},
    {"marks": {"$slice": "x"}},
    {},
]

POSITIONAL: list[tuple[dict[str, Any], Any]] = [
    ({"marks.s": "y"}, {"marks.$": 1}),
    ({"marks.n": {"$gt": 10}}, {"marks.$": 1, "name": 1}),
    ({"marks": {"$elemMatch": {"s": "z", "n": 7}}}, {"marks.$": 1}),
    ({"_id": 4, "tags": "d"}, {"tags.$": 1}),
    ({"$or": [{"tags": "a"}, {"tags": "b"}]}, {"tags.$": 1}),
    ({"age": 22}, {"tags.$": 1}),
    ({"tags": "a"}, {"marks.$": 1}),
    ({"tags": "a"}, {"tags.$": 1, "n": {"$add": ["$age", 1]}}),
    ({"tags": "a"}, {"tags.$": 1, "marks": {"$elemMatch": {"s": "z"}}}),
    ({"tags": "a"}, {"tags.$": 0}),
    ({"tags": "a"}, {"tags.$.x": 1}),
]


@pytest.mark.parametrize("projection", PROJECTIONS, ids=repr)
def test_a_projection_means_the_same(reading: Faces, projection: Any) -> None:
    reading.same(lambda db: db.users.find({}, projection).sort("_id", 1))
    reading.same(lambda db: db.users.find({"_id": 4}, projection))
    reading.same(lambda db: db.users.find({"age": 22}, projection, sort=[("_id", -1)], skip=1, limit=2))
    reading.same(lambda db: db.odd.find({}, projection), ordered=False)


@pytest.mark.parametrize(("query", "projection"), POSITIONAL, ids=repr)
def test_a_positional_projection_means_the_same(
    reading: Faces, query: dict[str, Any], projection: Any
) -> None:
    reading.same(lambda db: db.users.find(query, projection).sort("_id", 1))
    reading.same(lambda db: db.users.find(query, projection).sort("_id", -1).limit(2))
    reading.same(lambda db: db.users.find_one({**query, "age": 23}, projection, sort=[("_id", 1)]))


def test_a_projection_of_the_score_of_a_text_search(reading: Faces) -> None:
    query = {"$text": {"$search": "cats sails"}}
    score = {"score": {"$meta": "textScore"}}
    reading.same(lambda db: db.users.find(query, {"name": 1, **score}).sort("_id", 1))
    reading.same(lambda db: db.users.find(query, score).sort([*score.items(), ("_id", 1)]))
    reading.same(lambda db: db.users.find({**query, "age": 22}, {"_id": 1}).sort("_id", 1))
