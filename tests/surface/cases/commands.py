"""Database commands that applications send, on ``things``: what they read, and in turns what they write."""

from __future__ import annotations

from typing import Any

from bson import Int64

Command = dict[str, Any]

READING: list[Command] = [
    {"find": "things", "filter": {"n": {"$gt": 1}}, "sort": {"n": -1}, "projection": {"n": 1}, "skip": 1},
    {"find": "things", "sort": {"_id": 1}, "batchSize": 0},
    {"find": "things", "sort": {"_id": 1}, "limit": 2},
    {"find": "things", "sort": {"_id": 1}, "limit": 2, "singleBatch": True},
    {"find": "things", "filter": {"n": {"$nothing": 1}}},
    {"find": "things", "nothing": 1},
    {"find": "things", "filter": {"s": "all caps"}, "collation": {"locale": "en", "strength": 2}},
    {"find": "nothing"},
    {"find": 1},
    {"find": ""},
    {"aggregate": "things", "pipeline": [{"$group": {"_id": None, "n": {"$sum": "$n"}}}], "cursor": {}},
    {"aggregate": "things", "pipeline": [{"$sort": {"_id": 1}}], "cursor": {"batchSize": 12}},
    {"aggregate": "things", "pipeline": [{"$nothing": 1}], "cursor": {}},
    {"aggregate": "things", "pipeline": []},
    {"aggregate": "things", "cursor": {}},
    {"aggregate": 1, "pipeline": [{"$documents": [{"a": 1}]}], "cursor": {}},
    {"count": "things"},
    {"count": "things", "query": {"n": {"$gt": 1}}, "limit": 3},
    {"count": "things", "query": {"kind": "a"}, "skip": 1},
    {"count": "things", "query": {"$where": "this.n > 4"}},
    {"count": "things", "query": {"$nothing": 1}},
    {"count": "nothing"},
    {"count": "things", "nothing": 1},
    {"distinct": "things", "key": "kind"},
    {"distinct": "things", "key": "pairs.v", "query": {"n": {"$gt": 6}}},
    {"distinct": "things", "query": {}},
    {"listIndexes": "places"},
    {"listIndexes": "nothing"},
    {"listCollections": 1, "nameOnly": True, "filter": {"name": "things"}},
    {"dataSize": "nothing"},
    {"dataSize": "DB.things"},
    {"getMore": Int64(12345), "collection": "things"},
    {"killCursors": "things", "cursors": [Int64(12345)]},
    {"nosuchcommand": 1},
    {"ping": 1},
]

IN_PART: list[tuple[Command, tuple[str, ...]]] = [
    ({"collStats": "things"}, ("count", "size", "avgObjSize", "nindexes", "capped", "scaleFactor")),
    ({"collStats": "things", "scale": 1024}, ("count", "size", "scaleFactor")),
    ({"collStats": "nothing"}, ("count", "size", "nindexes")),
    ({"dbStats": 1}, ("collections", "views", "objects", "dataSize", "avgObjSize", "indexes", "ok")),
    ({"validate": "things"}, ("nrecords", "valid", "errors", "nIndexes", "nInvalidDocuments", "ok")),
    ({"validate": "nothing"}, ("ok",)),
    ({"explain": {"find": "nothing"}}, ("ok",)),
    ({"explain": {"count": "things", "query": {"n": 1}}, "verbosity": "queryPlanner"}, ("ok",)),
    ({"explain": {"aggregate": "things", "pipeline": [], "cursor": {}}}, ("ok",)),
]
"""Commands whose reply also tells of the deployment, and the fields that do not."""

