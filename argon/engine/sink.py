"""``$out`` and ``$merge``: what a pipeline writes goes through the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo.errors import DuplicateKeyError, OperationFailure

from argon.engine import ddl, indexes
from argon.engine.errors import command_error
from argon.engine.handle import Handle
from argon.engine.insert import raise_write_error
from argon.engine.operations import encode_documents, insert_all, update
from argon.engine.pipelines import aggregate as aggregate_view
from argon.engine.prepare import Target
from argon.engine.query import Reader
from argon.engine.source import NO_STORE
from argon.engine.update import UpdateSpec
from argon.errors import UnsupportedOperation
from argon.io import Operation

_PAGE = 1000


def is_sink(stage: Any) -> bool:
    """Whether a stage writes."""
    return isinstance(stage, Mapping) and len(stage) == 1 and next(iter(stage)) in ("$out", "$merge")


def write_out(
    handle: Handle,
    target: Target,
    name: str | None,
    stages: Sequence[Mapping[str, Any]],
    reader: Reader,
    options: Mapping[str, Any],
) -> Operation[Any]:
    """Run a pipeline that ends in ``$out`` or ``$merge``.

    Returns:
        An empty cursor, as the server's.
    """
    *before, last = stages
    [(kind, argument)] = last.items()
    snapshot = yield from handle.snapshot()
    raw_reader = Reader(target.codec.with_options(document_class=RawBSONDocument), reader.options)
    given = {key: value for key, value in options.items() if key != "bypassDocumentValidation"}
    cursor = yield from aggregate_view(snapshot, target.space, name, before, raw_reader, given)
    if kind == "$out":
        yield from _out(handle, target, argument, cursor)
    else:
        yield from _merge(handle, target, argument, cursor, options.get("let"))
    return (yield snapshot.rows(NO_STORE).aggregate([]))


def _out(handle: Handle, target: Target, argument: Any, cursor: Any) -> Operation[None]:
    """Write to a new collection and put it in the place of the old one, as the server does."""
    name = _into(argument)
    snapshot = yield from handle.snapshot()
    old = snapshot.record(target.space, name)
    options = {} if old is None else dict(old.options)
    staging = Target(target.space, f"tmp.agg_out.{ObjectId()}", target.codec)
    yield from ddl.create_collection(handle, staging.space, staging.name, options)
    try:
        if old is not None and old.indexes:
            from pymongo import IndexModel

            models = [IndexModel(index.key, name=index.name, **index.options) for index in old.indexes]
            yield from indexes.create_indexes(handle, staging, models)
        while True:
            page = yield cursor.to_list(_PAGE)
            if not page:
                break
            done = yield from insert_all(handle, staging, encode_documents(page, target.codec), ordered=True)
            if done.errors:
                raise_write_error(done.errors[0])
        yield from ddl.rename_collection(handle, target.space, staging.name, name, drop_target=True)
    except BaseException:
        yield from ddl.drop_collection(handle, staging.space, staging.name)
        raise


def _merge(
    handle: Handle, target: Target, argument: Any, cursor: Any, let: Mapping[str, Any] | None
) -> Operation[None]:
    spec: dict[str, Any] = {"into": argument} if isinstance(argument, str) else dict(argument)
    name = _into(spec.get("into"))
    on = spec.get("on", "_id")
    fields = [on] if isinstance(on, str) else list(on)
    matched: Any = spec.get("whenMatched", "merge")
    unmatched = spec.get("whenNotMatched", "insert")
    if unmatched not in ("insert", "discard", "fail"):
        raise command_error(
            {"code": 2, "codeName": "BadValue", "errmsg": f"whenNotMatched cannot be {unmatched!r}"}
        )
    if not isinstance(matched, list) and matched not in ("replace", "merge", "keepExisting", "fail"):
        raise command_error(
            {"code": 2, "codeName": "BadValue", "errmsg": f"whenMatched cannot be {matched!r}"}
        )
    into = Target(target.space, name, target.codec)
    snapshot = yield from handle.snapshot()
    if fields != ["_id"]:
        record = snapshot.record(target.space, name)
        unique = [] if record is None else [index for index in record.indexes if index.options.get("unique")]
        if not any({field for field, _ in index.key} == set(fields) for index in unique):
            raise command_error(
                {
                    "code": 51183,
                    "codeName": "Location51183",
                    "errmsg": "Cannot find index to verify that join fields will be unique",
                }
            )
    while True:
        page = yield cursor.to_list(_PAGE)
        if not page:
            return
        for document in page:
            yield from _merge_one(handle, into, document, fields, matched, unmatched, spec.get("let") or let)


def _merge_one(
    handle: Handle,
    into: Target,
    document: RawBSONDocument,
    fields: Sequence[str],
    matched: Any,
    unmatched: str,
    let: Mapping[str, Any] | None,
) -> Operation[None]:
    query: dict[str, Any] = {}
    for field in fields:
        value = _value(document, field)
        if value is None or isinstance(value, list):
            raise command_error(
                {
                    "code": 51132,
                    "codeName": "Location51132",
                    "errmsg": "$merge write error: 'on' field cannot be missing, null, undefined or an array",
                }
            )
        query[field] = {"$eq": value}
    if matched == "fail":
        [encoded] = encode_documents([document], into.codec)
        done = yield from insert_all(handle, into, [encoded], ordered=True)
        if done.errors:
            details = done.errors[0]
            raise DuplicateKeyError(
                f"PlanExecutor error during aggregation :: {details['errmsg']}", 11000, details
            )
        return
    change: Any
    if matched == "replace":
        change = [{"$replaceWith": {"$literal": document}}]
    elif matched == "merge":
        change = [{"$replaceWith": {"$mergeObjects": ["$$ROOT", {"$literal": document}]}}]
    elif matched == "keepExisting":
        change = [{"$replaceWith": "$$ROOT"}]
    else:
        change = matched
    variables = {"new": document, **(let or {})} if isinstance(matched, list) else None
    outcome = yield from update(handle, into, UpdateSpec(query, change, let=_literals(variables)))
    if outcome.matched:
        return
    if unmatched == "fail":
        raise OperationFailure(
            "PlanExecutor error during aggregation :: caused by :: $merge could not find a matching "
            "document in the target collection for at least one document in the source collection",
            13113,
            {"code": 13113, "codeName": "MergeStageNoMatchingDocument"},
        )
    if unmatched == "insert":
        [encoded] = encode_documents([document], into.codec)
        done = yield from insert_all(handle, into, [encoded], ordered=True)
        if done.errors:
            raise_write_error(done.errors[0])


def _literals(variables: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if variables is None:
        return None
    return {name: {"$literal": value} if name == "new" else value for name, value in variables.items()}


def _value(document: Any, path: str) -> Any:
    for part in path.split("."):
        document = document.get(part) if isinstance(document, Mapping) else None
    return document


def _into(argument: Any) -> str:
    if isinstance(argument, str):
        return argument
    if isinstance(argument, Mapping) and "coll" in argument:
        if "db" in argument:
            raise UnsupportedOperation(
                "a pipeline on a branch writes to the same branch: leave 'db' out, and copy to another "
                "project with 'argon export' and 'argon import'"
            )
        return str(argument["coll"])
    raise command_error(
        {"code": 16990, "codeName": "Location16990", "errmsg": "$out and $merge need a collection"}
    )
