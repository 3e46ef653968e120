"""``comment``, ``hint``, ``let`` and ``session`` are taken wherever PyMongo takes them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from pymongo import IndexModel, InsertOne
from pymongo.collection import Collection
from pymongo.database import Database

from argon import WALCollection, WALDatabase

from .parity import Faces

CALLS: list[Callable[[Any, dict[str, Any]], Any]] = [
    lambda db, given: db.users.find_one({"_id": 4}, **given),
    lambda db, given: list(db.users.find({"age": 22}, **given).sort("_id", 1)),
    lambda db, given: list(db.users.aggregate([{"$match": {"_id": 4}}], **given)),
    lambda db, given: db.users.count_documents({"age": 22}, **given),
    lambda db, given: sorted(db.users.distinct("age", **given)),
    lambda db, given: db.users.insert_one({"_id": "a"}, **given),
    lambda db, given: db.users.insert_many([{"_id": "b"}], **given),
    lambda db, given: db.users.update_one({"_id": "a"}, {"$set": {"x": 1}}, **given),
    lambda db, given: db.users.update_many({"age": 22}, {"$set": {"x": 1}}, **given),
    lambda db, given: db.users.replace_one({"_id": "a"}, {"x": 2}, **given),
    lambda db, given: db.users.find_one_and_update({"_id": "a"}, {"$set": {"x": 3}}, **given),
    lambda db, given: db.users.find_one_and_replace({"_id": "a"}, {"x": 4}, **given),
    lambda db, given: db.users.find_one_and_delete({"_id": "a"}, **given),
    lambda db, given: db.users.delete_one({"_id": "b"}, **given),
    lambda db, given: db.users.delete_many({"age": 22}, **given),
    lambda db, given: db.users.bulk_write([InsertOne({"_id": "c"})], **given),
    lambda db, given: db.users.create_index("name", **given),
    lambda db, given: db.users.create_indexes([IndexModel("boss")], **given),
    lambda db, given: sorted(db.users.index_information(**given)),
    lambda db, given: [index["name"] for index in db.users.list_indexes(**given)],
    lambda db, given: db.users.drop_index("name_1", **given),
    lambda db, given: db.users.drop_indexes(**given),
    lambda db, given: db.users.options(**given),
    lambda db, given: sorted(db.list_collection_names(**given)),
    lambda db, given: sorted(info["name"] for info in db.list_collections(**given)),
    lambda db, given: db.users.rename("people", **given)["ok"],
    lambda db, given: db.people.drop(**given),
    lambda db, given: db.drop_collection("people", **given)["ok"],
]


def parameters(method: Any) -> list[tuple[str, Any]]:
    """List a method's named parameters with their defaults, in order."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [
        (name, one.default) for name, one in inspect.signature(method).parameters.items() if one.kind in kinds
    ]


@pytest.mark.parametrize(("mine", "theirs"), [(WALCollection, Collection), (WALDatabase, Database)])
def test_signatures_are_pymongos(mine: type, theirs: type) -> None:
    for name, method in inspect.getmembers(theirs, inspect.isfunction):
        if name.startswith("_") or not inspect.isfunction(getattr(mine, name)):
            continue
        takes = inspect.signature(getattr(mine, name))
        if any(one.kind is inspect.Parameter.VAR_POSITIONAL for one in takes.parameters.values()):
            continue
        wanted, found = parameters(method), parameters(getattr(mine, name))
        assert [one for one in found if one in wanted] == wanted, name


def test_comments_everywhere(writing: Faces) -> None:
    for call in CALLS:
        writing.same(lambda db, call=call: call(db, {"comment": "why"}))


def test_a_session_everywhere(writing: Faces) -> None:
    def in_session(db: Any, call: Callable[[Any, dict[str, Any]], Any]) -> Any:
        with db.client.start_session() as session:
            return call(db, {"session": session})

    for call in CALLS:
        writing.same(lambda db, call=call: in_session(db, call))


def test_a_session_keeps_the_order_of_what_it_did(writing: Faces) -> None:
    for view in writing.views.values():
        with view.client.start_session(causal_consistency=True) as session:
            view.users.insert_one({"_id": "mine"}, session=session)
            assert view.users.find_one("mine", session=session) is not None
            assert not session.has_ended


def test_wrong_comments_and_sessions(writing: Faces) -> None:
    writing.same(lambda db: db.users.find_one({"_id": 4}, comment={"who": ["asks"]}))
    for view in writing.views.values():
        with pytest.raises((TypeError, ValueError)):
            view.users.insert_one({"_id": "x"}, session=5)
        assert view.users.find_one("x") is None