WRITING: list[Command] = [
    {"insert": "made", "documents": [{"_id": 1, "n": 1}, {"_id": 2, "n": 2}]},
    {"insert": "made", "documents": [{"_id": 1}, {"_id": 3}]},
    {"insert": "made", "documents": [{"_id": 1}, {"_id": 4, "n": 4}], "ordered": False},
    {"insert": "made", "documents": []},
    {"insert": "made", "documents": [{"_id": 9}], "nothing": 1},
    {"insert": "made"},
    {"update": "made", "updates": [{"q": {"_id": 1}, "u": {"$inc": {"n": 5}}}]},
    {
        "update": "made",
        "updates": [
            {"q": {}, "u": {"$set": {"m": 1}}, "multi": True},
            {"q": {"_id": 7}, "u": {"n": 7}, "upsert": True},
        ],
    },
    {"update": "made", "updates": [{"q": {}, "u": {"n": 1}, "multi": True}]},
    {"update": "made", "updates": [{"q": {"_id": 1}, "u": [{"$set": {"k": "$$v"}}]}], "let": {"v": 3}},
    {"update": "made", "updates": [{"q": {"_id": 1}, "u": {"$nothing": 1}}]},
    {"update": "made", "updates": [{"q": {"_id": 1}, "u": {"$inc": {"n": 5}}, "nothing": 1}]},
    {"update": "made", "updates": [{"q": {"_id": 1}}]},
    {"update": "made", "updates": [{"q": {"_id": 1}, "u": [{"$nothing": 1}]}]},
    {"delete": "made", "deletes": [{"q": {"_id": 1}}]},
    {"delete": "made", "deletes": [{"q": {"_id": 99}, "limit": 1, "nothing": 1}]},
    {
        "update": "made",
        "updates": [{"q": {"_id": 1}, "u": {"$set": {"a.$[x]": 1}}, "arrayFilters": [{"y": 1}]}],
    },
    {"findAndModify": "made", "query": {"_id": 1}, "update": {"$inc": {"n": 1}}, "new": True},
    {"findAndModify": "made", "query": {"_id": 1}, "update": {"$inc": {"n": 1}}, "fields": {"n": 1}},
    {"findAndModify": "made", "query": {"_id": 11}, "update": {"$inc": {"n": 1}}, "upsert": True},
    {"findAndModify": "made", "query": {"_id": 99}, "update": {"$inc": {"n": 1}}},
    {"findAndModify": "made", "sort": {"_id": -1}, "remove": True},
    {"findandmodify": "made", "query": {"_id": 99}, "remove": True},
    {"findAndModify": "made", "query": {}, "remove": True, "update": {}},
    {"findAndModify": "made", "query": {}},
    {"delete": "made", "deletes": [{"q": {"_id": 7}, "limit": 1}]},
    {"delete": "made", "deletes": [{"q": {"$nothing": 1}, "limit": 1}]},
    {"delete": "made", "deletes": [{"q": {}}]},
    {"createIndexes": "made", "indexes": [{"key": {"n": 1}, "name": "n_1"}]},
    {"createIndexes": "made", "indexes": [{"key": {"n": 1}, "name": "n_1"}]},
    {"createIndexes": "made", "indexes": [{"key": {"n": 1}}]},
    {"createIndexes": "other", "indexes": [{"key": {"a": 1}, "name": "a", "unique": True}]},
    {"listIndexes": "made"},
    {"dropIndexes": "made", "index": "nothing"},
    {"dropIndexes": "made", "index": "n_1"},
    {"dropIndexes": "other", "index": "*"},
    {"dropIndexes": "nothing", "index": "*"},
    {"create": "checked", "validator": {"n": {"$type": "int"}}},
    {"create": "checked"},
    {"insert": "checked", "documents": [{"_id": 1, "n": "text"}]},
    {"insert": "checked", "documents": [{"_id": 1, "n": "text"}], "bypassDocumentValidation": True},
    {"collMod": "checked", "validationLevel": "off"},
    {"insert": "checked", "documents": [{"_id": 2, "n": "text"}]},
    {"collMod": "nothing", "validationLevel": "off"},
    {"renameCollection": "DB.made", "to": "DB.renamed"},
    {"find": "made", "sort": {"_id": 1}},
    {"drop": "made"},
    {"drop": "made"},
    {"listCollections": 1, "nameOnly": True, "filter": {"name": {"$in": ["made", "checked"]}}},
    {"dropDatabase": 1},
    {"listCollections": 1, "nameOnly": True},
]
"""One after the other; ``DB`` stands for the database."""

REFUSED = (
    "shardCollection",
    "convertToCapped",
    "reIndex",
    "compact",
    "planCacheClear",
    "createUser",
)
