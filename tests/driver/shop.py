"""The documents that reads are compared on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bson import Decimal128, Int64
from pymongo import IndexModel

from .parity import Document

EPOCH = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)

USERS: list[Document] = [
    {
        "_id": number,
        "name": ["Ann", "bob", "Cid", "dora", "Émile", "fay"][number % 6] + str(number),
        "age": 20 + number % 7,
        "tags": [["a", "b"], ["b"], [], ["c", "a"], ["d"]][number % 5],
        "boss": number // 3 if number > 2 else None,
        "address": {"city": ["Graz", "Linz", "Wien"][number % 3], "zip": 1000 + number},
        "joined": EPOCH + timedelta(days=number),
        "home": {"type": "Point", "coordinates": [number / 10, 48 + number / 20]},
        "flat": [number / 10, 48 + number / 20],
        "about": ["likes cats", "likes dogs and cats", "sails", "cooks and sails"][number % 4],
        "marks": [{"s": "x", "n": number}, {"s": "y", "n": number * 2}, {"s": "z", "n": 7}],
    }
    for number in range(24)
]

ORDERS: list[Document] = [
    {
        "_id": f"o{number}",
        "user": number % 10,
        "price": [number, float(number), Int64(number), Decimal128(str(number))][number % 4],
        "items": [{"sku": f"s{item}", "n": item + 1} for item in range(number % 4)],
    }
    for number in range(30)
]

ODD: list[Document] = [
    {"_id": 1, "a": None},
    {"_id": 2},
    {"_id": 3, "a": []},
    {"_id": 4, "a": [1, [2, 3]]},
    {"_id": 5, "a": {"b": 1}},
    {"_id": 6, "a": [{"b": 1}, {"b": 2}]},
    {"_id": 7, "a": "text"},
    {"_id": 8, "a": 1.0},
    {"_id": {"x": 1, "y": 2}, "a": True},
    {"_id": "8", "d": {"a": 5}, "f": 1, "s": [{"b": 1}], "t": 3},
]

SHOP: dict[str, list[Document]] = {"users": USERS, "orders": ORDERS, "odd": ODD}
INDEXES = {
    "users": [
        IndexModel([("age", 1)]),
        IndexModel([("address.city", 1), ("name", 1)], name="city_name"),
        IndexModel([("marks.n", 1)]),
        IndexModel([("about", "text")]),
        IndexModel([("home", "2dsphere")]),
        IndexModel([("flat", "2d")]),
        IndexModel([("boss", 1)], name="b_1"),
    ],
    "orders": [IndexModel([("user", 1)])],
}
