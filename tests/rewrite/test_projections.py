from __future__ import annotations

from typing import Any

import bson
import pytest
from bson import Decimal128, Int64
from bson.raw_bson import RawBSONDocument

from argon.rewrite import Plan, Projection, prefix_filter, prefix_projection

from .conftest import Document, Pair, outcome

DOCUMENTS: list[Document] = [
    {"_id": 1, "name": "Ann", "tags": [1, 2, 3, 4], "in": {"x": 1, "y": [5, 6, 7]}, "f": 1, "d": {"d": 2}},
    {"_id": {"x": 1, "y": 2}, "tags": [3], "items": [{"n": 3, "q": 1}, {"n": 4, "q": 2}], "s": "s"},
    {"_id": 3, "tags": [{"n": 1, "x": 9}, 3], "in": [{"x": 1, "y": 2}, {"y": 3}]},
]
QUERY: Document = {"tags": 3}

PROJECTIONS: list[tuple[Any, Plan]] = [
    (None, Plan.ROWS),
    ({}, Plan.ROWS),
    ({"name": 1}, Plan.ROWS),
    ({"name": True, "tags": 1.0, "s": Int64(5)}, Plan.ROWS),
    ({"name": Decimal128("1"), "tags": float("nan"), "s": -1}, Plan.ROWS),
    ({"name": Decimal128("0")}, Plan.ROWS),
    (["name", "in.x"], Plan.ROWS),
    (("_id",), Plan.ROWS),
    ({"name": 1, "_id": 0}, Plan.ROWS),
    ({"_id": False, "nothing": 1}, Plan.ROWS),
    ({"_id": 1}, Plan.ROWS),
    ({"_id": 0}, Plan.ROWS),
    ({"_id": 0, "name": 0}, Plan.ROWS),
    ({"_id": 1, "name": 0}, Plan.ROWS),
    ({"_id.x": 1}, Plan.ROWS),
    ({"_id.x": 0}, Plan.ROWS),
    ({"_id": {"x": 1}}, Plan.ROWS),
    ({"_id": {"x": 0}}, Plan.ROWS),
    ({"_id.x": 1, "name": 1}, Plan.ROWS),
    ({"tags": 1, "name": 1}, Plan.ROWS),
    ({"in.y": 0, "tags.x": 0}, Plan.ROWS),
    ({"in": {"x": 1}}, Plan.ROWS),
    ({"in": {"x": 0, "y": 0}}, Plan.ROWS),
    ({"in": {"x": 1, "y": 0}}, Plan.ROWS),
    ({"in": {}}, Plan.ROWS),
    ({"d": 1, "f": 1}, Plan.ROWS),
    ({"d.d": 0, "s": 0}, Plan.ROWS),
    ({"tags": {"$slice": 2}}, Plan.ROWS),
    ({"tags": {"$slice": -1}, "name": 1}, Plan.ROWS),
    ({"tags": {"$slice": [1, 2]}, "name": 0}, Plan.ROWS),
    ({"tags": {"$slice": 1}, "_id": 0}, Plan.ROWS),
    ({"tags": {"$slice": 1}, "_id": 1}, Plan.ROWS),
    ({"in.y": {"$slice": 1}}, Plan.ROWS),
    ({"in": {"y": {"$slice": 1}}}, Plan.ROWS),
    ({"_id": {"$slice": 1}}, Plan.ROWS),
    ({"tags": {"$slice": [-2, 1.0]}}, Plan.ROWS),
    ({"tags.$": 1}, Plan.ROWS),
    ({"tags.$": 1, "name": 1, "_id": 0}, Plan.ROWS),
    ({"tags.$": 0}, Plan.ROWS),
    ({"tags.$": 1, "items.$": 1}, Plan.ROWS),
    ({"in": {"$meta": "sortKey"}}, Plan.ROWS),
    ({"extra": {"$meta": "nonsense"}}, Plan.ROWS),
    ({"name": 1, "tags": 0}, Plan.ROWS),
    ({"name": 0, "tags": 1}, Plan.ROWS),
    ({"in": 1, "in.x": 1}, Plan.ROWS),
    ({"in.x": 0, "in": 0}, Plan.ROWS),
    ({"name": "$tags"}, Plan.AGGREGATE),
    ({"name": "text"}, Plan.AGGREGATE),
    ({"name": None}, Plan.AGGREGATE),
    ({"name": ["$tags", 1]}, Plan.AGGREGATE),
    ({"name": 1, "both": {"$concatArrays": ["$tags", [1]]}}, Plan.AGGREGATE),
    ({"name": 1, "all": "$$ROOT", "_id": 0}, Plan.AGGREGATE),
    ({"in": {"z": {"$add": [1, 1]}}}, Plan.AGGREGATE),
    ({"in.z": {"$literal": 5}, "tags": 1}, Plan.AGGREGATE),
    ({"_id": "$name"}, Plan.AGGREGATE),
    ({"name": 0, "x": "$tags"}, Plan.AGGREGATE),
    ({"x": {"$nonsense": 1}}, Plan.AGGREGATE),
    ({"tags": {"$slice": ["$tags", 1]}}, Plan.AGGREGATE),
    ({"tags": {"$slice": [1, -2]}}, Plan.AGGREGATE),
    ({"tags": {"$slice": [1, 0]}}, Plan.AGGREGATE),
    ({"tags": {"$slice": ["$tags", 1, 1]}}, Plan.AGGREGATE),
    ({"tags": {"$slice": 1}, "x": "$name"}, Plan.SCRATCH),
    ({"tags.$": 1, "x": "$name"}, Plan.SCRATCH),
    ({"items": {"$elemMatch": {"n": 3}}}, Plan.SCRATCH),
    ({"tags": {"$slice": "x"}}, Plan.SCRATCH),
    ({"tags": {"$slice": None}}, Plan.SCRATCH),
    ({"": 1}, Plan.SCRATCH),
    ({"a..b": 1}, Plan.SCRATCH),
    ({"a.": 1}, Plan.SCRATCH),
    ({"$x": 1}, Plan.SCRATCH),
    ({"in": {"y.$": 1}}, Plan.SCRATCH),
    ({"in.$.x": 1}, Plan.SCRATCH),
    ({"$": 1}, Plan.SCRATCH),
]


