"""Updates: operator of the manual -> (filter, update, further arguments of ``update_many``)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

UPDATES: dict[str, list[Any]] = {
    "$inc": [({}, {"$inc": {"n": 2, "o.k": -1, "new.deep": 1}}), ({}, {"$inc": {"s": 1}})],
    "$min": [({}, {"$min": {"n": 1, "t": datetime(2026, 1, 1)}})],
    "$max": [({}, {"$max": {"n": 1, "some": "text"}})],
    "$mul": [({}, {"$mul": {"n": 2.5, "fresh": 3}})],
    "$rename": [({}, {"$rename": {"n": "m", "o.k": "o.q"}}), ({}, {"$rename": {"pairs.k": "q"}})],
    "$set": [
        ({}, {"$set": {"n": 1, "o.v": {"w": 1}, "pairs.0.v": "first", "b.5": "padded"}}),
        ({}, {"$set": {"_id": 1}}),
        ({"n": 77}, {"$set": {"o": 1, "o.k": 2}}),
    ],
    "$setOnInsert": [
        ({"n": 77}, {"$setOnInsert": {"made": True}, "$set": {"n": 78}}, {"upsert": True}),
        ({}, {"$setOnInsert": {"made": True}}, {"upsert": True}),
    ],
    "$unset": [({}, {"$unset": {"n": "", "o.k": 1, "b.0": 1, "none": 1}})],
    "$currentDate": [({"none": 1}, {"$currentDate": {"t": {"$type": "date"}, "stamp": True}})],
    "$": [
        ({"pairs.v": {"$lt": 0}}, {"$set": {"pairs.$.v": 0}}),
        ({"words": "blue"}, {"$unset": {"words.$": 1}}),
        ({}, {"$set": {"words.$": "none matched"}}),
    ],
    "$[]": [({}, {"$inc": {"b.$[]": 10, "pairs.$[].v": 1}}), ({}, {"$inc": {"n.$[]": 1}})],
    "$[x]": [
        ({}, {"$set": {"b.$[x]": 0}}, {"array_filters": [{"x": {"$gt": 2}}]}),
        ({}, {"$set": {"pairs.$[p].v": 0}}, {"array_filters": [{"p.k": "two", "p.v": {"$lt": -1}}]}),
        ({}, {"$set": {"b.$[x]": 0}}, {"array_filters": [{"y": 1}]}),
    ],
    "$addToSet": [
        ({}, {"$addToSet": {"words": "red", "fresh": 1}}),
        ({}, {"$addToSet": {"b": {"$each": [3, 4, 4]}}}),
        ({}, {"$addToSet": {"n": 1}}),
    ],
    "$pop": [({}, {"$pop": {"b": 1, "words": -1}}), ({}, {"$pop": {"b": 2}})],
    "$pull": [
        ({}, {"$pull": {"b": {"$gte": 3}, "words": "blue"}}),
        ({}, {"$pull": {"pairs": {"k": "one", "v": {"$lt": 5}}}}),
    ],
    "$push": [({}, {"$push": {"b": 1, "o.list": {"a": 1}}}), ({}, {"$push": {"n": 1}})],
    "$pullAll": [({}, {"$pullAll": {"b": [3, 4], "words": ["red"]}})],
    "$each": [({}, {"$push": {"b": {"$each": [1, 2]}}})],
    "$position": [({}, {"$push": {"b": {"$each": [0], "$position": -1}}})],
    "$slice": [({}, {"$push": {"b": {"$each": [8, 9], "$slice": -3}}})],
    "$sort": [
        ({}, {"$push": {"pairs": {"$each": [{"k": "three", "v": 2}], "$sort": {"v": 1}, "$slice": 2}}})
    ],
    "$bit": [({}, {"$bit": {"bits": {"and": 6}, "n": {"xor": 1}}}), ({}, {"$bit": {"x": {"or": 1}}})],
    "$addFields": [({}, [{"$addFields": {"sum": {"$add": ["$n", "$bits"]}, "o.k": "$$REMOVE"}}])],
    "$project": [({}, [{"$project": {"n": 1, "case": 1, "o": {"k": 1}}}])],
    "$replaceRoot": [
        (
            {},
            [{"$replaceRoot": {"newRoot": {"$mergeObjects": ["$$ROOT", {"n": "$$two"}]}}}],
            {"let": {"two": 2}},
        )
    ],
    "$replaceWith": [({}, [{"$replaceWith": {"case": "$case", "only": "$s"}}])],
}
"""The filter is put beside the one that chooses the documents of the case."""

WITHOUT_OPERATOR: list[Any] = [
    ({}, [{"$set": {"n": {"$cond": ["$flag", 1, "$n"]}}}, {"$unset": ["o", "pairs.k"]}]),
    ({}, [{"$match": {"n": 1}}]),
    ({}, {"$nothing": {"n": 1}}),
    ({}, {"$set": {}}),
    ({}, {"$set": {"n": 1}, "$inc": {"n": 1}}),
    ({"n": {"$gt": 0}}, {"$set": {"hit": True}}, {"hint": "_id_"}),
    ({"s": "all caps"}, {"$set": {"hit": True}}, {"collation": {"locale": "en", "strength": 2}}),
    ({"$expr": {"$gt": ["$n", "$$low"]}}, {"$set": {"hit": True}}, {"let": {"low": 0}}),
]

SINKS: dict[str, list[Any]] = {
    "$merge": [
        [{"$project": {"n": 1}}, {"$merge": "written"}],
        [{"$set": {"new": "$n"}}, {"$merge": {"into": "written", "whenMatched": "keepExisting"}}],
        [
            {"$project": {"n": 1}},
            {
                "$merge": {
                    "into": "written",
                    "whenMatched": [{"$set": {"sum": {"$add": ["$$new.n", 1]}}}],
                    "whenNotMatched": "discard",
                }
            },
        ],
        [{"$limit": 0}, {"$merge": {"into": "written"}}],
    ],
    "$out": [[{"$match": {"n": {"$gt": 2}}}, {"$project": {"s": 1}}, {"$out": "written"}]],
}
