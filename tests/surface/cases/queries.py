"""Filters and projections: operator of the manual -> filters, or (filter, projection), on ``things``."""

from __future__ import annotations

from typing import Any

from bson import Code, Regex

_NEAR = {"$geometry": {"type": "Point", "coordinates": [0.31, 48]}}
_AREA = {"type": "Polygon", "coordinates": [[[0.25, 47], [0.75, 47], [0.75, 49], [0.25, 49], [0.25, 47]]]}
_CATS = {"$text": {"$search": "cats"}}

QUERIES: dict[str, list[Any]] = {
    "$eq": [{"n": {"$eq": 2}}, {"words": {"$eq": ["blue"]}}, {"o": {"$eq": {"k": 1, "v": {"w": "w4"}}}}],
    "$gt": [{"n": {"$gt": 2}}, {"dec": {"$gt": 5}}, {"_id": {"$gt": 8}}],
    "$gte": [{"some": {"$gte": 5}}, {"nil": {"$gte": None}}],
    "$in": [
        {"n": {"$in": [1, 2, None]}},
        {"s": {"$in": [Regex("^c"), "ALL CAPS"]}},
        {"_id": {"$in": [3, 99]}},
    ],
    "$lt": [{"n": {"$lt": 0}}, {"pairs.v": {"$lt": -8}}],
    "$lte": [{"t": {"$lte": {"$date": 0}}}, {"x": {"$lte": 0.5}}],
    "$ne": [{"kind": {"$ne": "a"}}, {"words": {"$ne": "blue"}}],
    "$nin": [{"some": {"$nin": [None, 3]}}, {"n": {"$nin": [0, 1]}}],
    "$and": [{"$and": [{"n": {"$gt": 0}}, {"kind": "a"}]}],
    "$not": [{"n": {"$not": {"$gt": 2}}}, {"s": {"$not": Regex("a")}}],
    "$nor": [{"$nor": [{"n": {"$lt": 5}}, {"kind": "b"}]}],
    "$or": [{"$or": [{"n": 1}, {"_id": 7}]}, {"$or": [{"n": 1}, {"x": 1.0}, {"$and": [{"bits": 3}]}]}],
    "$exists": [{"some": {"$exists": False}}, {"d.f": {"$exists": True}}],
    "$type": [{"some": {"$type": "int"}}, {"a": {"$type": ["array", 4]}}, {"nil": {"$type": 10}}],
    "$expr": [{"$expr": {"$gt": ["$bits", "$n"]}}, {"$expr": {"$eq": ["$o.k", 1]}, "n": {"$gt": 0}}],
    "$jsonSchema": [{"$jsonSchema": {"required": ["some"], "properties": {"n": {"minimum": 0}}}}],
    "$mod": [{"n": {"$mod": [3, 1]}}],
    "$regex": [{"s": {"$regex": "^c"}}, {"s": Regex("CA", "i")}, {"words": {"$regex": "ee"}}],
    "$options": [{"s": {"$regex": "^ C", "$options": "ix"}}],
    "$text": [_CATS, {**_CATS, "n": {"$gt": 2}}, {"$or": [_CATS, {"n": 1}]}],
    "$search": [{"$text": {"$search": '"cats and" -naïve'}}],
    "$language": [{"$text": {"$search": "cats", "$language": "none"}}],
    "$caseSensitive": [{"$text": {"$search": "CAPS", "$caseSensitive": True}}],
    "$diacriticSensitive": [{"$text": {"$search": "cafe", "$diacriticSensitive": True}}],
    "$where": [{"$where": "this.n > 3"}, {"$where": Code("return this.o.k == k", {"k": 1})}],
    "$geoIntersects": [{"at": {"$geoIntersects": {"$geometry": _AREA}}}],
    "$geoWithin": [{"at": {"$geoWithin": {"$geometry": _AREA}}}],
    "$geometry": [{"at": {"$geoWithin": {"$geometry": {"type": "Nothing"}}}}],
    "$near": [{"at": {"$near": _NEAR}}, {"flat": {"$near": [0.3, 0.1]}, "kind": "a"}],
    "$nearSphere": [{"at": {"$nearSphere": _NEAR}}, {"flat": {"$nearSphere": [0.3, 0.1]}}],
    "$box": [{"flat": {"$geoWithin": {"$box": [[0, 0], [0.45, 1]]}}}],
    "$center": [{"flat": {"$geoWithin": {"$center": [[0.3, 0.1], 0.2]}}}],
    "$centerSphere": [{"at": {"$geoWithin": {"$centerSphere": [[0.3, 48], 0.01]}}}],
    "$polygon": [{"flat": {"$geoWithin": {"$polygon": [[0, 0], [0, 1], [0.6, 0]]}}}],
    "$maxDistance": [{"at": {"$near": {**_NEAR, "$maxDistance": 30000}}}],
    "$minDistance": [{"at": {"$near": {**_NEAR, "$minDistance": 30000}}}],
    "$all": [{"words": {"$all": ["red", "blue"]}}, {"pairs": {"$all": [{"$elemMatch": {"v": 3}}]}}],
    "$elemMatch": [
        {"pairs": {"$elemMatch": {"k": "one", "v": {"$gt": 6}}}},
        {"b": {"$elemMatch": {"$gt": 9}}},
    ],
    "$size": [{"a": {"$size": 2}}],
    "$bitsAllClear": [{"bits": {"$bitsAllClear": 3}}],
    "$bitsAllSet": [{"bits": {"$bitsAllSet": [0, 1]}}],
    "$bitsAnyClear": [{"bits": {"$bitsAnyClear": 9}}],
    "$bitsAnySet": [{"bits": {"$bitsAnySet": 9}}],
    "$comment": [{"n": 2, "$comment": "why"}],
    "$rand": [{"$expr": {"$lt": [{"$rand": {}}, 2]}}],
    "$sampleRate": [{"$sampleRate": 1.0}],
    "$alwaysTrue": [{"$alwaysTrue": 1}],
    "$alwaysFalse": [{"$alwaysFalse": 1}],
}
ORDERED = frozenset({"$near", "$nearSphere", "$maxDistance", "$minDistance"})
"""Operators that give an order."""

