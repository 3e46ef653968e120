"""References (``DBRef``), whose fields begin with a dollar sign and are fields all the same."""

from __future__ import annotations

from typing import Any

import pytest
from bson import DBRef
from pymongo import IndexModel

from .conftest import Make
from .parity import Document, Faces, with_past

DOORS: list[Document] = [{"_id": number, "width": 10 * number} for number in range(4)]
HOUSES: list[Document] = [
    {"_id": 1, "door": DBRef("doors", 1), "all": [DBRef("doors", 1), DBRef("doors", 2)]},
    {"_id": 2, "door": DBRef("doors", 2), "all": []},
    {"_id": 3, "door": DBRef("doors", {"k": 1}, "elsewhere", made=4), "all": [DBRef("doors", 2)]},
    {"_id": 4, "door": DBRef("sheds", 2)},
]
BY_ID: dict[str, Any] = {"$sort": {"_id": 1}}
FOUND = {"$set": {"found": {"$sortArray": {"input": "$found", "sortBy": {"_id": 1}}}}}

PIPELINES: list[list[dict[str, Any]]] = [
    [{"$lookup": {"from": "doors", "localField": "door.$id", "foreignField": "_id", "as": "found"}}],
    [{"$lookup": {"from": "doors", "localField": "all.$id", "foreignField": "_id", "as": "found"}}, FOUND],
    [
        {
            "$lookup": {
                "from": "doors",
                "localField": "all.$id",
                "foreignField": "_id",
                "as": "found",
                "pipeline": [{"$match": {"width": 20}}],
            }
        }
    ],
    [
        {"$lookup": {"from": "houses", "localField": "_id", "foreignField": "door.$id", "as": "found"}},
        FOUND,
    ],
    [
        {"$lookup": {"from": "houses", "localField": "door.$id", "foreignField": "$id", "as": "found"}},
        FOUND,
    ],
    [{"$lookup": {"from": "houses", "localField": "$id", "foreignField": "$id", "as": "found"}}, FOUND],
    [{"$lookup": {"from": "doors", "localField": "door.$other", "foreignField": "_id", "as": "found"}}],
    [
        {
            "$graphLookup": {
                "from": "houses",
                "startWith": "$door.$id",
                "connectFromField": "all.$id",
                "connectToField": "door.$id",
                "as": "found",
            }
        },
        FOUND,
    ],
    [{"$match": {"door.$id": {"$gte": 1}}}],
    [{"$match": {"$expr": {"$eq": ["$door.$id", 2]}}}],
    [{"$match": {"all": {"$elemMatch": {"$id": 2}}}}],
    [{"$match": {"door.$id.k": 1}}],
    [{"$sort": {"door.$id": -1, "_id": 1}}],
    [{"$sort": {"door.$other": 1}}],
    [{"$group": {"_id": "$door.$ref", "n": {"$sum": 1}}}, BY_ID],
    [{"$group": {"_id": "$door.$id", "n": {"$sum": 1}}}, BY_ID],
    [{"$sortByCount": "$door.$ref"}],
    [BY_ID, {"$project": {"door.$id": 1}}],
    [BY_ID, {"$project": {"door": {"$id": 1}}}],
    [BY_ID, {"$project": {"to": "$door.$id"}}],
    [BY_ID, {"$unset": "door.$id"}],
    [{"$unwind": "$all"}, {"$match": {"all.$id": 2}}, BY_ID],
]
FINDS: list[dict[str, Any]] = [
    {"filter": {"door.$id": 2}, "sort": [("door.$ref", -1)]},
    {"filter": {"door": DBRef("doors", 2)}},
    {"filter": {"all.$id": 2}, "projection": {"all.$": 1}},
    {"filter": {"all.0.$id": 1}, "projection": {"door.$id": 1}},
    {"filter": {"door.$db": "elsewhere"}, "projection": {"door.$ref": 0}},
    {"filter": {"door.$other": 1}},
    {"filter": {"$id": 1}},
]
UPDATES: list[tuple[Any, ...]] = [
    ({"_id": 1}, {"$set": {"door.$id": 9}}),
    ({"door.$id": 2}, {"$set": {"door": DBRef("doors", 3)}}),
    ({"all.$id": 2}, {"$set": {"all.$.$id": 8}}),
    ({"all.$id": 2}, {"$set": {"all.$[one].$id": 7}}, False, [{"one.$id": 2}]),
    ({}, {"$pull": {"all": {"$id": 2}}}),
    ({"all.$id": 2}, {"$pull": {"all": DBRef("doors", 2)}}),
    ({"_id": 9, "door": DBRef("doors", 1)}, {"$set": {"new": True}}, True),
    ({}, [{"$set": {"to": "$door.$id"}}]),
]


def _make(make_faces: Make) -> Faces:
    indexes = {"houses": [IndexModel("door.$id")]}
    return make_faces(indexes, doors=DOORS, houses=HOUSES)


@pytest.fixture(scope="module")
def houses(make_faces: Make) -> Faces:
    return with_past(_make(make_faces))


@pytest.mark.parametrize("pipeline", PIPELINES, ids=repr)
def test_pipelines(houses: Faces, pipeline: list[dict[str, Any]]) -> None:
    houses.same(lambda db: db.houses.aggregate(pipeline), ordered=BY_ID in pipeline)


@pytest.mark.parametrize("arguments", FINDS, ids=repr)
def test_finds(houses: Faces, arguments: dict[str, Any]) -> None:
    houses.same(lambda db: db.houses.find(**arguments), ordered="sort" in arguments)
    houses.same(lambda db: db.houses.count_documents(arguments["filter"]))


@pytest.mark.parametrize("key", ["door.$id", "all.$id", "door.$ref", "door.$other"])
def test_distinct(houses: Faces, key: str) -> None:
    houses.same(lambda db: sorted(map(repr, db.houses.distinct(key))))


@pytest.fixture(scope="module")
def _changing(make_faces: Make) -> Faces:
    return _make(make_faces)


@pytest.mark.parametrize("arguments", UPDATES, ids=repr)
def test_updates(_changing: Faces, arguments: tuple[Any, ...]) -> None:
    _changing.restore("houses", HOUSES)
    query, update, *rest = arguments
    options = dict(zip(("upsert", "array_filters"), rest, strict=False))
    _changing.same(lambda db: db.houses.update_many(query, update, **options))
    _changing.same_documents("houses")
