"""Every kind of event, as the server's own stream has it for the same operation."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import IndexModel, InsertOne, UpdateOne
from pymongo.database import Database
from pymongo.errors import OperationFailure

from .twins import Twins, comparable

Plain = Database[dict[str, Any]]


def _data(db: Plain) -> None:
    users = db.users
    users.insert_one({"_id": 1, "n": 1, "tags": ["a"], "home": {"city": "Graz"}})
    users.insert_many([{"_id": 2}, {"_id": 3, "n": 3}])
    users.update_one({"_id": 1}, {"$set": {"home.city": "Linz", "n": 2}, "$push": {"tags": "b"}})
    users.update_many({}, {"$inc": {"n": 1}})
    users.update_one({"_id": 1}, {"$set": {"n": 3}})
    users.update_one({"_id": 1}, {"$unset": {"home": ""}})
    users.replace_one({"_id": 2}, {"whole": {"new": [1]}})
    users.update_one({"_id": 9}, {"$set": {"x": 1}}, upsert=True)
    users.replace_one({"_id": 10}, {"x": 1}, upsert=True)
    users.find_one_and_update({"_id": 3}, [{"$set": {"n": {"$add": ["$n", 1]}}}])
    users.find_one_and_replace({"_id": 3}, {"z": 1})
    users.find_one_and_delete({"_id": 3})
    users.bulk_write([InsertOne({"_id": 20}), UpdateOne({"_id": 20}, {"$set": {"b": 1}})])
    users.delete_many({"x": 1})
    db.orders.insert_one({"_id": "o1"})


def _catalogue(db: Plain) -> None:
    db.create_collection("checked", validator={"n": {"$gt": 0}})
    db.create_collection("seen", viewOn="checked", pipeline=[{"$match": {"n": 1}}])
    db.users.insert_one({"_id": 1})
    db.users.create_index("n")
    db.users.create_indexes([IndexModel("name", unique=True), IndexModel([("a", 1), ("b", -1)])])
    db.users.drop_index("n_1")
    db.users.drop_indexes()
    db.fresh.create_index("n", sparse=True)
    db.fresh.rename("renamed")
    db.users.rename("renamed", dropTarget=True)
    db.drop_collection("seen")
    db.renamed.drop()
    db.nothing.drop()


@pytest.mark.parametrize("collection", [None, "users"])
@pytest.mark.parametrize("full_document", [None, "whenAvailable", "required"])
def test_changes_of_documents_are_told_as_the_server_tells_them(
    twins: Twins, collection: str | None, full_document: str | None
) -> None:
    for db in twins.plain, twins.branch:
        options: Any = {"changeStreamPreAndPostImages": {"enabled": True}} if db is twins.plain else {}
        db.create_collection("users", **options)
        db.create_collection("orders", **options)
    options = {"full_document": full_document}
    if full_document is not None:
        options["full_document_before_change"] = full_document
    with twins.watched(collection, **options) as streams:
        twins.both(_data)
        plain, branch = streams.told()
    assert len(plain) > 15
    assert branch == plain


@pytest.mark.parametrize("expanded", [False, True])
def test_changes_of_the_catalogue_are_told_as_the_server_tells_them(twins: Twins, expanded: bool) -> None:
    with twins.watched(show_expanded_events=expanded) as streams:
        twins.both(_catalogue)
        plain, branch = streams.told()
    assert {event["operationType"] for event in plain} >= {"insert", "rename", "drop"}
    assert branch == plain


@pytest.mark.parametrize(
    "end",
    [
        lambda db: db.users.drop(),
        lambda db: db.users.rename("persons"),
        lambda db: db.users.rename("people", dropTarget=True),
        lambda db: db.people.rename("users", dropTarget=True),
        lambda db: db.people.aggregate([{"$out": "users"}]),
    ],
    ids=["drop", "rename", "rename over another", "another renamed over it", "out"],
)
def test_a_stream_on_a_collection_ends_with_it(twins: Twins, end: Any) -> None:
    twins.both(lambda db: db.people.insert_one({"_id": 1}))
    twins.both(lambda db: db.users.insert_one({"_id": 1}))
    with twins.watched("users") as streams:
        twins.both(lambda db: db.users.insert_one({"_id": 2}))
        twins.both(end)
        plain, branch = streams.told_until_end()
    for events in plain, branch:  # $out names its collection by chance
        if events[1]["operationType"] == "rename" and events[1]["ns"].startswith("tmp.agg_out."):
            events[1]["ns"] = "tmp.agg_out.*"
    assert [event["operationType"] for event in plain][-1] == "invalidate"
    assert branch == plain


@pytest.mark.parametrize("collection", [None, "users"])
def test_a_deleted_project_ends_like_a_dropped_database(
    twins: Twins, collection: str | None, argon: Any
) -> None:
    twins.both(lambda db: db.users.insert_one({"_id": 1}))
    with twins.watched(collection) as streams:
        twins.plain.client.drop_database(twins.plain)
        argon.delete_project("shop")
        plain, branch = streams.told_until_end()
    assert plain[-1] == {"operationType": "invalidate"}
    assert branch == plain


def test_a_deleted_branch_ends_like_a_dropped_database(project: Any) -> None:
    from argon import WALDatabase

    db = WALDatabase(project.create_branch("feature"))
    db.users.insert_one({"_id": 1})
    with db.watch() as stream:
        project.delete_branch("feature")
        assert [event["operationType"] for event in stream] == ["drop", "dropDatabase", "invalidate"]
        assert not stream.alive


@pytest.mark.parametrize(
    "options",
    [
        {"full_document": "whenAvailable"},
        {"full_document": "required"},
        {"full_document_before_change": "whenAvailable"},
        {"full_document_before_change": "required"},
    ],
    ids=str,
)
def test_images_are_withheld_where_a_collection_keeps_none(twins: Twins, options: dict[str, str]) -> None:
    """Each stream shows the same of all changes, or fails with the same code."""
    kept, none = {"enabled": True}, {"enabled": False}
    told: list[list[Any]] = []
    for database in twins:
        database.create_collection("users", changeStreamPreAndPostImages=kept)
        with database.users.watch(**options) as stream:
            database.users.insert_one({"_id": 1, "n": 1})
            database.users.update_one({"_id": 1}, {"$inc": {"n": 1}})
            database.command("collMod", "users", changeStreamPreAndPostImages=none)
            events = [comparable(stream.next()) for _ in range(2)]
            database.users.update_one({"_id": 1}, {"$inc": {"n": 1}})
            database.users.replace_one({"_id": 1}, {"n": 5})
            database.users.delete_one({"_id": 1})
            try:
                events += [comparable(stream.next()) for _ in range(3)]
            except OperationFailure as error:
                events.append({"code": error.code})
        told.append(events)
    assert told[0] == told[1]
