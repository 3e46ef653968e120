"""Deleting."""

from __future__ import annotations

from typing import Any

import pytest

from .parity import Document, Faces

DELETES: list[tuple[Any, dict[str, Any]]] = [
    ({"_id": 4}, {}),
    ({"_id": 4.0}, {}),
    ({"_id": 9}, {}),
    ({"_id": 99}, {}),
    ({"_id": 4, "age": 99}, {}),
    ({"age": 22, "_id": {"$gt": 22}}, {}),
    ({"tags": {"$size": 0}, "age": 26}, {}),
    ({"$where": "this._id == 4"}, {}),
    ({"$expr": {"$eq": ["$$ROOT._id", 4]}}, {}),
    ({"name": "ANN0"}, {"collation": {"locale": "en", "strength": 2}}),
    ({"_id": 4}, {"hint": "_id_", "comment": "x"}),
    ({"_id": 4}, {"hint": [("no", 1)]}),
    ({"$expr": {"$eq": ["$_id", "$$it"]}}, {"let": {"it": 4}}),
    ({"$foo": 1}, {}),
    ({"age": {"$foo": 1}}, {}),
    (1, {}),
    (None, {}),
    ([], {}),
    ({"_id": 4}, {"hint": 1}),
    ({"_id": 4}, {"collation": 1}),
    ({"_id": 4}, {"let": 1}),
    ({"_id": 4}, {"unknown": 1}),
]


@pytest.mark.parametrize(("query", "options"), DELETES, ids=repr)
def test_deleting(writing: Faces, query: Any, options: dict[str, Any]) -> None:
    writing.same(lambda db: db.none.delete_one(query, **options))
    writing.same(lambda db: db.users.delete_one(query, **options))
    writing.same_documents("users")
    writing.same(lambda db: db.users.delete_many(query, **options))
    writing.same_documents("users")


def test_deleting_many_and_all(writing: Faces) -> None:
    queries: list[Document] = [{"age": 22}, {"age": {"$gte": 24}}, {"marks.s": "nothing"}, {}, {}]
    for query in queries:
        writing.same(lambda db, query=query: db.users.delete_many(query))
        writing.same_documents("users")


def test_a_deleted_document_can_be_inserted_again(writing: Faces) -> None:
    writing.same(lambda db: db.users.delete_one({"_id": 4}))
    writing.same(lambda db: db.users.insert_one({"_id": 4, "again": 1}))
    writing.same(lambda db: db.users.insert_one({"_id": 4, "again": 2}))
    writing.same(lambda db: db.users.update_one({"_id": 4}, {"$inc": {"again": 1}}))
    writing.same_documents("users")
