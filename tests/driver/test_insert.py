"""Inserting: results, refusals, and what the arguments are checked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from bson import Binary, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.raw_bson import RawBSONDocument
from pymongo import WriteConcern

from .parity import Document, Faces

IDS: list[Any] = [
    77,
    77.5,
    Int64(2**60),
    Decimal128("1.50"),
    "text",
    "",
    ObjectId("64b000000000000000000001"),
    Binary(b"x"),
    datetime(2026, 1, 1, tzinfo=UTC),
    True,
    None,
    {"a": 1, "b": {"c": 2}},
    {},
    MinKey(),
    MaxKey(),
    [1, 2],
    Regex("x"),
    {"$a": 1},
    {"a": {"$b": 1}},
    3,
    3.0,
    Decimal128("3"),
    Timestamp(0, 0),
    float("nan"),
]

DOCUMENTS: list[Document] = [
    {"_id": "x", "a": 1, "z": {"y": 1, "x": 2}},
    {"a": 1, "_id": "x", "b": 2},
    {"_id": "x", "$a": 1},
    {"_id": "x", "a.b": 1},
    {"_id": "x", "": 1},
    {"_id": "x", "a": {"$b": 1}},
    {"_id": "x", "deep": {"a": {"b": [{"c": []}]}}},
    {"_id": "x", "d": 1, "f": 2, "s": 3, "t": 4},
    {"_id": "x", "n": 2**40, "i": Int64(5), "dec": Decimal128("1.0"), "nan": float("inf")},
    {"_id": "x", "big": 2**70},
    {"_id": "x", "odd": {1}},
    {"_id": "x", "key": {5: 1}},
    {"_id": "x", "nul": {"a\0b": 1}},
    {"_id": "x", "uuid": UUID(int=5)},
]

NO_DOCUMENTS: list[Any] = [1, "x", None, [], [{"_id": 1}], ({"_id": 1},)]
NO_LISTS: list[Any] = [[], (), {}, {"_id": 1}, 1, "", None, [1], [{"_id": "ok"}, "no"], "text"]

MANY: list[list[Document]] = [
    [{"_id": "a"}, {"_id": "b"}],
    [{"_id": "a"}, {"_id": 3}, {"_id": "b"}],
    [{"_id": "a"}, {"_id": "a"}, {"_id": "b"}],
    [{"_id": 3}, {"_id": 4}, {"_id": "b"}, {"_id": "b"}],
    [{"_id": "a"}, {"_id": [1]}, {"_id": "b"}],
    [{"_id": 1.0, "x": 1}, {"_id": Int64(99)}, {"_id": 99}],
]


@pytest.mark.parametrize("identity", IDS, ids=repr)
def test_every_kind_of_id(writing: Faces, identity: Any) -> None:
    writing.same(lambda db: db.users.insert_one({"_id": identity, "x": 1}))
    writing.same(lambda db: db.users.insert_one({"_id": identity, "x": 2}))
    writing.same_documents("users")


@pytest.mark.parametrize("document", DOCUMENTS, ids=repr)
def test_every_kind_of_document(writing: Faces, document: Document) -> None:
    writing.same(lambda db: db.users.insert_one(dict(document)))
    writing.same_documents("users")


def test_raw_documents_and_tuples_of_documents(writing: Faces) -> None:
    from bson import encode

    writing.same(lambda db: db.users.insert_one(RawBSONDocument(encode({"_id": "raw", "x": 1}))))
    writing.same(lambda db: db.users.insert_one(RawBSONDocument(encode({"x": 1, "_id": "late"}))))
    writing.same(lambda db: db.users.insert_many(({"_id": "t"}, {"_id": "u"})))
    writing.same(lambda db: db.users.insert_many({"_id": f"g{n}"} for n in range(3)))
    writing.same_documents("users")


def test_an_id_is_made_in_the_users_document(writing: Faces) -> None:
    for view in writing.views.values():
        document: Document = {"x": 1}
        assert view.users.insert_one(document).inserted_id == document["_id"]
        assert list(document) == ["x", "_id"]
        assert list(view.users.find_one(document["_id"])) == ["_id", "x"]
        many: list[Document] = [{"x": 2}, {"_id": "mine"}]
        assert view.users.insert_many(many).inserted_ids == [many[0]["_id"], "mine"]


@pytest.mark.parametrize("document", NO_DOCUMENTS, ids=repr)
def test_what_is_no_document_is_refused(writing: Faces, document: Any) -> None:
    writing.same(lambda db: db.users.insert_one(document))


@pytest.mark.parametrize("documents", NO_LISTS, ids=repr)
def test_what_is_no_list_of_documents_is_refused(writing: Faces, documents: Any) -> None:
    writing.same(lambda db: db.users.insert_many(documents))
    writing.same_documents("users")


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("documents", MANY, ids=repr)
def test_many_documents_of_which_some_are_refused(
    writing: Faces, documents: list[Document], ordered: bool
) -> None:
    writing.same(lambda db: db.users.insert_many([dict(one) for one in documents], ordered=ordered))
    writing.same_documents("users")


def test_more_documents_than_one_commit_holds(empty: Faces) -> None:
    documents = [{"_id": number} for number in range(2500)]
    empty.same(lambda db: len(db.many.insert_many([*documents]).inserted_ids))
    empty.same(lambda db: db.many.insert_many([{"_id": -1}, {"_id": 1200}, {"_id": -2}], ordered=False))
    empty.same(lambda db: db.many.count_documents({}))


@pytest.mark.parametrize(
    "write",
    [
        lambda users: users.insert_one({"_id": "x"}),
        lambda users: users.insert_many([{"_id": "x"}, {"_id": "y"}]),
        lambda users: users.update_one({"_id": 3}, {"$set": {"age": 1}}),
        lambda users: users.update_many({}, {"$set": {"age": 1}}),
        lambda users: users.replace_one({"_id": 3}, {"age": 1}),
        lambda users: users.delete_one({"_id": 3}),
        lambda users: users.delete_many({"age": 22}),
    ],
)
def test_a_write_that_is_not_acknowledged(writing: Faces, write: Callable[[Any], Any]) -> None:
    def unacknowledged(db: Any) -> Any:
        result = write(db.users.with_options(write_concern=WriteConcern(w=0)))
        return [type(result).__name__, result.acknowledged, getattr(result, "raw_result", "none")]

    def counts(db: Any) -> Any:
        result = write(db.users.with_options(write_concern=WriteConcern(w=0)))
        return result.deleted_count if hasattr(result, "deleted_count") else result.matched_count

    writing.same(unacknowledged)
    if "insert" not in write.__code__.co_names[0]:
        writing.same(counts)


def test_an_unacknowledged_write_raises_no_error(writing: Faces) -> None:
    writing.same(lambda db: db.users.with_options(write_concern=WriteConcern(w=0)).insert_one({"_id": 3}))
    writing.same_documents("users")


def test_comments_and_bypassing_are_taken(writing: Faces) -> None:
    writing.same(lambda db: db.users.insert_one({"_id": "a"}, bypass_document_validation=True, comment="x"))
    writing.same(
        lambda db: db.users.insert_many([{"_id": "b"}], bypass_document_validation=False, comment={})
    )
    writing.same_documents("users")