@pytest.fixture(scope="module")
def filled(pair: Pair) -> Pair:
    pair.fill(DOCUMENTS)
    return pair


def evaluate(pair: Pair, projection: Projection) -> list[Document]:
    """Follow the plan, as a caller would."""
    query = prefix_filter(QUERY)
    assert query is not None
    if projection.plan is Plan.ROWS:
        found = list(pair.rows.find({**query, "s.b": {"$ne": 2}}, projection.rows))
        assert all(row.keys() == {"d"} for row in found)
        return [row["d"] for row in found]
    if projection.plan is Plan.AGGREGATE:
        stages = [{"$match": query}, {"$replaceRoot": {"newRoot": "$d"}}, {"$project": projection.document}]
        return list(pair.rows.aggregate(stages))
    return list(pair.plain.find(QUERY, projection.document))


@pytest.mark.parametrize(("projection", "plan"), PROJECTIONS, ids=repr)
def test_a_projection_leaves_the_same_of_a_document(filled: Pair, projection: Any, plan: Plan) -> None:
    rewritten = prefix_projection(projection)
    assert rewritten.plan is plan
    expected = outcome(lambda: [bson.encode(d) for d in filled.plain.find(QUERY, projection)])
    assert outcome(lambda: [bson.encode(d) for d in evaluate(filled, rewritten)]) == expected


def test_a_positional_projection_says_so() -> None:
    assert prefix_projection({"tags.$": 1}).positional
    assert not prefix_projection({"tags": 1}).positional


def test_a_list_of_no_names_is_everything_as_for_pymongo(filled: Pair) -> None:
    expected = list(filled.plain.find(QUERY, []))
    assert evaluate(filled, prefix_projection([])) == expected


@pytest.mark.parametrize("projection", [5, [1], {1: 2}.items()], ids=repr)
def test_what_pymongo_refuses_is_refused_alike(filled: Pair, projection: Any) -> None:
    with pytest.raises(TypeError):
        filled.plain.find(QUERY, projection)
    with pytest.raises(TypeError):
        prefix_projection(projection)


def test_raw_bson_is_taken(filled: Pair) -> None:
    raw = RawBSONDocument(bson.encode({"in": {"x": 1}, "_id": 0}))
    assert evaluate(filled, prefix_projection(raw)) == list(filled.plain.find(QUERY, raw))
