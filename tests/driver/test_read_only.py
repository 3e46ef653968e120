"""A view of the past refuses every method that writes, and says what to do instead."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from pymongo import IndexModel, InsertOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.operations import SearchIndexModel

from argon import WALCollection, WALDatabase
from argon.errors import ReadOnlyView

from .parity import Faces

WRITES: dict[str, Callable[[Any], Any]] = {
    "insert_one": lambda users: users.insert_one({"_id": "x"}),
    "insert_many": lambda users: users.insert_many([{"_id": "x"}]),
    "update_one": lambda users: users.update_one({"_id": 4}, {"$set": {"x": 1}}),
    "update_many": lambda users: users.update_many({}, {"$set": {"x": 1}}),
    "replace_one": lambda users: users.replace_one({"_id": 4}, {"x": 1}),
    "delete_one": lambda users: users.delete_one({"_id": 4}),
    "delete_many": lambda users: users.delete_many({}),
    "find_one_and_update": lambda users: users.find_one_and_update({"_id": 4}, {"$set": {"x": 1}}),
    "find_one_and_replace": lambda users: users.find_one_and_replace({"_id": 4}, {"x": 1}),
    "find_one_and_delete": lambda users: users.find_one_and_delete({"_id": 4}),
    "bulk_write": lambda users: users.bulk_write([InsertOne({"_id": "x"})]),
    "create_index": lambda users: users.create_index("name"),
    "create_indexes": lambda users: users.create_indexes([IndexModel("name")]),
    "drop_index": lambda users: users.drop_index("age_1"),
    "drop_indexes": lambda users: users.drop_indexes(),
    "drop": lambda users: users.drop(),
    "rename": lambda users: users.rename("people"),
    "aggregate": lambda users: users.aggregate([{"$out": "x"}]),
}
DATABASE_WRITES: dict[str, Callable[[Any], Any]] = {
    "create_collection": lambda db: db.create_collection("x"),
    "drop_collection": lambda db: db.drop_collection("users"),
    "aggregate": lambda db: db.aggregate([{"$documents": [{"_id": 1}]}, {"$merge": "x"}]),
    "commit": lambda db: db.commit().__enter__(),
}
_MODEL = SearchIndexModel({"mappings": {"dynamic": True}}, name="all")
SEARCH: dict[str, Callable[[Any], Any]] = {
    "create_search_index": lambda users: users.create_search_index(_MODEL),
    "create_search_indexes": lambda users: users.create_search_indexes([_MODEL]),
    "drop_search_index": lambda users: users.drop_search_index("all"),
    "list_search_indexes": lambda users: list(users.list_search_indexes()),
    "update_search_index": lambda users: users.update_search_index("all", {}),
}
READS = {
    "aggregate_raw_batches",
    "at",
    "count_documents",
    "create_search_index",
    "create_search_indexes",
    "distinct",
    "drop_search_index",
    "estimated_document_count",
    "find",
    "find_one",
    "find_raw_batches",
    "index_information",
    "list_indexes",
    "list_search_indexes",
    "next",
    "options",
    "reader",
    "update_search_index",
    "watch",
    "with_options",
}
DATABASE_READS = {
    "at",
    "command",
    "cursor_command",
    "dereference",
    "get_collection",
    "list_collection_names",
    "list_collections",
    "next",
    "validate_collection",
    "watch",
    "with_options",
}


def methods(*classes: type) -> set[str]:
    """Name the public methods of classes, inherited ones included."""
    return {
        name
        for each in classes
        for name, member in inspect.getmembers(each)
        if not name.startswith("_") and inspect.isfunction(member)
    }


def test_the_lists_below_are_complete() -> None:
    assert methods(Collection, WALCollection) == READS | set(WRITES)
    assert methods(Database, WALDatabase) - {"space", "in_space", "list_spaces", "delete_space"} == (
        DATABASE_READS | set(DATABASE_WRITES)
    )


def test_nothing_of_pymongo_reaches_past_the_log() -> None:
    """Every inherited method must have been looked at: one left alone would use the physical collection."""
    for mine, theirs in ((WALCollection, Collection), (WALDatabase, Database)):
        inherited = {name for name in methods(theirs) if getattr(mine, name) is getattr(theirs, name)}
        # next() says itself that there is no such thing, and validate_collection() sends a command.
        assert inherited <= {"next", "validate_collection"}


@pytest.mark.parametrize("name", WRITES)
def test_a_past_collection_refuses(writing: Faces, name: str) -> None:
    for view in writing.views.values():
        lsn = view.branch.head_lsn
        past = view.at(lsn=lsn)
        documents = list(past.users.find())
        with pytest.raises(ReadOnlyView, match=f"restore\\(lsn={lsn}\\)"):
            WRITES[name](past.users)
        assert view.branch.head_lsn == lsn
        assert list(past.users.find()) == documents


@pytest.mark.parametrize("name", DATABASE_WRITES)
def test_a_past_database_refuses(writing: Faces, name: str) -> None:
    for view in writing.views.values():
        lsn = view.branch.head_lsn
        with pytest.raises(ReadOnlyView, match="read-only"):
            DATABASE_WRITES[name](view.at(lsn=lsn))
        assert view.branch.head_lsn == lsn


@pytest.mark.parametrize("name", SEARCH)
def test_search_indexes_are_refused_as_by_a_server_that_has_none(reading: Faces, name: str) -> None:
    reading.same(lambda db: SEARCH[name](db.users), errors="code")


@pytest.mark.parametrize(
    "write",
    [
        lambda past: past.none.drop(),
        lambda past: past.none.drop_indexes(),
        lambda past: past.none.drop_index("x"),
        lambda past: past.users.delete_one({"_id": "nobody"}),
        lambda past: past.users.update_one({"_id": "nobody"}, {"$set": {"x": 1}}),
        lambda past: past.users.create_index("age"),
    ],
)
def test_a_write_that_would_change_nothing_is_refused_too(
    writing: Faces, write: Callable[[Any], Any]
) -> None:
    for view in writing.views.values():
        with pytest.raises(ReadOnlyView):
            write(view.at(lsn=view.branch.head_lsn))
