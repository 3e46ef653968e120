"""``admin``, ``config`` and ``local`` are the server's, and lead nowhere else, on every face."""

from __future__ import annotations

from typing import Any

import pytest
from bson import ObjectId
from pymongo import CursorType, WriteConcern
from pymongo.errors import OperationFailure

from argon.errors import UnsupportedOperation

from .faces import Face, do

HERE = [{"$documents": [{"_id": 1}]}]


def _leading_out(there: str) -> list[dict[str, Any]]:
    """Commands that would reach a database past the log."""
    into = {"db": there, "coll": "wal_log"}
    lookup = {"$lookup": {"from": into, "pipeline": [], "as": "found"}}
    write = {"op": "i", "ns": f"{there}.wal_log", "o": {"_id": 1}}
    return [
        {"aggregate": 1, "pipeline": [*HERE, {"$merge": {"into": into}}], "cursor": {}},
        {"aggregate": 1, "pipeline": [*HERE, {"$out": into}], "cursor": {}},
        {"aggregate": 1, "pipeline": [*HERE, lookup], "cursor": {}},
        {"aggregate": 1, "pipeline": [*HERE, {"$facet": {"a": [lookup]}}], "cursor": {}},
        {"aggregate": 1, "pipeline": [*HERE, {"$unionWith": {**into, "pipeline": []}}], "cursor": {}},
        {"explain": {"aggregate": 1, "pipeline": [*HERE, {"$merge": {"into": into}}], "cursor": {}}},
        {"applyOps": [write]},
        {"shardCollection": f"{there}.wal_log", "key": {"_id": 1}},
        {"renameCollection": "admin.things", "to": f"{there}.things"},
        {
            "mapReduce": "system.version",
            "map": "function() { emit(1, 1) }",
            "reduce": "function() { return 1 }",
            "out": {"replace": "things", "db": there},
        },
    ]


async def test_no_command_there_leads_past_the_log(face: Face) -> None:
    there = face.argon.mongo[face.argon.database]
    before = await do(there.wal_log.count_documents({}))
    names = await do(there.list_collection_names())
    for command in _leading_out(face.argon.database):
        with pytest.raises(UnsupportedOperation, match=r"past the log: "):
            await do(face.client.admin.command(command))
    merge = {"$merge": {"into": {"db": face.argon.database, "coll": "wal_log"}}}
    with pytest.raises(UnsupportedOperation, match=face.argon.database):
        await do(face.client.admin.aggregate([*HERE, merge]))
    with pytest.raises(UnsupportedOperation, match=face.argon.database):
        await do(face.client.local.startup_log.aggregate([merge]))
    assert await do(there.wal_log.count_documents({})) == before
    assert sorted(await do(there.list_collection_names())) == sorted(names)


async def test_what_they_lead_to_are_branches(face: Face) -> None:
    assert face.client.admin.client is face.client
    source, target = f"{face.project}.users", f"{face.project}.people"
    with pytest.raises(OperationFailure, match=f"Source collection {source} does not exist"):
        await do(face.client.admin.command({"renameCollection": source, "to": target}))
    await do(face.db.users.insert_one({"_id": 1}))
    await do(face.client.admin.command({"renameCollection": source, "to": target}))
    assert await do(face.db.people.find()) == [{"_id": 1}]
    listed = await do(face.client.admin.command("listDatabases", nameOnly=True))
    assert face.project in [one["name"] for one in listed["databases"]]
    nobodys = f"no_{face.project}"
    with pytest.raises(OperationFailure):
        await do(
            face.client.admin.command({"renameCollection": f"{nobodys}.users", "to": f"{nobodys}.people"})
        )
    assert nobodys not in await do(face.client.list_database_names())


async def test_the_server_answers_what_stays(face: Face) -> None:
    admin, config = face.client.admin, face.client.config
    assert (await do(admin.command("ping")))["ok"] == 1
    assert (await do(admin.command("serverStatus")))["ok"] == 1
    assert await do(admin.aggregate([{"$currentOp": {}}, {"$limit": 1}]))
    own = config[f"t_{ObjectId()}"]
    try:
        await do(own.insert_many([{"_id": number} for number in range(7)]))
        merge = {"$merge": {"into": {"db": "config", "coll": own.name}}}
        with pytest.raises(OperationFailure, match="internal database: config"):
            await do(own.aggregate([{"$match": {"_id": 1}}, merge]))
        assert len(await do(own.find(batch_size=2))) == 7
        old, new = own, config[f"{own.name}_new"]
        await do(admin.command({"renameCollection": own.full_name, "to": new.full_name}))
        own = new
        assert await do(old.count_documents({})) == 0
        assert await do(own.count_documents({})) == 7
        with pytest.raises(OperationFailure, match="internal admin database"):
            await do(admin.command({"aggregate": 1, "pipeline": [{"$changeStream": {}}], "cursor": {}}))
    finally:
        await do(own.drop())


async def test_answers_that_nobody_waits_for_and_streams_of_them(face: Face) -> None:
    config = face.client.config
    own = config[f"t_{ObjectId()}"]
    try:
        await do(own.insert_many([{"_id": number} for number in range(7)]))
        unacknowledged = own.with_options(write_concern=WriteConcern(w=0))
        assert not (await do(unacknowledged.insert_one({"_id": 7}))).acknowledged
        for _ in range(3):
            assert len(await do(own.find(cursor_type=CursorType.EXHAUST, batch_size=2))) == 8
            assert (await do(face.client.admin.command("ping")))["ok"] == 1
    finally:
        await do(own.drop())
