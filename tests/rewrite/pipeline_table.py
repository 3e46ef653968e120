"""Pipelines to be asked of a view and of a plain collection with the same documents."""

from __future__ import annotations

from bson import SON, Code

from .conftest import Document

Pipeline = list[Document]

NEAR = {"type": "Point", "coordinates": [0.5, 50]}
BY_ID = {"$sort": {"_id": 1}}

# A pipeline that ends with an order gives it; any other one gives a multiset.
PIPELINES: list[Pipeline] = [
    [],
    [{"$match": {}}],
    [{"$match": {"age": 22}}],
    [{"$match": {"age": {"$gte": 23}, "name": {"$regex": "^u"}}}],
    [{"$match": {"age": 22}}, {"$match": {"boss": 6}}],
    [{"$match": {"_id": 6}}],
    [{"$match": {"_id": {"$in": [3, 4, 5, 6, 7, 8, 20, 30, 31]}}}],
    [{"$match": {"$or": [{"age": 22}, {"_id": 4}]}}],
    [{"$match": {"$or": [{"age": 22}, {"name": "u4"}]}}],
    [{"$match": {"tags": "a"}}],
    [{"$match": {"d.f": 1}}],
    [{"$match": {"$expr": {"$eq": ["$age", "$$ROOT.age"]}}}],
    [{"$match": {"$expr": {"$eq": [{"$getField": "age"}, 22]}}}],
    [{"$match": {"age": {"$gt": 21}, "": {"$exists": False}}}, {"$match": {"boss": 6}}],
    [{"$match": {"a..b": {"$exists": False}}}, {"$limit": 100}, BY_ID],
    [{"$sort": {"_id": -1}}],
    [{"$sort": {"age": 1, "_id": 1}}],
    [{"$match": {"boss": {"$gte": 1}}}, {"$sort": {"age": -1, "_id": 1}}, {"$skip": 2}, {"$limit": 5}],
    [{"$sort": {"age": 1, "_id": -1}}, {"$limit": 6}, {"$match": {"boss": {"$gt": 1}}}],
    [{"$match": {"age": 22}}, BY_ID, {"$limit": 2}, {"$project": {"name": 1, "x": "$$ROOT"}}],
    [{"$count": "n"}],
    [{"$match": {"age": 22}}, {"$count": "n"}],
    [{"$match": {"age": 99}}, {"$count": "n"}],
    [{"$match": {"age": 22}}, {"$limit": 1}, {"$count": "n"}],
    [{"$group": {"_id": "$age", "n": {"$sum": 1}, "bosses": {"$sum": "$boss"}}}, BY_ID],
    [{"$group": {"_id": {"a": "$age", "t": "$tags"}, "n": {"$count": {}}}}],
    [{"$group": {"_id": None, "avg": {"$avg": "$age"}, "max": {"$max": "$$ROOT.name"}}}],
    [BY_ID, {"$group": {"_id": "$age", "all": {"$push": "$$ROOT"}, "ids": {"$push": "$_id"}}}, BY_ID],
    [BY_ID, {"$group": {"_id": "$age", "first": {"$first": "$$CURRENT"}, "last": {"$last": "$name"}}}, BY_ID],
    [
        BY_ID,
        {"$group": {"_id": "$boss", "top": {"$top": {"sortBy": {"age": -1, "_id": 1}, "output": "$name"}}}},
    ],
    [
        {
            "$group": {
                "_id": "$age",
                "top": {"$topN": {"n": 2, "sortBy": {"_id": -1}, "output": ["$_id", "$boss"]}},
            }
        },
        BY_ID,
    ],
    [
        BY_ID,
        {
            "$group": {
                "_id": {"age": "$age"},
                "few": {"$firstN": {"n": {"$cond": [{"$eq": ["$age", 22]}, 1, 2]}, "input": "$name"}},
            }
        },
    ],
    [{"$group": {"_id": "$age", "names": {"$maxN": {"n": 2, "input": "$name"}}}}],
    [
        BY_ID,
        {
            "$group": {
                "_id": {"age": "$age"},
                "text": {
                    "$accumulator": {
                        "init": Code("function(age) { return age + ':' }"),
                        "initArgs": ["$age"],
                        "accumulate": Code("function(state, id) { return state + id + ',' }"),
                        "accumulateArgs": ["$_id"],
                        "merge": Code("function(a, b) { return a + b }"),
                        "lang": "js",
                    }
                },
            }
        },
    ],
    [{"$group": {"_id": {"$getField": "age"}, "n": {"$sum": 1}}}],
    [{"$group": {"_id": "$age", "all": {"$mergeObjects": {"$literal": {"x": "$y"}}}}}],
    [
        {"$group": {"_id": "$age"}},
        {"$lookup": {"from": "users", "localField": "_id", "foreignField": "age", "as": "u"}},
    ],
    [{"$sortByCount": "$age"}],
    [
        {
            "$bucket": {
                "groupBy": "$age",
                "boundaries": [0, 22, 24, 99],
                "output": {"bosses": {"$sum": "$boss"}},
            }
        }
    ],
    [{"$unwind": "$tags"}, {"$group": {"_id": "$tags", "n": {"$sum": 1}}}],
    [{"$unwind": {"path": "$tags", "includeArrayIndex": "i", "preserveNullAndEmptyArrays": True}}],
    [{"$project": {"name": 1, "_id": 0, "up": {"$toUpper": "$name"}}}],
    [{"$set": {"x": {"$mergeObjects": ["$$ROOT", {"y": 1}]}}}, {"$unset": "home"}],
    [{"$replaceWith": {"a": "$age"}}],
    [{"$redact": {"$cond": [{"$eq": ["$age", 22]}, "$$KEEP", "$$PRUNE"]}}],
    [{"$sample": {"size": 100}}],
    [{"$setWindowFields": {"partitionBy": "$age", "sortBy": {"_id": 1}, "output": {"n": {"$sum": "$boss"}}}}],
    # text
    [{"$match": {"$text": {"$search": "tea"}}}],
    [
        {"$match": {"$text": {"$search": "tea"}, "age": {"$gt": 21}}},
        {"$set": {"score": {"$meta": "textScore"}}},
    ],
    [
        {"$match": {"$and": [{"$text": {"$search": "coffee changed"}}, {"boss": {"$gte": 1}}]}},
        {"$sort": {"score": {"$meta": "textScore"}, "_id": 1}},
        {"$limit": 3},
    ],
    [{"$match": {"$text": {"$search": "tea"}}}, {"$count": "n"}],
    [{"$match": {"$text": {"$search": "tea"}, "": {"$exists": False}}}],
    [{"$match": {"age": 22}}, {"$match": {"$text": {"$search": "tea"}}}],
    [{"$limit": 5}, {"$match": {"$text": {"$search": "tea"}}}],
    # near
    [{"$geoNear": {"near": NEAR, "distanceField": "far.away"}}, {"$limit": 4}],
    [
        {
            "$geoNear": {
                "near": NEAR,
                "key": "home",
                "distanceField": "far",
                "includeLocs": "place",
                "maxDistance": 30000,
                "query": {"age": {"$gte": 22}, "": {"$exists": False}},
            }
        }
    ],
    [{"$match": {"age": 22}}, {"$geoNear": {"near": NEAR, "distanceField": "far"}}],
    [{"$match": {"home": {"$geoWithin": {"$centerSphere": [[0.5, 50], 0.005]}}}}],
    [{"$match": {"home": {"$near": NEAR}}}],
    # lookup
    [{"$lookup": {"from": "orders", "localField": "_id", "foreignField": "user", "as": "orders"}}],
    [{"$lookup": {"from": "orders", "localField": "none", "foreignField": "user", "as": "in.orders"}}],
    [{"$lookup": {"from": "orders", "localField": "_id", "foreignField": "lines.user", "as": "orders"}}],
    [
        {"$lookup": {"from": "users", "localField": "boss", "foreignField": "_id", "as": "boss"}},
        {"$unwind": "$boss"},
    ],
    [
        {"$lookup": {"from": "orders", "localField": "_id", "foreignField": "user", "as": "o"}},
        {"$unwind": "$o"},
        {"$match": {"o.sum": {"$gt": 5}}},
        {"$sort": {"o._id": 1, "_id": 1}},
    ],
    [
        {
            "$lookup": {
                "from": "orders",
                "let": {"id": "$_id", "age": "$age"},
                "pipeline": [
                    {"$match": {"$expr": {"$eq": ["$user", "$$id"]}}},
                    {"$project": {"sum": 1, "age": "$$age"}},
                ],
                "as": "orders",
            }
        }
    ],
    [
        {
            "$lookup": {
                "from": "orders",
                "let": {"id": "$_id"},
                "pipeline": [{"$match": {"$expr": {"$lt": ["$sum", "$$id"]}}}, {"$count": "n"}],
                "as": "smaller",
            }
        }
    ],
    [
        {
            "$lookup": {
                "from": "orders",
                "pipeline": [{"$match": {"user": 2}}, {"$sort": {"sum": 1}}],
                "as": "all",
            }
        }
    ],
    [
        {"$limit": 3},
        {"$lookup": {"from": "orders", "pipeline": [], "as": "all"}},
        {"$project": {"all": 1}},
        {"$set": {"_id": 0}},
    ],
    [
        {
            "$lookup": {
                "from": "orders",
                "localField": "_id",
                "foreignField": "user",
                "let": {"age": "$age"},
                "pipeline": [
                    {"$match": {"sum": {"$gt": 3}, "$expr": {"$gt": ["$sum", {"$subtract": ["$$age", 20]}]}}},
                    {"$group": {"_id": "$user", "n": {"$sum": 1}}},
                ],
                "as": "orders",
            }
        }
    ],
    [
        {
            "$lookup": {
                "from": "orders",
                "localField": "_id",
                "foreignField": "user",
                "pipeline": [
                    {"$lookup": {"from": "users", "localField": "user", "foreignField": "_id", "as": "back"}},
                    {"$unionWith": {"coll": "users", "pipeline": [{"$match": {"_id": {"$lt": 5}}}]}},
                ],
                "as": "orders",
            }
        }
    ],
    [{"$lookup": {"from": "nothing", "localField": "_id", "foreignField": "x", "as": "none"}}],
    [
        {
            "$lookup": {
                "from": "nothing",
                "pipeline": [{"$match": {"a": 1}}, {"$group": {"_id": None}}],
                "as": "none",
            }
        }
    ],
    [
        {
            "$lookup": {
                "from": "nothing",
                "pipeline": [{"$unionWith": "orders"}, {"$limit": 3}, {"$count": "n"}],
                "as": "n",
            }
        }
    ],
    [
        {
            "$lookup": {
                "let": {"age": "$age"},
                "pipeline": [
                    {"$documents": [{"a": 22}, {"a": "$$age"}]},
                    {"$lookup": {"from": "orders", "localField": "a", "foreignField": "sum", "as": "o"}},
                ],
                "as": "made",
            }
        }
    ],
    [{"$lookup": SON([("as", "o"), ("from", "orders"), ("foreignField", "user"), ("localField", "_id")])}],
    [
        {
            "$lookup": {
                "from": "users",
                "let": {"n": "$name"},
                "pipeline": [
                    {"$match": {"$text": {"$search": "tea"}}},
                    {"$match": {"$expr": {"$ne": ["$name", "$$n"]}}},
                ],
                "as": "tea",
            }
        }
    ],
    [
        {"$limit": 2},
        {
            "$lookup": {
                "from": "users",
                "pipeline": [
                    {"$geoNear": {"near": NEAR, "distanceField": "far"}},
                    {"$limit": 2},
                    {"$project": {"far": 1}},
                ],
                "as": "near",
            }
        },
        {"$project": {"near": 1, "_id": 0}},
    ],
    # malformed ones
    [{"$lookup": {"from": "orders", "as": "o"}}],
    [{"$lookup": {"from": "orders", "localField": "_id", "as": "o"}}],
    [{"$lookup": {"from": "orders", "localField": "_id", "foreignField": "user"}}],
    [{"$lookup": {"from": "orders", "localField": "_id", "pipeline": [], "as": "o"}}],
    [{"$lookup": {"from": "orders", "localField": "_id", "foreignField": "user", "let": {}, "as": "o"}}],
    [{"$lookup": {"from": "orders", "pipeline": {}, "as": "o"}}],
    [{"$lookup": {"from": 5, "pipeline": [], "as": "o"}}],
    [{"$lookup": {"from": "orders", "localField": "$_id", "foreignField": "user", "as": "o"}}],
    [{"$lookup": {"from": "orders", "localField": "_id", "foreignField": "user.", "as": "o"}}],
    [{"$lookup": {"from": "orders", "localField": "_id", "foreignField": "user", "as": "o", "extra": 1}}],
    [{"$lookup": {"from": "orders", "localField": "_id", "foreignField": "user", "as": "$o"}}],
    [{"$lookup": {"from": "orders", "pipeline": [{"$documents": []}], "as": "o"}}],
    [{"$lookup": 5}],
    [{"$graphLookup": {"from": "users", "startWith": "$boss", "connectFromField": "boss", "as": "up"}}],
    [{"$unionWith": {"pipeline": []}}],
    [{"$unionWith": 5}],
    [{"$unionWith": {"coll": "orders", "pipeline": 5}}],
    [{"$facet": 5}],
    [{"$facet": {"a": 5}}],
    [{"$nonsense": 1}],
    [{"$match": 5}],
    [{"$match": {"$and": []}}],
    [{"$match": {"$where": "true"}}],
    [{"$sort": {}}],
    [{"$sort": {"a": 5}}],
    [{"$sort": {"$natural": 1}}],
    [{"$limit": -1}],
    [{"$limit": "x"}],
    [{"$group": {"n": {"$sum": 1}}}],
    [{"$group": {"_id": None, "n": 5}}],
    [{"$group": {"_id": None, "n": {"$nonsense": 1}}}],
    [{"$count": ""}],
    [{"$match": {}, "$limit": 1}],
    [{}],
    [{"$out": "x"}, {"$match": {}}],
    [{"$geoNear": {"near": NEAR}}],
    [{"$geoNear": 5}],
    [{"$geoNear": {"near": NEAR, "distanceField": "x", "query": 5}}],
    [{"$documents": [{"a": 1}]}],
    # graph lookup
    *(
        [
            {
                "$graphLookup": {
                    "from": "users",
                    "startWith": "$boss",
                    "connectFromField": "boss",
                    "connectToField": "_id",
                    **more,
                }
            }
        ]
        for more in (
            {"as": "above"},
            {"as": "above", "depthField": "depth"},
            {"as": "deep.above", "depthField": "deep.er"},
            {"as": "tags.above", "maxDepth": 1},
            {"as": "name", "restrictSearchWithMatch": {"age": {"$gte": 22}}},
            {"as": "above", "restrictSearchWithMatch": {"$expr": {"$gt": ["$age", 21]}}},
            {"as": "above", "depthField": "age", "maxDepth": 0},
        )
    ),
    [
        {
            "$graphLookup": {
                "from": "nothing",
                "startWith": "$boss",
                "connectFromField": "a",
                "connectToField": "b",
                "as": "x",
            }
        }
    ],
    [
        {
            "$graphLookup": {
                "from": "orders",
                "startWith": "$_id",
                "connectFromField": "lines.user",
                "connectToField": "user",
                "as": "x",
            }
        }
    ],
    # unions and facets
    [{"$unionWith": "orders"}],
    [{"$unionWith": {"coll": "orders"}}],
    [
        {
            "$unionWith": {
                "coll": "orders",
                "pipeline": [{"$match": {"user": 2}}, {"$sort": {"sum": -1}}, {"$limit": 1}],
            }
        }
    ],
    [{"$match": {"age": 22}}, {"$unionWith": {"coll": "orders", "pipeline": [{"$group": {"_id": "$user"}}]}}],
    [{"$unionWith": "nothing"}, {"$count": "n"}],
    [
        {"$unionWith": {"pipeline": [{"$documents": [{"_id": "made"}]}, {"$unionWith": "orders"}]}},
        {"$count": "n"},
    ],
    [
        {
            "$unionWith": {
                "coll": "orders",
                "pipeline": [
                    {"$lookup": {"from": "users", "localField": "user", "foreignField": "_id", "as": "u"}}
                ],
            }
        }
    ],
    [{"$facet": {"n": [{"$count": "n"}], "young": [{"$match": {"age": {"$lt": 22}}}, BY_ID]}}],
    [
        {"$match": {"age": {"$gte": 22}}},
        {
            "$facet": {
                "joined": [
                    {"$lookup": {"from": "orders", "localField": "_id", "foreignField": "user", "as": "o"}},
                    {"$group": {"_id": {"$size": "$o"}, "n": {"$sum": 1}}},
                    BY_ID,
                ],
                "union": [{"$unionWith": "orders"}, {"$count": "n"}],
            }
        },
    ],
]

ON_NOTHING: list[Pipeline] = [
    [],
    [{"$match": {"a": 1}}],
    [{"$count": "n"}],
    [{"$group": {"_id": None, "n": {"$sum": 1}}}],
    [{"$unionWith": "orders"}],
    [{"$facet": {"n": [{"$count": "n"}]}}],
    [{"$match": {"$text": {"$search": "x"}}}],
    [{"$geoNear": {"near": NEAR, "distanceField": "far", "key": "at"}}],
    [{"$collStats": {"count": {}}}],
    [{"$match": {"$and": []}}],
    [{"$nonsense": 1}],
]

ON_THE_DATABASE: list[Pipeline] = [
    [{"$documents": [{"a": 2}, {"a": 3}]}],
    [
        {"$documents": [{"a": 2}, {"a": 3}]},
        {"$lookup": {"from": "orders", "localField": "a", "foreignField": "user", "as": "o"}},
    ],
    [{"$documents": [{"a": 2}]}, {"$unionWith": {"coll": "users", "pipeline": [{"$match": {"_id": 2}}]}}],
    [{"$match": {}}],
]
