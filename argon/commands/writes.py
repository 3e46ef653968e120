"""Commands that write documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bson import ObjectId
from pymongo import DeleteMany, DeleteOne, ReplaceOne, UpdateMany, UpdateOne
from pymongo.errors import BulkWriteError

from argon.commands.request import Command, Reply, Request, check_fields, collection_name, required
from argon.engine import operations
from argon.engine.bulk import bulk_write
from argon.engine.errors import command_error, missing_field, unknown_field
from argon.engine.results import bulk_result
from argon.engine.specs import DeleteSpec, UpdateSpec
from argon.io import Operation
from argon.rewrite import is_replacement

_INSERT = frozenset({"bypassDocumentValidation", "documents", "ordered"})
_UPDATE = frozenset({"bypassDocumentValidation", "let", "ordered", "updates"})
_DELETE = frozenset({"deletes", "let", "ordered"})
_UPDATED = frozenset({"arrayFilters", "c", "collation", "hint", "multi", "q", "sort", "u", "upsert"})
_DELETED = frozenset({"collation", "hint", "limit", "q"})
_MODIFY = frozenset(
    {
        "arrayFilters",
        "bypassDocumentValidation",
        "collation",
        "fields",
        "hint",
        "let",
        "new",
        "query",
        "remove",
        "sort",
        "update",
        "upsert",
    }
)

_ERROR = ("index", "code", "errmsg", "keyPattern", "keyValue", "errInfo")


def insert(request: Request, command: Command) -> Operation[Reply]:
    """Run ``insert``."""
    check_fields(command, _INSERT)
    target = request.target(collection_name(command), command)
    given = _batch(required(command, "documents"))
    documents = [one if "_id" in one else {"_id": ObjectId(), **one} for one in given]
    encoded = operations.encode_documents(documents, target.codec)
    ordered = command.get("ordered", True)
    done = yield from operations.insert_all(request.handle, target, encoded, ordered=ordered)
    return _written({"n": done.count}, done.errors)


def update(request: Request, command: Command) -> Operation[Reply]:
    """Run ``update``."""
    check_fields(command, _UPDATE)
    requests: list[Any] = []
    places: list[int] = []
    refused: list[dict[str, Any]] = []
    for place, one in enumerate(_batch(required(command, "updates"))):
        _check_statement("update.updates", one, _UPDATED, ("q", "u"))
        if is_replacement(one["u"]) and one.get("multi"):
            text = "multi update is not supported for replacement-style update"
            refused.append({"index": place, "code": 9, "errmsg": text})
            if command.get("ordered", True):
                break
            continue
        requests.append(_update_request(one))
        places.append(place)
    result, errors = yield from _bulk(request, command, requests)
    for note in (*result["upserted"], *errors):
        note["index"] = places[note["index"]]
    if not (errors and command.get("ordered", True)):
        errors = sorted([*errors, *refused], key=lambda error: int(error["index"]))
    upserted = result["upserted"]
    counts = _written({"n": result["nMatched"] + len(upserted)}, errors)
    ok = counts.pop("ok")
    if upserted:
        counts["upserted"] = upserted
    return {**counts, "nModified": result["nModified"], "ok": ok}


def delete(request: Request, command: Command) -> Operation[Reply]:
    """Run ``delete``."""
    check_fields(command, _DELETE)
    requests: list[Any] = []
    for one in _batch(required(command, "deletes")):
        _check_statement("delete.deletes", one, _DELETED, ("q", "limit"))
        kind = DeleteOne if one["limit"] else DeleteMany
        requests.append(kind(one["q"], collation=one.get("collation"), hint=one.get("hint") or None))
    result, errors = yield from _bulk(request, command, requests)
    return _written({"n": result["nRemoved"]}, errors)


def find_and_modify(request: Request, command: Command) -> Operation[Reply]:
    """Run ``findAndModify``."""
    check_fields(command, _MODIFY)
    target = request.target(collection_name(command), command)
    remove, change = bool(command.get("remove")), command.get("update")
    if remove == (change is not None):
        text = (
            "Cannot specify both an update and remove=true"
            if remove
            else "Either an update or remove=true must be specified"
        )
        raise command_error({"code": 9, "codeName": "FailedToParse", "errmsg": text})
    sort = command.get("sort")
    common: dict[str, Any] = {
        "collation": command.get("collation") or None,
        "hint": command.get("hint") or None,
        "sort": list(sort.items()) if sort else None,
        "let": command.get("let"),
        "projection": command.get("fields") or None,
        "max_time_ms": command.get("maxTimeMS"),
    }
    query = command.get("query") or {}
    if remove:
        if command.get("upsert") or command.get("new"):
            option = "upsert" if command.get("upsert") else "new"
            text = f"Cannot specify both {option}=true and remove=true"
            raise command_error({"code": 9, "codeName": "FailedToParse", "errmsg": text})
        deleted = yield from operations.delete(
            request.handle, target, DeleteSpec(query, returns=True, **common)
        )
        return {"lastErrorObject": {"n": deleted.count}, "value": deleted.document, "ok": 1.0}
    spec = UpdateSpec(
        query,
        change,
        upsert=bool(command.get("upsert")),
        array_filters=command.get("arrayFilters"),
        returns=bool(command.get("new")),
        **common,
    )
    updated = yield from operations.update(request.handle, target, spec)
    last: Reply = {"n": updated.matched or int(updated.upserted), "updatedExisting": updated.matched > 0}
    if updated.upserted:
        last["upserted"] = updated.upserted_id
    return {"lastErrorObject": last, "value": updated.document, "ok": 1.0}


def _check_statement(
    what: str, statement: Mapping[str, Any], known: frozenset[str], needed: Sequence[str]
) -> None:
    """Refuse one of several writes that has a field which the server does not know, or lacks one."""
    for field in statement.keys() - known:
        raise unknown_field(f"{what}.{field}")
    for field in needed:
        if field not in statement:
            raise missing_field(f"{what}.{field}")


def _batch(items: Any) -> Sequence[Any]:
    if not items:
        text = f"Write batch sizes must be between 1 and 100000. Got {len(items)} operations."
        raise command_error({"code": 16, "codeName": "InvalidLength", "errmsg": text})
    return list(items)


def _update_request(one: Mapping[str, Any]) -> Any:
    change = one["u"]
    options: dict[str, Any] = {
        "upsert": bool(one.get("upsert")),
        "collation": one.get("collation"),
        "hint": one.get("hint") or None,
    }
    if one.get("sort") and not one.get("multi"):
        options["sort"] = one["sort"]
    if is_replacement(change):
        return ReplaceOne(one["q"], change, **options)
    options["array_filters"] = one.get("arrayFilters")
    return (UpdateMany if one.get("multi") else UpdateOne)(one["q"], change, **options)


def _bulk(
    request: Request, command: Command, requests: Sequence[Any]
) -> Operation[tuple[Reply, list[dict[str, Any]]]]:
    target = request.target(collection_name(command), command)
    ordered = command.get("ordered", True)
    if not requests:
        return bulk_result(), []
    try:
        done = yield from bulk_write(
            request.handle, target, requests, ordered=ordered, let=command.get("let")
        )
    except BulkWriteError as error:
        result: Reply = dict(error.details)
        return result, result["writeErrors"]
    return dict(done.bulk_api_result), []


def _written(counts: Reply, errors: Sequence[Mapping[str, Any]]) -> Reply:
    if not errors:
        return {**counts, "ok": 1.0}
    shown = [{key: error[key] for key in _ERROR if key in error} for error in errors]
    return {**counts, "writeErrors": shown, "ok": 1.0}
