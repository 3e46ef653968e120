"""Commands about collections and their indexes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymongo.operations import IndexModel

from argon.commands.held import listed
from argon.commands.request import (
    Command,
    Reply,
    Request,
    check_fields,
    collection_name,
    own_fields,
    required,
)
from argon.engine import ddl, indexes, reading
from argon.engine.errors import CANNOT_RUN, command_error
from argon.engine.prepare import existing_record
from argon.io import Operation
from argon.models import CollectionRecord


def list_collections(request: Request, command: Command) -> Operation[Reply]:
    """Run ``listCollections``."""
    check_fields(command, frozenset({"authorizedCollections", "cursor", "filter", "nameOnly"}))
    found = yield from reading.list_collections(request.handle, request.space, command.get("filter"))
    if command.get("nameOnly"):
        found = [{"name": info["name"], "type": info["type"]} for info in found]
    return (yield from listed(request, "$cmd.listCollections", found, command))


def list_indexes(request: Request, command: Command) -> Operation[Reply]:
    """Run ``listIndexes``."""
    check_fields(command, frozenset({"cursor"}))
    name = collection_name(command)
    snapshot = yield from request.handle.snapshot()
    existing_record(snapshot, request.space, name, f"ns does not exist: {request.namespace(name)}")
    found = indexes.list_indexes(snapshot, request.space, name)
    return (yield from listed(request, name, found, command))


def create(request: Request, command: Command) -> Operation[Reply]:
    """Run ``create``."""
    name = collection_name(command)
    options = own_fields(command)
    yield from ddl.create_collection(request.handle, request.space, name, options)
    return {"ok": 1.0}


def modify(request: Request, command: Command) -> Operation[Reply]:
    """Run ``collMod``."""
    name = collection_name(command)
    options = own_fields(command)
    yield from ddl.modify_collection(request.handle, request.space, name, options)
    return {"ok": 1.0}


def drop(request: Request, command: Command) -> Operation[Reply]:
    """Run ``drop``."""
    check_fields(command, frozenset())
    name = collection_name(command)
    request.handle.refuse_in_session(CANNOT_RUN.format("drop"))
    yield from request.handle.admit_writes()
    record = yield from _record(request, name)
    if record is None or not (yield from ddl.drop_collection(request.handle, request.space, name)):
        raise command_error({"code": 26, "codeName": "NamespaceNotFound", "errmsg": "ns not found"})
    count = {} if record.kind == "view" else {"nIndexesWas": 1 + len(record.indexes)}
    return {**count, "ns": request.namespace(name), "ok": 1.0}


def drop_database(request: Request, command: Command) -> Operation[Reply]:
    """Run ``dropDatabase``: the branch stays, and has no collections."""
    check_fields(command, frozenset())
    request.handle.refuse_in_session(CANNOT_RUN.format("dropDatabase"))
    yield from request.handle.admit_writes()
    snapshot = yield from request.handle.snapshot()
    if any(True for _ in snapshot.catalog.records(request.space)):
        yield from ddl.drop_all(request.handle, request.space)
    return {"ok": 1.0}


def create_indexes(request: Request, command: Command) -> Operation[Reply]:
    """Run ``createIndexes``."""
    check_fields(command, frozenset({"commitQuorum", "indexes"}))
    name = collection_name(command)
    models = [_model(index) for index in required(command, "indexes")]
    before = yield from _record(request, name)
    target, limit = request.target(name, command), command.get("maxTimeMS")
    yield from indexes.create_indexes(request.handle, target, models, limit)
    after = yield from _record(request, name)
    counts = [1 + len(record.indexes) if record is not None else 1 for record in (before, after)]
    reply: Reply = {"numIndexesBefore": counts[0], "numIndexesAfter": counts[1]}
    if counts[0] == counts[1]:
        return {**reply, "note": "all indexes already exist", "ok": 1.0}
    made = before is None
    return {**reply, "createdCollectionAutomatically": made, "commitQuorum": "votingMembers", "ok": 1.0}


def drop_indexes(request: Request, command: Command) -> Operation[Reply]:
    """Run ``dropIndexes``."""
    check_fields(command, frozenset({"index"}))
    name = collection_name(command)
    request.handle.refuse_in_session(CANNOT_RUN.format("dropIndexes"))
    yield from request.handle.admit_writes()
    snapshot = yield from request.handle.snapshot()
    text = f"ns not found {request.namespace(name)}"
    record = existing_record(snapshot, request.space, name, text)
    wanted = required(command, "index")
    for index in wanted if isinstance(wanted, list) else [wanted]:
        yield from indexes.drop_index(request.handle, request.space, name, index)
    reply: Reply = {"nIndexesWas": 1 + len(record.indexes)}
    if wanted == "*":
        reply["msg"] = "non-_id indexes dropped for collection"
    return {**reply, "ok": 1.0}


def _model(index: Mapping[str, Any]) -> IndexModel:
    for field in ("key", "name"):
        if field not in index:
            text = f"The '{field}' field is a required property of an index specification"
            raise command_error({"code": 9, "codeName": "FailedToParse", "errmsg": text})
    options = {key: value for key, value in index.items() if key != "key"}
    # Shells send whole numbers as doubles.
    keys = [
        (field, int(kind) if isinstance(kind, float) and kind.is_integer() else kind)
        for field, kind in index["key"].items()
    ]
    return IndexModel(keys, **options)


def _record(request: Request, name: str) -> Operation[CollectionRecord | None]:
    return (yield from request.handle.snapshot()).record(request.space, name)
