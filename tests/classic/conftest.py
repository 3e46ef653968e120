"""A project with something of everything, and classic branches of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from bson import Binary, Decimal128, Int64, ObjectId, Regex, Timestamp
from pymongo.database import Database

from argon import Argon, Branch, Project, WALDatabase

MIXED_IDS: list[Any] = [
    1,
    2.5,
    "1",
    ObjectId("0123456789abcdef01234567"),
    {"a": 1, "b": [1, 2]},
    None,
    True,
    datetime(2026, 11, 21),
    Decimal128("10.50"),
    Int64(2**40),
    Binary.from_uuid(UUID(int=7)),
    Timestamp(3, 4),
]


@pytest.fixture
def stocked(db: WALDatabase) -> WALDatabase:
    """The main branch with documents, indexes, rules, a collation and a view."""
    db.create_collection("people", collation={"locale": "en", "strength": 2})
    db.create_collection("orders", validator={"total": {"$gte": 0}}, validationAction="error")
    db["people"].insert_many([{"_id": f"p{n}", "name": f"Name {n}", "n": n} for n in range(20)])
    db["orders"].insert_many([{"total": n, "by": f"p{n % 3}", "tags": ["a", "b"]} for n in range(10)])
    db["mixed"].insert_many([{"z": 1, "_id": one, "a": Regex("x", "i")} for one in MIXED_IDS])
    db["people"].create_index("name", unique=True)
    db["people"].create_index(
        [("n", -1), ("name", 1)], name="by_n", partialFilterExpression={"n": {"$gt": 3}}
    )
    db["orders"].create_index("total", expireAfterSeconds=10**8)
    db["orders"].create_index([("by", "text")], default_language="german")
    db["mixed"].create_index("a", sparse=True, collation={"locale": "de"})
    db.create_collection("rich", viewOn="orders", pipeline=[{"$match": {"total": {"$gt": 5}}}])
    return db


@pytest.fixture
def classically(argon: Argon) -> Iterator[Callable[..., Branch]]:
    """Make a branch while new branches are classic ones."""

    def make(project: Project, name: str, **arguments: Any) -> Branch:
        argon.set_feature("wal_create_branch", False)
        try:
            return project.create_branch(name, **arguments)
        finally:
            argon.unset_feature("wal_create_branch")

    return make


@pytest.fixture
def classic(project: Project, stocked: WALDatabase, classically: Callable[..., Branch]) -> Branch:
    """A classic branch of the stocked main branch."""
    return classically(project, "old")


def state(database: Database[Any]) -> dict[str, Any]:
    """Everything that a user can see of a database, in an order that does not depend on chance."""
    seen: dict[str, Any] = {}
    for info in database.list_collections():
        name, options = info["name"], dict(info["options"])
        collection = database[name]
        seen[name] = {
            "type": info["type"],
            "options": _plain(options),
            "documents": sorted(repr(document) for document in collection.find()),
            "indexes": {} if info["type"] == "view" else _indexes(collection),
        }
    return seen


def _indexes(collection: Any) -> dict[str, Any]:
    own = collection.options().get("collation")
    found = {}
    for index in collection.list_indexes():
        index = _plain(dict(index))
        if "_fts" in dict(index["key"]):
            # The server says it its own way, and leaves out that there is no collation.
            index["key"] = [(field, "text") for field in index.pop("weights")]
            index.pop("textIndexVersion", None)
        index = {key: value for key, value in index.items() if (key, value) not in _IMPLIED}
        if index.get("collation") == _plain({"collation": own}).get("collation"):
            index.pop("collation", None)
        index["key"] = list(dict(index["key"]).items())
        found[index.pop("name")] = index
    return found


_IMPLIED = [("language_override", "language"), ("collation", {"locale": "simple"})]


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    """Leave of collations only what these tests give."""
    collation = options.get("collation")
    if collation:
        options["collation"] = {
            key: collation[key] for key in ("locale", "strength") if collation.get(key, 3) != 3
        }
    return options