WITHOUT_OPERATOR: list[Any] = [
    {},
    {"n": 2},
    {"_id": 4},
    {"words": "red"},
    {"pairs.v": 3},
    {"pairs.1.v": -3},
    {"o.v.w": "w5"},
    {"nil": None, "some": None},
    {"d": {"f": 2, "d": {"_id": -2}}},
    {"d.d._id": -3},
    {"s.b": 1},
    {"n": {"$gt": 1, "$lt": 3, "$exists": True}},
    {"$nothing": 1},
    {"n": {"$nothing": 1}},
    {"n": {"$gt": 1, "plain": 2}},
]

PROJECTIONS: dict[str, list[Any]] = {
    "$": [({"words": "blue"}, {"words.$": 1}), ({"pairs.v": {"$lt": 0}}, {"pairs.$": 1, "n": 1})],
    "$elemMatch": [
        ({}, {"pairs": {"$elemMatch": {"v": {"$gt": 3}}}}),
        ({"n": 1}, {"b": {"$elemMatch": {"$gt": 3}}}),
    ],
    "$meta": [(_CATS, {"score": {"$meta": "textScore"}, "s": 1}), ({}, {"score": {"$meta": "textScore"}})],
    "$slice": [
        ({}, {"b": {"$slice": 1}}),
        ({}, {"b": {"$slice": [1, 1]}, "n": 1}),
        ({}, {"b": {"$slice": -2}}),
    ],
}
PLAIN_PROJECTIONS: list[Any] = [
    ({}, {"n": 1}),
    ({}, ["n", "o.k"]),
    ({}, {"_id": 0, "o": 0, "pairs.k": 0}),
    ({}, {"o": {"v": 1}, "_id": 0}),
    ({}, {"sum": {"$add": ["$n", "$bits"]}, "o.new": "$s", "n": 1}),
    ({}, {"all": "$$ROOT.o"}),
    ({}, {"n": 1, "s": 0}),
    ({}, {"o": 1, "o.k": 1}),
    ({}, {"_id": 1}),
    ({}, {"d": 1}),
    ({}, {"d.d": 1, "d.f": "$n"}),
    ({"n": 2}, {"n.$": 1}),
]

BOUNDED: list[Any] = [
    {"min": {"n": 2}, "hint": "n_1"},
    {"max": {"n": 2}, "hint": [("n", 1)]},
    {"min": {"n": 0}, "max": {"n": 4}, "hint": [("n", 1)], "filter": {"kind": "a"}},
    {"min": {"o.k": 1, "n": 3}, "max": {"o.k": 2, "n": 2}, "hint": "k_n"},
    {"min": {"_id": 3}, "max": {"_id": 6}, "hint": "_id_", "sort": [("n", -1)]},
    {"min": {"n": 2}},
    {"min": [("n", 2)], "hint": "n_1"},
    {"min": {"nothing": 2}, "hint": "n_1"},
    {"min": {"n": 4}, "max": {"n": 1}, "hint": "n_1"},
]
"""Finds between bounds of an index."""
