"""The documents that the cases ask about: every type of BSON, and fields that are missing, null and mixed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from pymongo import IndexModel

Document = dict[str, Any]

_DAY = datetime(2026, 3, 29, 1, 30, 15, 250000)
_WORDS = ("Straße", "café au lait", "  padded  ", "ALL CAPS", "naïve cat", "cats and dogs", "")

THINGS: list[Document] = [
    {
        "_id": number,
        "n": number - 3,
        "x": [0.5, -0.25, 0.75, 1.0][number % 4],
        "long": Int64(2**40 + number),
        "dec": Decimal128(f"{number}.50"),
        "s": _WORDS[number % 7],
        "a": [number, number % 3, 7][: number % 4],
        "b": [3, number, number],
        "words": [["red", "blue"], ["blue"], [], ["red", "green", "blue"]][number % 4],
        "o": {"k": number % 3, "v": {"w": f"w{number}"}},
        "pairs": [{"k": "one", "v": number}, {"k": "two", "v": -number}],
        "t": _DAY.replace(day=1 + number),
        "flag": number % 2 == 0,
        "nil": None,
        **({"some": number} if number % 2 else {}),
        "ref": (number * 5) % 12 if number % 4 else None,
        "bits": number,
        "bin": Binary(bytes([number, 255])),
        "oid": ObjectId(f"{number:024x}"),
        "ts": Timestamp(1_700_000_000 + number, number),
        "at": {"type": "Point", "coordinates": [number / 10, 48 + number / 20]},
        "flat": [number / 10, number / 20],
        "d": {"f": number, "d": {"_id": -number}},
        "kind": ["a", "b", "c"][number % 3],
    }
    for number in range(12)
]
MIXED: list[Document] = [
    {"_id": place, "m": value}
    for place, value in enumerate(
        [
            None,
            1,
            Int64(2),
            3.5,
            Decimal128("4.25"),
            "five",
            "12",
            "",
            {"a": 1, "b": [1, 2]},
            [],
            [1, [2, 3], {"a": 4}],
            Binary(b"six"),
            ObjectId("0" * 24),
            True,
            False,
            datetime(2026, 1, 1),
            Regex("^a", "i"),
            Code("1"),
            Timestamp(5, 1),
            MinKey(),
            MaxKey(),
            float("nan"),
            float("inf"),
            "2026-05-05T05:05:05Z",
        ]
    )
]
PLACES: list[Document] = [
    {"_id": f"p{number}", "kind": ["a", "b"][number % 2], "near": number, "up": f"p{number // 2}"}
    for number in range(10)
]

READ: dict[str, list[Document]] = {"things": THINGS, "mixed": MIXED, "places": PLACES}
INDEXES = {
    "things": [
        IndexModel([("n", 1)]),
        IndexModel([("o.k", 1), ("n", -1)], name="k_n"),
        IndexModel([("words", 1)]),
        IndexModel([("s", "text")]),
        IndexModel([("at", "2dsphere")]),
        IndexModel([("flat", "2d")]),
        IndexModel([("kind", "hashed")]),
    ],
    "places": [IndexModel([("up", 1)])],
}
