"""Commands that read documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymongo.errors import OperationFailure

from argon.commands.changes import is_stream, open_stream
from argon.commands.held import cursor_reply
from argon.commands.request import Command, Reply, Request, check_fields, collection_name, required
from argon.engine import reading
from argon.engine.cursors import next_batch
from argon.engine.errors import command_error
from argon.engine.explained import in_logical_names
from argon.engine.find import Opened, open_find, read_first
from argon.engine.prepare import Target
from argon.engine.query import FindSpec, find_stages
from argon.errors import UnsupportedOperation
from argon.io import Operation
from argon.versions.layout import RAW_CODEC

_FIND = frozenset(
    {
        "allowDiskUse",
        "allowPartialResults",
        "awaitData",
        "batchSize",
        "collation",
        "filter",
        "hint",
        "let",
        "limit",
        "max",
        "min",
        "noCursorTimeout",
        "oplogReplay",
        "projection",
        "returnKey",
        "showRecordId",
        "singleBatch",
        "skip",
        "sort",
        "tailable",
    }
)
_AGGREGATE = frozenset(
    {"allowDiskUse", "bypassDocumentValidation", "collation", "cursor", "explain", "hint", "let", "pipeline"}
)
_COUNT = frozenset({"collation", "fields", "hint", "limit", "query", "skip"})
_DISTINCT = frozenset({"collation", "hint", "key", "query"})
_BAD_VALUE = 2
_EXPLAINED = ("find", "aggregate", "count", "distinct", "update", "delete", "findAndModify")


def find(request: Request, command: Command) -> Operation[Reply]:
    """Run ``find``."""
    name = collection_name(command)
    spec = find_spec(command)
    opened, first = yield from read_first(request.handle, request.space, name, spec, request.reader)
    size = command.get("batchSize")
    if not command.get("singleBatch"):
        return (yield from cursor_reply(request, name, opened, size, first))
    reply = yield from cursor_reply(request, name, opened, size or command.get("limit") or None, first)
    return {**reply, "cursor": {**reply["cursor"], "id": 0}}


def find_spec(command: Command) -> FindSpec:
    """Turn a ``find`` into what the engine is asked.

    Raises:
        UnsupportedOperation: Its cursor shall be tailable.
    """
    check_fields(command, _FIND)
    if command.get("tailable"):
        raise UnsupportedOperation("'tailable' is about capped collections: use watch()")
    options = {
        "batch_size": command.get("batchSize") or None,
        "max_time_ms": command.get("maxTimeMS"),
        "comment": command.get("comment"),
        "allow_disk_use": command.get("allowDiskUse"),
        "let": command.get("let"),
        "return_key": command.get("returnKey") or None,
        "show_record_id": command.get("showRecordId") or None,
        "min": command.get("min") or None,
        "max": command.get("max") or None,
    }
    sort = command.get("sort")
    return FindSpec(
        filter=command.get("filter") or {},
        projection=command.get("projection") or None,
        sort=list(sort.items()) if sort else None,
        skip=command.get("skip") or 0,
        limit=-abs(command.get("limit") or 0) if command.get("singleBatch") else command.get("limit") or 0,
        hint=command.get("hint") or None,
        collation=command.get("collation") or None,
        options={key: value for key, value in options.items() if value is not None},
    )


def aggregate(request: Request, command: Command) -> Operation[Reply]:
    """Run ``aggregate``."""
    check_fields(command, _AGGREGATE)
    about = next(iter(command.values()))
    name = None if about == 1 else collection_name(command)
    pipeline = required(command, "pipeline")
    if command.get("explain"):
        return (yield from _explain_stages(request, name, pipeline, "queryPlanner"))
    if not isinstance(command.get("cursor"), Mapping):
        text = "The 'cursor' option is required, except for aggregate with the explain argument"
        raise command_error({"code": 9, "codeName": "FailedToParse", "errmsg": text})
    if is_stream(pipeline):
        return (yield from open_stream(request, name, command))
    size = command["cursor"].get("batchSize")
    options = {
        option: command.get(option)
        for option in ("allowDiskUse", "collation", "hint", "let", "maxTimeMS", "comment")
    }
    target = request.target(name or "", command)
    cursor = yield from reading.aggregate(
        request.handle, target, name, pipeline, request.reader, {**options, "batchSize": size or None}
    )
    return (yield from cursor_reply(request, name or "$cmd.aggregate", Opened(cursor, False), size))


def count(request: Request, command: Command) -> Operation[Reply]:
    """Run ``count``."""
    check_fields(command, _COUNT)
    name = collection_name(command)
    query = command.get("query") or {}
    skip, limit = int(command.get("skip") or 0), abs(int(command.get("limit") or 0))
    options = {
        "skip": skip or None,
        "limit": limit or None,
        "hint": command.get("hint") or None,
        "collation": command.get("collation") or None,
        "maxTimeMS": command.get("maxTimeMS"),
    }
    target = Target(request.space, name, RAW_CODEC)
    try:
        found = yield from reading.count_documents(request.handle, target, query, request.reader, options)
    except OperationFailure as error:
        if error.code != _BAD_VALUE:
            raise
        # Not every filter of a find may stand in a pipeline; if this one is wrong, it is so here too.
        spec = FindSpec(query, {"_id": 1}, None, skip, limit, options["hint"], options["collation"])
        opened = yield from _open(request, name, spec)
        found = 0
        while opened.cursor.alive:
            found += len((yield from next_batch(opened.cursor)))
    return {"n": found, "ok": 1.0}


def distinct(request: Request, command: Command) -> Operation[Reply]:
    """Run ``distinct``."""
    check_fields(command, _DISTINCT)
    target = Target(request.space, collection_name(command), RAW_CODEC)
    options = {option: command.get(option) for option in ("collation", "hint", "maxTimeMS", "comment")}
    values = yield from reading.distinct(
        request.handle, target, required(command, "key"), command.get("query") or {}, request.reader, options
    )
    return {"values": values, "ok": 1.0}


def explain(request: Request, command: Command) -> Operation[Reply]:
    """Run ``explain``: the plan is that of the physical query."""
    check_fields(command, frozenset({"verbosity"}))
    explained = command["explain"]
    verb = next(iter(explained), None) if isinstance(explained, Mapping) else None
    if verb not in _EXPLAINED:
        raise UnsupportedOperation(f"explain tells of {', '.join(_EXPLAINED)} on a branch, not of {verb!r}")
    verbosity = command.get("verbosity", "allPlansExecution")
    if verb == "aggregate":
        about = explained[verb]
        name = None if about == 1 else collection_name(explained)
        return (yield from _explain_stages(request, name, required(explained, "pipeline"), verbosity))
    name = collection_name(explained)
    plan = yield from _explain_stages(request, name, find_stages(_query(verb, explained)), verbosity)
    return reading.as_of_find(plan)


def _query(verb: str, explained: Command) -> FindSpec:
    """Return what a command looks for, which is what its plan is about."""
    if verb == "find":
        return find_spec(explained)
    if verb in ("update", "delete"):
        first = required(explained, f"{verb}s")[0]
        return FindSpec(first.get("q") or {}, hint=first.get("hint"), collation=first.get("collation"))
    return FindSpec(explained.get("query") or {}, hint=explained.get("hint"))


def _open(request: Request, name: str, spec: FindSpec) -> Operation[Opened]:
    snapshot = yield from request.handle.snapshot()
    return (yield from open_find(snapshot, request.space, name, spec, request.reader))


def _explain_stages(request: Request, name: str | None, stages: Any, verbosity: str) -> Operation[Reply]:
    snapshot = yield from request.handle.snapshot()
    plan: Reply = yield from reading.explain_stages(snapshot, request.space, name, stages, verbosity)
    told = {key: value for key, value in plan.items() if not key.startswith("$") and key != "operationTime"}
    named: Reply = in_logical_names(told, snapshot, request.space, name, request.database)
    return named
