"""Strategies for filters, orders and projections."""

from __future__ import annotations

from typing import Any

from bson import Code, Regex
from hypothesis import strategies as st

from .values import SEED, Document, fields, ids, numbers, paths, scalars, strings, values

COLLATION: Document = {"locale": "en", "strength": 2}
"""Takes "a" and "A" for equal."""

_comparisons = st.sampled_from(["$eq", "$gt", "$gte", "$lt", "$lte", "$ne"])


def _compared(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(value, st.builds(lambda operator, operand: {operator: operand}, _comparisons, value))


_any_condition: st.SearchStrategy[Any] = st.one_of(
    _compared(scalars),
    values,
    st.builds(lambda members: {"$in": members}, st.lists(scalars, max_size=3)),
    st.builds(lambda members: {"$nin": members}, st.lists(scalars, max_size=3)),
    st.builds(lambda present: {"$exists": present}, st.booleans()),
    st.builds(
        lambda kind: {"$type": kind}, st.sampled_from(["int", "long", "double", "number", "array", "null", 2])
    ),
    st.builds(lambda value: {"$not": {"$gt": value}}, numbers),
    st.sampled_from([{"$ne": None}, {"$mod": [2, 1]}, {"$bitsAllSet": 1}, {"$all": []}, {"$exists": True}]),
)
_of_number: st.SearchStrategy[Any] = st.one_of(
    _compared(numbers),
    _compared(numbers),
    st.builds(lambda low, high: {"$gte": low, "$lt": high}, numbers, numbers),
    st.builds(lambda members: {"$in": members}, st.lists(numbers, min_size=1, max_size=3)),
)
_of_array: st.SearchStrategy[Any] = st.one_of(
    _compared(numbers),
    st.builds(lambda size: {"$size": size}, st.integers(0, 3)),
    st.builds(lambda members: {"$all": members}, st.lists(numbers, min_size=1, max_size=2)),
    st.builds(lambda value: {"$elemMatch": {"$gte": value}}, numbers),
    st.lists(numbers, max_size=3),
)
_of_documents: st.SearchStrategy[Any] = st.one_of(
    st.builds(lambda value: {"$elemMatch": {"x": value}}, numbers),
    st.builds(lambda value: {"$elemMatch": {"x": {"$gte": value}, "y": {"$exists": True}}}, numbers),
    st.builds(lambda size: {"$size": size}, st.integers(0, 3)),
    st.just({"x": 1}),
)
_of_text: st.SearchStrategy[Any] = st.one_of(
    _compared(strings),
    st.sampled_from([{"$regex": "^a"}, {"$regex": "A", "$options": "i"}, Regex("b", "i"), Regex("^A")]),
)
_typed: st.SearchStrategy[Document] = st.one_of(
    st.builds(
        lambda path, condition: {path: condition},
        st.sampled_from(["k", "u", "d", "n.a", "n.c", "docs.x", "docs.0.x", "arr", "arr.0"]),
        _of_number,
    ),
    st.builds(
        lambda path, condition: {path: condition}, st.sampled_from(["arr", "n.c", "k", "docs.z"]), _of_array
    ),
    st.builds(lambda condition: {"docs": condition}, _of_documents),
    st.builds(
        lambda path, condition: {path: condition}, st.sampled_from(["s", "docs.y", "n.b", "v"]), _of_text
    ),
)
_ids = st.one_of(
    ids,
    st.builds(lambda value: {"$eq": value}, ids),
    st.builds(lambda members: {"$in": members}, st.lists(ids, max_size=4)),
    st.builds(lambda value: {"$gte": value}, ids),
    st.builds(lambda value: {"$ne": value}, ids),
)
_expressions: st.SearchStrategy[Any] = st.one_of(
    st.builds(lambda path, value: {"$gt": [f"${path}", value]}, fields, numbers),
    st.builds(lambda path, other: {"$eq": [f"${path}", f"${other}"]}, fields, fields),
    st.builds(lambda path: {"$isArray": f"${path}"}, fields),
    st.just({"$in": ["$k", [1, 2, 3]]}),
    st.just({"$eq": [{"$type": "$$ROOT.v"}, "string"]}),
)


def _logical(inner: st.SearchStrategy[Document]) -> st.SearchStrategy[Document]:
    clauses = st.lists(inner, min_size=1, max_size=2)
    return st.builds(
        lambda operator, several: {operator: several}, st.sampled_from(["$and", "$or", "$nor"]), clauses
    )


_one_field = st.one_of(
    _typed, _typed, _typed, st.builds(lambda path, condition: {path: condition}, paths, _any_condition)
)
_simple: st.SearchStrategy[Document] = st.one_of(
    _one_field,
    _one_field,
    st.builds(lambda value: {"_id": value}, _ids),
    st.builds(lambda expression: {"$expr": expression}, _expressions),
    st.just({"$jsonSchema": {"required": ["k"], "properties": {"s": {"bsonType": "string"}}}}),
    st.just({"$where": Code("return this.k == 1 || this.d == 2")}),
)
wrong_filters: st.SearchStrategy[Document] = st.sampled_from(
    [
        {"$foo": 1},
        {"k": {"$foo": 1}},
        {"$or": []},
        {"$and": 1},
        {"k": {"$in": 5}},
        {"k": {"$size": "a"}},
        {"k": {"$not": 3}},
        {"k": {"$gt": 1, "x": 2}},
        {"$expr": {"$foo": 1}},
        {"k": {"$mod": [0, 1]}},
        {"k": {"$type": "nothing"}},
        {"k": {"$regex": "("}},
    ]
)
by_id = st.builds(lambda value: {"_id": value}, ids)
filters: st.SearchStrategy[Document] = st.one_of(
    st.just({}),
    st.builds(lambda bound: {"u": {"$gte": bound}}, st.integers(0, 10)),
    by_id,
    by_id,
    _simple,
    st.builds(lambda one, two: {**one, **two}, _simple, _one_field),
    st.recursive(_simple, _logical, max_leaves=3),
)

orders = st.lists(
    st.tuples(paths, st.sampled_from([1, -1])), max_size=2, unique_by=lambda pair: pair[0].split(".")[0]
).map(lambda pairs: [*pairs, ("_id", 1)])
"""Orders that leave no ties, since the order of equals is nobody's promise."""

wrong_projections: st.SearchStrategy[Any] = st.sampled_from(
    [{"k": 1, "s": 0}, {"k": {"$foo": 1}}, {"": 1}, {"k": 1, "k.x": 1}, {"n.arr": {"$elemMatch": {"x": 1}}}]
)
projections: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.lists(paths, max_size=3, unique_by=lambda path: path.split(".")[0]),
    st.dictionaries(fields, st.just(1), max_size=3),
    st.dictionaries(fields, st.just(0), max_size=3),
    st.builds(lambda path: {path: 1, "_id": 0}, paths),
    st.builds(lambda path: {path: False}, paths),
    st.sampled_from(
        [
            {"_id": 0},
            {"_id": 1},
            {"n": {"a": 1}},
            {"arr": {"$slice": 1}},
            {"arr": {"$slice": [-2, 1]}, "k": 1},
            {"docs": {"$elemMatch": {"x": {"$gt": 1}}}},
            {"total": {"$add": [1, {"$size": {"$ifNull": ["$docs", []]}}]}, "k": 1},
            {"copy": "$n.a", "k": 1},
            {"all": "$$ROOT"},
            {"k": {"$literal": 7}},
        ]
    ),
)

targets: st.SearchStrategy[Document] = st.one_of(
    st.just({}),
    st.builds(lambda identity: {"_id": identity}, st.sampled_from([document["_id"] for document in SEED])),
    st.builds(lambda members: {"u": {"$in": members}}, st.lists(st.integers(1, 12), min_size=1, max_size=4)),
    st.builds(lambda bound: {"u": {"$gte": bound}}, st.integers(0, 10)),
    filters,
    filters,
    filters,
)
"""Filters for writes, which mostly find something."""
