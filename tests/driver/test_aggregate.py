"""Aggregation: every stage that reads one collection."""

from __future__ import annotations

from typing import Any

import pytest

from argon.errors import UnsupportedOperation

from .parity import Faces

BY_ID: dict[str, Any] = {"$sort": {"_id": 1}}
POINT = {"type": "Point", "coordinates": [1.01, 48]}

PIPELINES: list[list[Any]] = [
    [BY_ID],
    [{"$match": {"age": 22}}, BY_ID],
    [{"$match": {"_id": 4}}],
    [{"$match": {"tags": {"$size": 0}}}, BY_ID, {"$skip": 1}, {"$limit": 2}],
    [{"$sort": {"age": -1, "_id": 1}}, {"$limit": 5}],
    [BY_ID, {"$project": {"name": 1, "zip": "$address.zip", "_id": 0}}],
    [BY_ID, {"$project": {"marks": 0, "home": 0}}],
    [BY_ID, {"$addFields": {"older": {"$add": ["$age", 1]}, "address.country": "AT"}}],
    [BY_ID, {"$set": {"tags": {"$concatArrays": ["$tags", ["x"]]}}}, {"$unset": ["marks", "address.zip"]}],
    [BY_ID, {"$set": {"copy": "$$ROOT"}}, {"$limit": 2}],
    [
        {"$group": {"_id": "$age", "n": {"$sum": 1}, "names": {"$addToSet": "$address.city"}}},
        {"$unset": "names"},
        BY_ID,
    ],
    [BY_ID, {"$group": {"_id": None, "all": {"$push": "$name"}, "first": {"$first": "$$ROOT"}}}],
    [
        {"$sort": {"age": 1, "_id": 1}},
        {"$group": {"_id": "$address.city", "last": {"$last": "$name"}}},
        BY_ID,
    ],
    [
        {
            "$group": {
                "_id": "$address.city",
                "top": {"$topN": {"n": 2, "sortBy": {"_id": -1}, "output": "$name"}},
            }
        },
        BY_ID,
    ],
    [{"$group": {"_id": "$age", "d": {"$stdDevPop": "$address.zip"}}}, BY_ID],
    [{"$group": {"_id": {"$year": "$joined"}, "n": {"$count": {}}}}],
    [{"$bucket": {"groupBy": "$age", "boundaries": [20, 23, 26], "default": "old"}}],
    [{"$bucket": {"groupBy": "$age", "boundaries": [20, 30], "output": {"n": {"$sum": 1}}}}],
    [{"$bucket": {"groupBy": "$age", "boundaries": [23, 20]}}],
    [{"$bucketAuto": {"groupBy": "$address.zip", "buckets": 4}}],
    [{"$match": {"age": {"$gt": 22}}}, {"$count": "n"}],
    [{"$match": {"age": 99}}, {"$count": "n"}],
    [{"$facet": {"n": [{"$count": "n"}], "some": [BY_ID, {"$limit": 2}, {"$project": {"name": 1}}]}}],
    [{"$sortByCount": "$age"}, {"$sort": {"count": -1, "_id": 1}}],
    [BY_ID, {"$unwind": "$tags"}, {"$project": {"tags": 1}}],
    [BY_ID, {"$unwind": {"path": "$tags", "includeArrayIndex": "i", "preserveNullAndEmptyArrays": True}}],
    [{"$sample": {"size": 100}}, BY_ID],
    [BY_ID, {"$redact": {"$cond": [{"$gt": ["$age", 22]}, "$$PRUNE", "$$DESCEND"]}}],
    [BY_ID, {"$replaceRoot": {"newRoot": "$address"}}],
    [BY_ID, {"$replaceWith": {"$mergeObjects": ["$address", {"id": "$_id"}]}}],
    [{"$match": {"$text": {"$search": "cats"}}}, {"$set": {"score": {"$meta": "textScore"}}}, BY_ID],
    [{"$match": {"$text": {"$search": "cats"}}}, {"$sort": {"score": {"$meta": "textScore"}, "_id": 1}}],
    [BY_ID, {"$match": {"$text": {"$search": "cats"}}}],
    [{"$geoNear": {"near": POINT, "distanceField": "far", "spherical": True, "key": "home"}}],
    [
        {
            "$geoNear": {
                "near": POINT,
                "distanceField": "a.far",
                "includeLocs": "a.at",
                "key": "home",
                "query": {"age": 22},
            }
        }
    ],
    [
        {"$geoNear": {"near": [1, 48.1], "distanceField": "far", "key": "flat", "maxDistance": 0.7}},
        {"$limit": 3},
    ],
    [{"$geoNear": {"near": POINT, "distanceField": "far"}}],
    [
        {"$densify": {"field": "joined", "range": {"step": 12, "unit": "hour", "bounds": "full"}}},
        {"$count": "n"},
    ],
    [
        {"$match": {"_id": {"$in": [2, 5]}}},
        {"$densify": {"field": "_id", "range": {"step": 1, "bounds": [0, 8]}}},
    ],
    [BY_ID, {"$fill": {"sortBy": {"_id": 1}, "output": {"boss": {"method": "locf"}}}}],
    [{"$fill": {"output": {"boss": {"value": -1}}}}, BY_ID],
    [
        {
            "$setWindowFields": {
                "partitionBy": "$address.city",
                "sortBy": {"_id": 1},
                "output": {"sum": {"$sum": "$age", "window": {"documents": ["unbounded", "current"]}}},
            }
        },
        BY_ID,
    ],
    [{"$setWindowFields": {"sortBy": {"_id": 1}, "output": {"rank": {"$rank": {}}}}}, BY_ID],
    [BY_ID, {"$project": {"first": {"$first": "$marks"}, "few": {"$slice": ["$marks", 2]}}}],
    [BY_ID, {"$set": {"d": "$age"}}, {"$match": {"d": 22}}],
    [{"$match": {"$expr": {"$eq": ["$$ROOT.age", 22]}}}, BY_ID],
    [{"$foo": 1}],
    [{"$match": 1}],
    [{"$match": {}, "$limit": 1}],
    [{"$limit": 0}],
    [{"$sort": {}}],
    [{"$project": {}}],
    [{"$project": {"a": 1, "b": 0}}],
    [{"$group": {"x": 1}}],
    [{"$group": {"_id": 1, "x": {"$foo": 1}}}],
    [{"$group": {"_id": 1, "x.y": {"$sum": 1}}}],
    [{"$addFields": {"a": {"$divide": ["$age", 0]}}}],
    [{"$unwind": "tags"}],
    [{"$sort": {"a..b": 1}}],
    [BY_ID, {"$project": {"name": 1}}, {"$replaceRoot": {"newRoot": "$name"}}],
    [{"$facet": {"x": [{"$out": "y"}]}}],
    [{"$facet": {"x": [{"$geoNear": {"near": POINT, "distanceField": "far"}}]}}],
    ["$match"],
    [1],
]

