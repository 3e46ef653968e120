"""Counting, and the distinct values of a field."""

from __future__ import annotations

from typing import Any

import pytest

from .parity import Faces
from .test_find import FILTERS

COUNTS: list[dict[str, Any]] = [
    {"filter": {}},
    {"filter": {"age": 22}},
    {"filter": {"age": {"$gt": 100}}},
    {"filter": {}, "skip": 5},
    {"filter": {}, "limit": 5},
    {"filter": {"age": 22}, "skip": 1, "limit": 2},
    {"filter": {}, "skip": 100},
    {"filter": {}, "limit": 0},
    {"filter": {}, "skip": -1},
    {"filter": {"age": 22}, "hint": "age_1"},
    {"filter": {"age": 22}, "hint": {"age": 1}},
    {"filter": {"age": 22}, "hint": [("age", 1)]},
    {"filter": {"age": 22}, "hint": "_id_"},
    {"filter": {"age": 22}, "hint": "no_such_index"},
    {"filter": {"name": "ANN0"}, "collation": {"locale": "en", "strength": 2}},
    {"filter": {"age": 22}, "maxTimeMS": 10_000},
    {"filter": {"age": 22}, "comment": "why"},
    {"filter": 1},
    {"filter": {}, "unknown": 1},
]

DISTINCTS: list[tuple[Any, ...]] = [
    ("age",),
    ("tags",),
    ("address.city",),
    ("address",),
    ("marks.s",),
    ("marks.1.n",),
    ("_id",),
    ("nothing",),
    ("age", {"tags": "a"}),
    ("age", {"_id": {"$in": [1, 2, 3]}}),
    ("tags", {"age": 22}),
    ("age", {"$expr": {"$gt": ["$$ROOT.age", 22]}}),
    ("age", {"a..b": {"$exists": False}}),
    ("", {}),
    ("a..b", {}),
    ("$age", {}),
    (5,),
    ("age", 5),
    ("age", {"x": {"$foo": 1}}),
]


@pytest.mark.parametrize("arguments", COUNTS, ids=repr)
def test_counting(reading: Faces, arguments: dict[str, Any]) -> None:
    reading.same(lambda db: db.users.count_documents(**arguments))


@pytest.mark.parametrize("query", FILTERS, ids=repr)
def test_counting_agrees_with_finding(reading: Faces, query: dict[str, Any]) -> None:
    reading.same(lambda db: db.users.count_documents(query))


def test_the_estimate(reading: Faces) -> None:
    reading.same(lambda db: db.users.estimated_document_count())
    reading.same(lambda db: db.users.estimated_document_count(maxTimeMS=10_000, comment="x"))
    reading.same(lambda db: db.none.estimated_document_count())
    reading.same(lambda db: db.none.count_documents({}))


@pytest.mark.parametrize("arguments", DISTINCTS, ids=repr)
def test_distinct_values(reading: Faces, arguments: tuple[Any, ...]) -> None:
    reading.same(lambda db: db.users.distinct(*arguments), ordered=False)
    reading.same(lambda db: db.none.distinct(*arguments), ordered=False)


def test_distinct_values_of_odd_documents(reading: Faces) -> None:
    for key in ("a", "a.b", "_id", "_id.x", "d.a", "d", "f", "s.b"):
        reading.same(lambda db, key=key: db.odd.distinct(key), ordered=False)


def test_distinct_with_options(reading: Faces) -> None:
    options: list[dict[str, Any]] = [
        {"collation": {"locale": "en", "strength": 2}},
        {"maxTimeMS": 10_000, "comment": "why"},
        {"hint": "age_1"},
    ]
    for given in options:
        reading.same(
            lambda db, given=given: db.users.distinct("age", {"age": {"$gt": 22}}, **given), ordered=False
        )
