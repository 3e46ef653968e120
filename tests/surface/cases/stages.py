"""Aggregation stages: stage of the manual -> pipelines on ``things``, their results in a defined order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

Pipeline = list[dict[str, Any]]

_SORT: dict[str, Any] = {"$sort": {"_id": 1}}
_FEW: list[dict[str, Any]] = [_SORT, {"$project": {"n": 1, "kind": 1, "ref": 1, "some": 1}}]
_P = {"$set": {"p": {"$sortArray": {"input": "$p", "sortBy": {"_id": 1}}}}}
_NEAR = {"type": "Point", "coordinates": [0.31, 48]}

STAGES: dict[str, list[Pipeline]] = {
    "$addFields": [[_SORT, {"$addFields": {"o.new": "$n", "a": "$$REMOVE"}}]],
    "$bucket": [
        [{"$bucket": {"groupBy": "$n", "boundaries": [-3, 0, 5], "default": "more"}}],
        [{"$bucket": {"groupBy": "$n", "boundaries": [-3, 0, 50], "output": {"all": {"$sum": "$bits"}}}}],
    ],
    "$bucketAuto": [[{"$bucketAuto": {"groupBy": "$n", "buckets": 3, "granularity": "POWERSOF2"}}]],
    "$collStats": [[{"$collStats": {"count": {}}}, {"$project": {"count": 1}}]],
    "$count": [[{"$count": "how many"}], [{"$match": {"n": 99}}, {"$count": "n"}]],
    "$currentOp": [[{"$currentOp": {}}, {"$limit": 1}, {"$project": {"_id": {"$type": "$host"}}}]],
    "$densify": [
        [
            {"$match": {"n": {"$in": [1, 4]}}},
            {"$densify": {"field": "n", "range": {"step": 1, "bounds": "full"}}},
        ],
        [
            *_FEW,
            {
                "$densify": {
                    "field": "n",
                    "partitionByFields": ["kind"],
                    "range": {"step": 2, "bounds": [0, 3]},
                }
            },
            {"$sort": {"kind": 1, "n": 1, "_id": 1}},
        ],
    ],
    "$documents": [[{"$documents": [{"a": 1}, {"a": {"$add": [1, 1]}}]}]],
    "$facet": [[{"$facet": {"n": [{"$count": "n"}], "some": [_SORT, {"$skip": 2}, {"$limit": 2}]}}]],
    "$fill": [
        [*_FEW, {"$fill": {"sortBy": {"_id": 1}, "output": {"some": {"method": "linear"}}}}],
        [*_FEW, {"$fill": {"output": {"some": {"value": "$kind"}}}}],
    ],
    "$geoNear": [
        [{"$geoNear": {"near": _NEAR, "key": "at", "distanceField": "far", "query": {"kind": "a"}}}],
        [{"$geoNear": {"near": [0.3, 0.1], "key": "flat", "distanceField": "far", "maxDistance": 0.3}}],
    ],
    "$graphLookup": [
        [
            *_FEW,
            {
                "$graphLookup": {
                    "from": "things",
                    "startWith": "$ref",
                    "connectFromField": "ref",
                    "connectToField": "_id",
                    "as": "seen",
                    "maxDepth": 3,
                    "depthField": "depth",
                    "restrictSearchWithMatch": {"n": {"$gt": -3}},
                }
            },
            {"$project": {"seen": {"$sortArray": {"input": "$seen._id", "sortBy": 1}}}},
        ]
    ],
    "$group": [[{"$group": {"_id": {"k": "$kind", "o": "$o.k"}, "n": {"$sum": "$n"}}}, _SORT]],
    "$indexStats": [[{"$indexStats": {}}, {"$project": {"key": 1, "name": 1}}, {"$sort": {"name": 1}}]],
    "$limit": [[_SORT, {"$limit": 3}]],
    "$listLocalSessions": [[{"$listLocalSessions": {"allUsers": True}}, {"$count": "n"}, {"$set": {"n": 1}}]],
    "$listSessions": [[{"$listSessions": {}}]],
    "$lookup": [
        [*_FEW, {"$lookup": {"from": "places", "localField": "kind", "foreignField": "kind", "as": "p"}}, _P],
        [
            *_FEW,
            {
                "$lookup": {
                    "from": "places",
                    "let": {"n": "$n"},
                    "pipeline": [{"$match": {"$expr": {"$lt": ["$near", "$$n"]}}}, {"$sort": {"_id": -1}}],
                    "as": "p",
                }
            },
        ],
        [
            *_FEW,
            {
                "$lookup": {
                    "from": "things",
                    "localField": "ref",
                    "foreignField": "_id",
                    "pipeline": [{"$project": {"s": 1}}],
                    "as": "p",
                }
            },
        ],
    ],
    "$match": [[{"$match": {"n": {"$gt": 2}, "$expr": {"$eq": ["$kind", "a"]}}}, _SORT]],
    "$project": [
        [_SORT, {"$project": {"o": {"v": 1}, "twice": {"$multiply": ["$n", 2]}, "_id": 0}}],
        [_SORT, {"$project": {"o.v": 0, "pairs.k": 0}}],
    ],
    "$redact": [[_SORT, {"$redact": {"$cond": [{"$eq": ["$k", 0]}, "$$PRUNE", "$$DESCEND"]}}]],
    "$replaceRoot": [[_SORT, {"$replaceRoot": {"newRoot": {"$mergeObjects": ["$o", {"n": "$n"}]}}}]],
    "$replaceWith": [[_SORT, {"$replaceWith": "$o"}]],
    "$sample": [[{"$sample": {"size": 100}}, _SORT]],
    "$search": [[{"$search": {"text": {"query": "cat", "path": "s"}}}]],
    "$searchMeta": [[{"$searchMeta": {"count": {"type": "total"}}}]],
    "$set": [[_SORT, {"$set": {"pairs.v": "$n", "_id": {"$toString": "$_id"}}}]],
    "$setWindowFields": [
        [
            {
                "$setWindowFields": {
                    "partitionBy": "$kind",
                    "sortBy": {"n": 1},
                    "output": {"sum": {"$sum": "$bits", "window": {"documents": ["unbounded", "current"]}}},
                }
            },
            _SORT,
        ]
    ],
    "$skip": [[_SORT, {"$skip": 9}]],
    "$sort": [
        [{"$sort": {"o.k": 1, "n": -1}}],
        [{"$match": {"$text": {"$search": "cats"}}}, {"$sort": {"score": {"$meta": "textScore"}, "_id": 1}}],
    ],
    "$sortByCount": [[{"$sortByCount": "$kind"}, _SORT], [{"$unwind": "$words"}, {"$sortByCount": "$words"}]],
    "$unionWith": [
        [*_FEW, {"$unionWith": "places"}, {"$sort": {"kind": 1, "_id": 1}}],
        [
            {"$match": {"n": 1}},
            {"$unionWith": {"coll": "things", "pipeline": [{"$match": {"n": {"$lt": 0}}}, _SORT]}},
            {"$project": {"s": 1}},
        ],
    ],
    "$unset": [[_SORT, {"$unset": ["o.k", "pairs.v", "a"]}]],
    "$unwind": [
        [_SORT, {"$unwind": "$words"}],
        [_SORT, {"$unwind": {"path": "$a", "includeArrayIndex": "i", "preserveNullAndEmptyArrays": True}}],
    ],
    "$shardedDataDistribution": [[{"$shardedDataDistribution": {}}]],
    "$planCacheStats": [[{"$planCacheStats": {}}]],
    "$changeStreamSplitLargeEvent": [[{"$changeStreamSplitLargeEvent": {}}]],
    "$listSearchIndexes": [[{"$listSearchIndexes": {}}]],
    "$listSampledQueries": [[{"$listSampledQueries": {}}]],
    "$changeStream": [[{"$changeStream": {}}]],
    "$merge": [[{"$match": {"n": {"$gt": 99}}}, {"$merge": {"into": "merged", "on": ["a", "b"]}}]],
    "$out": [[{"$match": {"n": {"$gt": 99}}}, {"$out": "system.x"}]],
}
"""``$merge`` and ``$out`` that write are cases of the updates."""

REFUSED = frozenset({"$planCacheStats"})
"""Stages about what is physical, in whose place the error names another way."""
ENDLESS = frozenset({"$changeStream"})
"""Stages whose cursors stay open, on heads alone."""
HEADS = ("main", "child")
ON_THE_DATABASE = frozenset({"$currentOp", "$documents", "$listLocalSessions", "$shardedDataDistribution"})

ORDINARY: list[Pipeline] = [
    [{"$match": {"t": {"$lt": datetime(2026, 3, 8)}}}, {"$group": {"_id": None, "n": {"$sum": 1}}}],
    [{"$match": {"kind": "a"}}, {"$sort": {"n": -1}}, {"$limit": 2}, {"$unset": "d"}],
    [{"$sort": {"n": 1}}, {"$group": {"_id": "$kind", "first": {"$first": "$s"}}}, _SORT],
]
"""What applications ask most, to be asked in terms of each other's results too."""