OPTIONS: list[tuple[list[Any], dict[str, Any]]] = [
    ([{"$match": {"$expr": {"$eq": ["$age", "$$wanted"]}}}, BY_ID], {"let": {"wanted": 22}}),
    ([{"$match": {"name": "ANN0"}}], {"collation": {"locale": "en", "strength": 2}}),
    ([{"$sort": {"name": 1}}, {"$project": {"name": 1}}], {"collation": {"locale": "en"}}),
    (
        [{"$group": {"_id": {"$toUpper": "$address.city"}}}, BY_ID],
        {"collation": {"locale": "en", "strength": 1}},
    ),
    ([{"$match": {"age": 22}}, BY_ID], {"hint": "age_1"}),
    ([{"$match": {"age": 22}}, BY_ID], {"hint": {"age": 1}}),
    ([{"$match": {"age": 22}}, BY_ID], {"hint": "_id_"}),
    ([{"$match": {"age": 22}}, BY_ID], {"hint": "no_such_index"}),
    ([BY_ID], {"allowDiskUse": True, "maxTimeMS": 10_000, "comment": "why", "batchSize": 3}),
    ([BY_ID], {"unknown": 1}),
]


@pytest.mark.parametrize("pipeline", PIPELINES, ids=repr)
def test_a_pipeline_gives_the_same(reading: Faces, pipeline: list[Any]) -> None:
    reading.same(lambda db: db.users.aggregate(pipeline))


@pytest.mark.parametrize("pipeline", PIPELINES, ids=repr)
def test_a_pipeline_gives_the_same_on_nothing(reading: Faces, pipeline: list[Any]) -> None:
    reading.same(lambda db: db.none.aggregate(pipeline), among=["main", "past of child"])


@pytest.mark.parametrize(("pipeline", "options"), OPTIONS, ids=repr)
def test_the_options_of_aggregate_mean_the_same(
    reading: Faces, pipeline: list[Any], options: dict[str, Any]
) -> None:
    reading.same(lambda db: db.users.aggregate(pipeline, **options))


def test_wrong_arguments_are_refused_alike(reading: Faces) -> None:
    for pipeline in ({"$match": {}}, "x", 1, None):
        reading.same(lambda db, wrong=pipeline: db.users.aggregate(wrong))


def test_a_sample_holds_documents_of_the_view(reading: Faces) -> None:
    for view in reading.views.values():
        found = list(view.users.aggregate([{"$sample": {"size": 5}}]))
        assert len({document["_id"] for document in found}) == 5
        assert all(view.users.find_one(document["_id"]) == document for document in found)


def test_a_pipeline_on_the_database(reading: Faces) -> None:
    documents = {"$documents": [{"_id": 1, "user": 3}, {"_id": 2, "user": 4}]}
    join = {"$lookup": {"from": "users", "localField": "user", "foreignField": "_id", "as": "user"}}
    reading.same(lambda db: db.aggregate([documents]))
    reading.same(lambda db: db.aggregate([documents, {"$match": {"user": 3}}]))
    reading.same(lambda db: db.aggregate([documents, join]))
    reading.same(lambda db: db.aggregate([{"$match": {}}]))
    reading.same(lambda db: db.aggregate([documents, {"$foo": 1}]))


def test_the_statistics_of_indexes_name_the_users_own(reading: Faces) -> None:
    def names(db: Any) -> Any:
        return sorted(index["name"] for index in db.users.aggregate([{"$indexStats": {}}]))

    reading.same(names)


def test_the_statistics_of_a_collection_count_what_is_seen(reading: Faces) -> None:
    reading.same(lambda db: [one["count"] for one in db.users.aggregate([{"$collStats": {"count": {}}}])])
    for view in reading.views.values():
        with pytest.raises(UnsupportedOperation, match="collStats"):
            view.users.aggregate([{"$collStats": {"storageStats": {}}}])


def test_a_search_is_refused_as_a_server_without_search_indexes_does(reading: Faces) -> None:
    search = [{"$search": {"text": {"query": "x", "path": "name"}}}]
    reading.same(lambda db: db.users.aggregate(search), errors="code")


def test_a_change_stream_begins_at_a_head(reading: Faces) -> None:
    for name, view in reading.views.items():
        if name.startswith("past"):
            with pytest.raises(UnsupportedOperation, match="watch"):
                view.users.aggregate([{"$changeStream": {}}])
        else:
            with view.users.aggregate([{"$changeStream": {}}]) as stream:
                assert stream.try_next() is None
                assert stream.alive
