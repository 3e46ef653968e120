"""Which keys of a unique index are equal: the same as in a plain collection, for inserts and for builds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from bson import Code, DBRef, Decimal128, Regex

from argon import WALDatabase

from .filters import COLLATION
from .model import natural
from .outcomes import observe
from .values import Document

if TYPE_CHECKING:
    from pymongo.database import Database

    from argon import Branch

BOTH = [("v.x", 1), ("v.y", 1)]
TWO = [{"x": 1, "y": 2}, {"x": 3}]
SPARSE = {"sparse": True}

CASES: list[tuple[Any, Any, Any, Document]] = [
    # An empty array is a key of its own, an empty document too.
    ("v", [], [], {}),
    ("v", [], None, {}),
    ("v", [], ..., {}),
    ("v", [[]], [], {}),
    ("v", [[]], [[]], {}),
    ("v", {}, {}, {}),
    ("v", [], [], SPARSE),
    ("v", None, ..., {}),
    ("v", None, None, SPARSE),
    ("v", ..., ..., SPARSE),
    # Each element of an array is a key; one document may have a key twice.
    ("v", [1], 1, {}),
    ("v", [1, 1.0], Decimal128("1"), {}),
    ("v", [1, 2], [3, 2], {}),
    ("v", [1, 2], [[1, 2]], {}),
    ("v.0", [1, 2], [1], {}),
    ("v.0", [1, 2], [2, 1], {}),
    ("v.0", [], ..., {}),
    ("v.0.x", [{"x": 1}], [{"x": 1}, 2], {}),
    # A path leads into the documents of an array; what is no document has null.
    ("v.x", [], ..., {}),
    ("v.x", [], [], {}),
    ("v.x", {"x": []}, {"x": []}, {}),
    ("v.x", [{"x": []}], [], {}),
    ("v.x", [5], ..., {}),
    ("v.x", [5, {"x": 1}], ..., {}),
    ("v.x", 5, ..., {}),
    ("v.x", [{"x": 1}, {}], ..., {}),
    ("v.x", [{"x": 1}, {}], {"x": 1}, {}),
    ("v.x", [[{"x": 1}]], {"x": 1}, {}),
    ("v.x", [{"x": 1}, {}], ..., SPARSE),
    ("v.x", [{}], [5], SPARSE),
    # Fields of one array go together.
    (BOTH, TWO, {"x": 3}, {}),
    (BOTH, TWO, {"x": 1, "y": 2}, {}),
    (BOTH, TWO, {"x": 1}, {}),
    (BOTH, [{"x": [1, 2], "y": 2}], {"x": 2, "y": 2}, {}),
    (BOTH, [], {}, {}),
    (BOTH, {"x": 1}, {"x": 1}, SPARSE),
    (BOTH, {}, {}, SPARSE),
    # Equal values.
    ("v", float("nan"), Decimal128("NaN"), {}),
    ("v", -0.0, 0, {}),
    ("v", Regex("a", "im"), Regex("a", "mi"), {}),
    ("v", Regex("a"), "a", {}),
    ("v", {"a": 1}, {"a": 1.0}, {}),
    ("v", {"a": 1, "b": 1}, {"b": 1, "a": 1}, {}),
    ("v", Code("x"), "x", {}),
    ("v", Code("x"), Code("x"), {}),
    ("v", DBRef("a", 1), {"$ref": "a", "$id": 1.0}, {}),
    ("v", True, 1, {}),
    ("v", b"a", "a", {}),
    # Other rules.
    ("v", "a", "A", {"collation": COLLATION}),
    ("v", "a", "b", {"collation": COLLATION}),
    ("v", ["a", "b"], "B", {"collation": COLLATION}),
    ("v", None, ..., {"collation": COLLATION}),
    ("v", [], [], {"collation": COLLATION}),
    ("v", {"x": ["Q"]}, {"x": ["q"]}, {"collation": COLLATION}),
    ("v.x", [{"x": 1}, {"x": "Q"}], {"x": "q"}, {"collation": COLLATION}),
    (BOTH, TWO, {"x": 1, "y": 2}, {"collation": COLLATION}),
    ("v", "a", "A", {"collation": COLLATION, "partialFilterExpression": {"v": {"$gt": "a"}}}),
    ("v", 1, 1, {"partialFilterExpression": {"v": {"$gt": 1}}}),
    ("v", 2, 2, {"partialFilterExpression": {"v": {"$gt": 1}}}),
    ("v", [0, 2], [0], {"partialFilterExpression": {"v": {"$gt": 1}}}),
]


def _document(identity: int, value: Any) -> Document:
    return {"_id": identity} if value is ... else {"_id": identity, "v": value}


@pytest.mark.parametrize(("key", "first", "second", "options"), CASES, ids=str)
def test_unique_keys(
    key: Any,
    first: Any,
    second: Any,
    options: Document,
    plain_db: Database[Document],
    db: WALDatabase[Document],
    main: Branch,
) -> None:
    names = {plain_db.name: "DB", "shop": "DB"}

    def same(plain: Any, ours: Any) -> None:
        assert observe(ours, names) == observe(plain, names)

    one, two = _document(1, first), _document(2, second)
    for users in (plain_db.users, db.users):
        users.create_index(key, unique=True, **options)
        users.insert_one(dict(one))
    child: WALDatabase[Document] = WALDatabase(main.project.create_branch("child"))
    same(partial(plain_db.copy.insert_one, {"_id": 1}), partial(db.copy.insert_one, {"_id": 1}))
    for ours in (child.users, db.users):
        users = plain_db.users
        users.delete_one({"_id": 2})
        same(partial(users.insert_one, dict(two)), partial(ours.insert_one, dict(two)))
        users.delete_many({"_id": {"$in": [2, 3]}})
        ours.delete_many({"_id": {"$in": [2, 3]}})
        users.insert_one({"_id": 3, "v": {"x": "free", "y": "free", "0": "free"}})
        ours.insert_one({"_id": 3, "v": {"x": "free", "y": "free", "0": "free"}})
        change = {"$set": {"v": second}} if second is not ... else {"$unset": {"v": ""}}
        same(partial(users.update_one, {"_id": 3}, change), partial(ours.update_one, {"_id": 3}, change))
        assert natural(ours) == natural(users)
        users.delete_one({"_id": 3})
    for database in (plain_db, db):
        database.later.insert_many([dict(one), dict(two)])
    build = [lambda: plain_db.later.create_index(key, unique=True, **options)]
    build.append(lambda: db.later.create_index(key, unique=True, **options))
    same(*build)
