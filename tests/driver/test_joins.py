"""Stages that read another collection: of the same branch, at the same moment."""

from __future__ import annotations

from typing import Any

import pytest

from argon.errors import UnsupportedOperation

from .parity import Faces

BY_ID: dict[str, Any] = {"$sort": {"_id": 1}}
ORDERS = {"from": "orders", "as": "orders"}
SORT_ORDERS = {"$set": {"orders": {"$sortArray": {"input": "$orders._id", "sortBy": 1}}}}
SORTED = {"pipeline": [BY_ID]}

LOOKUPS: list[dict[str, Any]] = [
    {**ORDERS, **SORTED, "localField": "_id", "foreignField": "user"},
    {**ORDERS, **SORTED, "localField": "boss", "foreignField": "user"},
    {**ORDERS, **SORTED, "localField": "nothing", "foreignField": "nothing"},
    {**ORDERS, **SORTED, "localField": "marks.n", "foreignField": "user"},
    {**ORDERS, **SORTED, "localField": "_id", "foreignField": "items.n"},
    {
        **ORDERS,
        "localField": "_id",
        "foreignField": "user",
        "pipeline": [{"$match": {"price": {"$gt": 9}}}, BY_ID],
    },
    {
        **ORDERS,
        "let": {"who": "$_id"},
        "pipeline": [{"$match": {"$expr": {"$eq": ["$user", "$$who"]}}}, BY_ID],
    },
    {**ORDERS, "pipeline": [{"$group": {"_id": "$user", "n": {"$sum": 1}}}, BY_ID]},
    {**ORDERS, "pipeline": []} | SORTED,
    {
        **ORDERS,
        "localField": "_id",
        "foreignField": "user",
        "let": {"least": "$age"},
        "pipeline": [{"$match": {"$expr": {"$gt": ["$price", "$$least"]}}}, BY_ID],
    },
    {
        **ORDERS,
        "localField": "_id",
        "foreignField": "user",
        "pipeline": [
            BY_ID,
            {"$lookup": {"from": "users", "localField": "user", "foreignField": "_id", "as": "again"}},
            {"$set": {"again": "$again.name"}},
        ],
    },
    {"from": "none", "localField": "_id", "foreignField": "user", "as": "orders"},
    {"as": "made", "pipeline": [{"$documents": [{"a": 1}, {"a": 2}]}]},
    {"from": "orders"},
    {**ORDERS, "localField": "_id"},
    {**ORDERS, "localField": 1, "foreignField": "x"},
    {**ORDERS, "localField": "_id", "foreignField": "user", "pipeline": [{"$foo": 1}]},
    {**ORDERS, "pipeline": [{"$out": "x"}]},
]

GRAPHS: list[dict[str, Any]] = [
    {
        "from": "users",
        "startWith": "$boss",
        "connectFromField": "boss",
        "connectToField": "_id",
        "as": "chain",
    },
    {
        "from": "users",
        "startWith": "$_id",
        "connectFromField": "_id",
        "connectToField": "boss",
        "as": "chain",
        "maxDepth": 1,
        "depthField": "depth",
        "restrictSearchWithMatch": {"age": {"$gt": 21}},
    },
    {
        "from": "none",
        "startWith": "$boss",
        "connectFromField": "boss",
        "connectToField": "_id",
        "as": "chain",
    },
    {"from": "users", "startWith": "$boss", "connectToField": "_id", "as": "chain"},
]

UNIONS: list[Any] = [
    "orders",
    "none",
    {"coll": "orders"},
    {"coll": "orders", "pipeline": [{"$match": {"user": 3}}]},
    {"coll": "orders", "pipeline": [{"$unionWith": "odd"}]},
    {"pipeline": [{"$documents": [{"_id": "made"}]}]},
    {"coll": "orders", "pipeline": [{"$foo": 1}]},
    {"coll": 1},
    {},
]


@pytest.mark.parametrize("spec", LOOKUPS, ids=repr)
def test_lookup(reading: Faces, spec: dict[str, Any]) -> None:
    reading.same(lambda db: db.users.aggregate([{"$lookup": spec}, BY_ID]))
    reading.same(
        lambda db: db.users.aggregate([{"$match": {"age": 22}}, BY_ID, {"$lookup": spec}, {"$limit": 2}])
    )


def test_lookup_then_unwind(reading: Faces) -> None:
    stages = [
        {"$lookup": {**ORDERS, "localField": "_id", "foreignField": "user"}},
        {"$unwind": "$orders"},
        {"$match": {"orders.price": {"$gt": 4}}},
        {"$sort": {"orders._id": 1}},
    ]
    reading.same(lambda db: db.users.aggregate(stages))


@pytest.mark.parametrize("spec", GRAPHS, ids=repr)
def test_graph_lookup(reading: Faces, spec: dict[str, Any]) -> None:
    sort = {"$set": {"chain": {"$sortArray": {"input": "$chain", "sortBy": {"_id": 1}}}}}
    reading.same(lambda db: db.users.aggregate([BY_ID, {"$graphLookup": spec}, sort]))


@pytest.mark.parametrize("spec", UNIONS, ids=repr)
def test_union(reading: Faces, spec: Any) -> None:
    reading.same(lambda db: db.users.aggregate([{"$unionWith": spec}]), ordered=False)
    reading.same(
        lambda db: db.users.aggregate([{"$match": {"age": 22}}, {"$unionWith": spec}]), ordered=False
    )


def test_joins_inside_facets(reading: Faces) -> None:
    lookup = {"$lookup": {**ORDERS, "localField": "_id", "foreignField": "user"}}
    count = {"$set": {"orders": {"$size": "$orders"}}}
    facet = {"joined": [BY_ID, lookup, count], "both": [{"$unionWith": "orders"}, {"$count": "n"}]}
    reading.same(lambda db: db.users.aggregate([{"$facet": facet}]))


def test_another_database_is_refused(reading: Faces) -> None:
    for view in reading.views.values():
        for stage in (
            {"$unionWith": {"coll": "x", "db": "other", "pipeline": []}},
            {
                "$lookup": {
                    "from": {"db": "other", "coll": "x"},
                    "localField": "a",
                    "foreignField": "b",
                    "as": "c",
                }
            },
        ):
            with pytest.raises(UnsupportedOperation, match="other"):
                view.users.aggregate([stage])
