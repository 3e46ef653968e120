"""``admin``, ``config`` and ``local`` are the server's, and lead nowhere else, on every face."""

from __future__ import annotations

from typing import Any

import pytest
from bson import ObjectId
from pymongo import CursorType, WriteConcern
from pymongo.errors import OperationFailure

from argon.errors import UnsupportedOperation

from .faces import Face, do

SUM = [{"$set": {"n": {"$add": ["$n", "$$x"]}}}]
HERE = [{"$documents": [{"_id": 1}]}]


def _leading_out(there: str) -> list[dict[str, Any]]:
    """Commands that would reach a database past the log."""
    into = {"db": there, "coll": "wal_log"}
    lookup = {"$lookup": {"from": into, "pipeline": [], "as": "found"}}
    write = {"op": "i", "ns": f"{there}.wal_log", "o": {"_id": 1}}
    return [
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
    lookup = {"$lookup": {"from": {"db": face.argon.database, "coll": "wal_log"}, "as": "found"}}
    with pytest.raises(UnsupportedOperation, match=face.argon.database):
        await do(face.client.admin.aggregate([*HERE, lookup]))
    with pytest.raises(UnsupportedOperation, match=face.argon.database):
        await do(
            face.client.local.startup_log.aggregate([lookup, {"$out": {"db": face.project, "coll": "x"}}])
        )
    assert await do(there.wal_log.count_documents({})) == before
    assert sorted(await do(there.list_collection_names())) == sorted(names)


@pytest.mark.parametrize("branch", ["main", "feature"])
async def test_what_a_pipeline_there_writes_to_a_branch_is_in_the_log(face: Face, branch: str) -> None:
    project = await do(face.argon.project(face.project))
    if branch == "feature":
        await do(project.create_branch(branch))
    name = face.project if branch == "main" else f"{face.project}@{branch}"
    target, found = face.client[name].found, await do(project.branch(branch))
    numbers = {"$documents": [{"_id": number, "n": 1} for number in range(3)]}
    assert await do(face.client.admin.aggregate([numbers, {"$out": {"db": name, "coll": "found"}}])) == []
    assert len(await do(target.find())) == 3
    merge = {"$merge": {"into": {"db": name, "coll": "found"}, "let": {"x": "$n"}, "whenMatched": SUM}}
    admin = face.client.admin.with_options(write_concern=WriteConcern(w=0))
    assert await do(admin.aggregate([{"$documents": [{"_id": 1, "n": 5}, {"_id": 9, "n": 7}]}, merge])) == []
    assert await do(target.find().sort("_id", 1)) == [
        {"_id": 0, "n": 1}, {"_id": 1, "n": 6}, {"_id": 2, "n": 1}, {"_id": 9, "n": 7},
    ]  # fmt: skip
    assert {entry.operation for entry in await do(found.log(limit=2))} == {"insert", "update"}
    await do(face.client.local.startup_log.aggregate([{"$limit": 1}, {"$out": {"db": name, "coll": "logs"}}]))
    assert await do(face.client[name].logs.count_documents({})) == 1
    with pytest.raises(OperationFailure, match="must specify a 'coll'"):
        await do(face.client.admin.aggregate([numbers, {"$merge": {"into": {"db": name}}}]))
    await do(
        face.client.admin.aggregate([numbers, {"$merge": {"into": {"db": face.argon.database, "coll": "x"}}}])
    )
    assert face.argon.database in await do(face.client.list_database_names())
    await do(face.client.drop_database(face.argon.database))


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
