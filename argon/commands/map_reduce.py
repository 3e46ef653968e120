"""The command ``mapReduce``, as the pipeline that does the same: its functions run in ``$function``.

Source: "mapReduce" and "Map-Reduce to Aggregation Pipeline" in the MongoDB manual.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bson import Code

from argon.commands.request import (
    Command,
    Reply,
    Request,
    check_fields,
    collection_name,
    required,
)
from argon.engine import reading
from argon.engine.errors import command_error
from argon.engine.prepare import IS_VIEW, Target
from argon.io import Operation
from argon.versions.layout import RAW_CODEC

_KNOWN = frozenset(
    {"bypassDocumentValidation", "collation", "finalize", "jsMode", "limit", "map", "out", "query", "reduce"}
    | {"scope", "sort", "verbose"}
)
_MAP = """function(document, scope) {
    var emitted = [];
    var emit = function(key, value) {
        if (arguments.length != 2) { throw new Error("emit takes 2 args"); }
        emitted.push({k: key === undefined ? null : key, v: value === undefined ? null : value});
    };
    with (scope) { (%s).apply(document); }
    return emitted;
}"""
_REDUCE = """function(key, values, scope) {
    with (scope) { return (%s)(key, values); }
}"""
_FINALIZE = "function(key, value, scope) { with (scope) { return (%s)(key, value); } }"
_ACTIONS = ("replace", "merge", "reduce")


def map_reduce(request: Request, command: Command) -> Operation[Reply]:
    """Run ``mapReduce``."""
    check_fields(command, _KNOWN)
    name = collection_name(command)
    code = {field: _code(command, field) for field in ("map", "reduce")}
    if "finalize" in command:
        code["finalize"] = _code(command, "finalize")
    action, into = _output(required(command, "out"))
    snapshot = yield from request.handle.snapshot()
    record = snapshot.record(request.space, name)
    if record is not None and record.kind == "view":
        text = "mapReduce on a view is not supported"
        raise command_error({"code": IS_VIEW, "codeName": "CommandNotSupportedOnView", "errmsg": text})
    scope = {"$literal": command.get("scope") or {}}
    stages = [*_found(command), *_reduced(code, scope)]
    if into is not None:
        stages.append(_written(action, into, code["reduce"], scope))
    options = {"collation": command["collation"]} if "collation" in command else {}
    if "maxTimeMS" in command:
        options["maxTimeMS"] = command["maxTimeMS"]
    target = Target(request.space, name, RAW_CODEC, command.get("bypassDocumentValidation"))
    cursor = yield from reading.aggregate(request.handle, target, name, stages, request.reader, options)
    if into is not None:
        there = into if isinstance(into, str) else {"db": into["db"], "collection": into["coll"]}
        return {"result": there, "ok": 1.0}
    results = yield cursor.to_list(None)
    return {"results": results, "ok": 1.0}


def _code(command: Command, field: str) -> str:
    code = required(command, field)
    if not isinstance(code, str) or (isinstance(code, Code) and code.scope is not None):
        text = f"'{field}' must be of string or code type"
        raise command_error({"code": 2, "codeName": "BadValue", "errmsg": text})
    return str.__str__(code)


def _output(out: Any) -> tuple[str, str | dict[str, Any] | None]:
    """Return what is done with the results, and the collection that they go to; None for the reply."""
    if isinstance(out, str):
        return "replace", out
    if isinstance(out, Mapping) and "inline" in out:
        return "inline", None
    action = next((name for name in _ACTIONS if isinstance(out, Mapping) and name in out), None)
    if action is None:
        text = "'out' requires 'replace', 'merge' or 'reduce'"
        raise command_error({"code": 2, "codeName": "BadValue", "errmsg": text})
    return action, {"db": out["db"], "coll": out[action]} if "db" in out else str(out[action])


def _found(command: Command) -> list[dict[str, Any]]:
    stages = (("$match", "query"), ("$sort", "sort"), ("$limit", "limit"))
    return [{stage: command[field]} for stage, field in stages if command.get(field)]


def _reduced(code: Mapping[str, str], scope: Any) -> list[dict[str, Any]]:
    value = _function(_REDUCE % code["reduce"], "$_id", "$values", scope)
    if "finalize" in code:
        value = _function(_FINALIZE % code["finalize"], "$_id", value, scope)
    return [
        {"$project": {"_id": 0, "emitted": _function(_MAP % code["map"], "$$ROOT", scope)}},
        {"$unwind": "$emitted"},
        {"$group": {"_id": "$emitted.k", "values": {"$push": "$emitted.v"}}},
        {"$project": {"value": value}},
    ]


def _written(action: str, into: str | dict[str, Any], reduce: str, scope: Any) -> dict[str, Any]:
    if action == "replace":
        return {"$out": into}
    if action == "merge":
        return {"$merge": {"into": into, "whenMatched": "replace"}}
    both = _function(_REDUCE % reduce, "$_id", ["$value", "$$new.value"], scope)
    return {"$merge": {"into": into, "whenMatched": [{"$set": {"value": both}}]}}


def _function(body: str, *arguments: Any) -> dict[str, Any]:
    return {"$function": {"body": body, "args": list(arguments), "lang": "js"}}
