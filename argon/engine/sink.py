"""``$out`` and ``$merge``: what a pipeline writes goes through the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo import IndexModel
from pymongo.errors import OperationFailure, WriteError

from argon.engine import ddl, indexes
from argon.engine.cursors import resize
from argon.engine.documents import with_id
from argon.engine.errors import OF_AGGREGATE, command_error, renamed
from argon.engine.handle import Handle
from argon.engine.operations import encode_documents, insert_all, update
from argon.engine.pipelines import aggregate as aggregate_view
from argon.engine.prepare import Target
from argon.engine.query import Reader
from argon.engine.snapshot import Snapshot
from argon.engine.source import NO_STORE
from argon.engine.specs import UpdateSpec
from argon.errors import UnsupportedOperation
from argon.io import Operation

_PAGE = 1000
_NO_UNIQUE_INDEX = 51183
_IMMUTABLE = 66
_MERGE_ERROR = f"{OF_AGGREGATE}$merge write error: 'on' field"
_CHANGES_ID = (
    " :: caused by :: $merge failed to update the matching document, did you attempt to modify the _id "
    "or the shard key? :: caused by ::"
)


def is_sink(stage: Any) -> bool:
    """Whether a stage writes."""
    return isinstance(stage, Mapping) and len(stage) == 1 and next(iter(stage)) in ("$out", "$merge")


Source = Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any]], Operation[Any]]
"""Opens a cursor over raw documents, by stages and options."""


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
    handle.refuse_in_session(f"{next(iter(stages[-1]))} cannot be used in a transaction")
    snapshot = yield from handle.snapshot()
    raw_reader = Reader(target.codec.with_options(document_class=RawBSONDocument), reader.options)
    concern = reader.options.get("read_concern")
    if concern is not None and concern.level == "linearizable":
        raise _not_linearizable(next(iter(stages[-1])))

    def found(before: Sequence[Mapping[str, Any]], given: Mapping[str, Any]) -> Operation[Any]:
        return (yield from aggregate_view(snapshot, target.space, name, before, raw_reader, given))

    return (yield from write_found(handle, target, found, stages, options))


def write_found(
    handle: Handle,
    target: Target,
    source: Source,
    stages: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
) -> Operation[Any]:
    """Write what a pipeline finds anywhere to a collection of a branch, by its last stage.

    Args:
        handle: The branch.
        target: The space, and the codec.
        source: Runs the stages before the last.
        stages: The pipeline.
        options: Those of ``aggregate``.

    Returns:
        An empty cursor, as the server's.
    """
    *before, last = stages
    [(kind, argument)] = last.items()
    snapshot = yield from handle.snapshot()
    yield from snapshot.engine.rules.of(snapshot.branch.project_id)  # says which branch is the default one
    yield from _judge(snapshot, last)
    variables = argument.get("let") if kind == "$merge" and isinstance(argument, Mapping) else None
    if variables:
        # They are evaluated on each document that is to be merged.
        before.append({"$replaceWith": {"document": "$$ROOT", "variables": variables}})
    given = {key: value for key, value in options.items() if key != "bypassDocumentValidation"}
    try:
        cursor = yield from source(before, given)
    except OperationFailure:
        if kind == "$merge":
            # The server looks at each document as it comes: one that cannot be merged ends the pipeline
            # before a stage fails on a later one.
            for found in (yield from _until_it_fails(source(before, {**given, "batchSize": 1}))):
                document, fields = found["document"] if variables else found, _fields(argument)
                _query(with_id(document) if "_id" in fields else document, fields)
        raise
    if kind == "$out":
        yield from _out(handle, target, _into(argument, snapshot), cursor)
    else:
        yield from _merge(handle, target, argument, cursor, wrapped=bool(variables))
    return (yield snapshot.rows(NO_STORE).aggregate([]))


def _not_linearizable(stage: str) -> OperationFailure:
    concern = '{ readConcern: { level: "linearizable", provenance: "clientSupplied" } }'
    text = (
        f"Command aggregate does not support {concern} :: caused by :: {stage} cannot be used with a "
        "'linearizable' read concern level"
    )
    return command_error({"code": 72, "codeName": "InvalidOptions", "errmsg": text})


def _until_it_fails(opening: Operation[Any]) -> Operation[list[Any]]:
    """Return what a pipeline gives before one of its stages fails."""
    found: list[Any] = []
    try:
        cursor = yield from opening
        resize(cursor, 1)
        while page := (yield cursor.to_list(1)):
            found += page
    except OperationFailure:
        pass
    return found


def _judge(snapshot: Snapshot, stage: Mapping[str, Any]) -> Operation[None]:
    """Let the server look at the stage, which it does when it explains it, without running it."""
    database = snapshot.engine.plain
    command = {"aggregate": NO_STORE, "pipeline": [stage], "cursor": {}}
    try:
        yield database.command({"explain": command, "verbosity": "queryPlanner"})
    except OperationFailure as error:
        # Which indexes there are, only the branch knows.
        if error.code != _NO_UNIQUE_INDEX:
            raise renamed(error, f"{database.name}.", snapshot.namespace("")) from error


def _out(handle: Handle, target: Target, name: str, cursor: Any) -> Operation[None]:
    """Write to a new collection and put it in the place of the old one, as the server does."""
    snapshot = yield from handle.snapshot()
    old = snapshot.record(target.space, name)
    options = {} if old is None else dict(old.options)
    staging = Target(target.space, f"tmp.agg_out.{ObjectId()}", target.codec)
    yield from ddl.create_collection(handle, staging.space, staging.name, options)
    try:
        if old is not None and old.indexes:
            models = [IndexModel(index.key, name=index.name, **index.options) for index in old.indexes]
            yield from indexes.create_indexes(handle, staging, models)
        while True:
            page = yield cursor.to_list(_PAGE)
            if not page:
                break
            done = yield from insert_all(handle, staging, encode_documents(page, target.codec), ordered=True)
            if done.errors:
                raise _command_form(done.errors[0])
        yield from ddl.rename_collection(handle, target.space, staging.name, name, drop_target=True)
    except BaseException:
        yield from ddl.drop_collection(handle, staging.space, staging.name)
        raise


def _merge(handle: Handle, target: Target, argument: Any, cursor: Any, *, wrapped: bool) -> Operation[None]:
    snapshot = yield from handle.snapshot()
    spec: dict[str, Any] = {"into": argument} if isinstance(argument, str) else dict(argument)
    name = _into(spec["into"], snapshot)
    fields = _fields(argument)
    matched: Any = spec.get("whenMatched", "merge")
    unmatched = spec.get("whenNotMatched", "insert")
    into = Target(target.space, name, target.codec)
    if fields != ["_id"]:
        record = snapshot.record(target.space, name)
        unique = [] if record is None else [index for index in record.indexes if index.options.get("unique")]
        if not any({field for field, _ in index.key} == set(fields) for index in unique):
            raise command_error(
                {
                    "code": _NO_UNIQUE_INDEX,
                    "codeName": f"Location{_NO_UNIQUE_INDEX}",
                    "errmsg": "Cannot find index to verify that join fields will be unique",
                }
            )
    while True:
        page = yield cursor.to_list(_PAGE)
        if not page:
            return
        for found in page:
            document, variables = (found["document"], found["variables"]) if wrapped else (found, {})
            document = with_id(document) if "_id" in fields else document
            try:
                yield from _merge_one(handle, into, document, fields, matched, unmatched, variables)
            except WriteError as error:
                raise _command_form(dict(error.details or {})) from error


def _fields(argument: Any) -> list[str]:
    """Return the fields by which ``$merge`` finds what is there."""
    on = "_id" if isinstance(argument, str) else argument.get("on", "_id")
    return [on] if isinstance(on, str) else list(on)


def _merge_one(
    handle: Handle,
    into: Target,
    document: RawBSONDocument,
    fields: Sequence[str],
    matched: Any,
    unmatched: str,
    variables: Mapping[str, Any],
) -> Operation[None]:
    if matched != "fail":
        query = _query(document, fields)
        change, insert = _change(matched, document)
        let = None
        if isinstance(matched, list):
            let = {name: {"$literal": value} for name, value in {"new": document, **variables}.items()}
        upsert = unmatched == "insert" and insert is None
        outcome = yield from update(handle, into, UpdateSpec(query, change, upsert=upsert, let=let))
        if outcome.matched or outcome.upserted or unmatched == "discard":
            return
    if unmatched == "fail":
        text = (
            f"{OF_AGGREGATE}$merge could not find a matching document in the target collection "
            "for at least one document in the source collection"
        )
        details = {"code": 13113, "codeName": "MergeStageNoMatchingDocument", "errmsg": text}
        raise command_error(details)
    [encoded] = encode_documents([document], into.codec)
    done = yield from insert_all(handle, into, [encoded], ordered=True)
    if done.errors:
        raise _command_form(done.errors[0])


def _change(matched: Any, document: RawBSONDocument) -> tuple[Any, RawBSONDocument | None]:
    """Return the update of a document that is there, and what is inserted where none is.

    None in the second place stands for an upsert of the same update.
    """
    if isinstance(matched, list):
        return matched, document
    if matched == "replace":
        return document, None
    return {"$setOnInsert" if matched == "keepExisting" else "$set": document}, None


def _query(document: Any, fields: Sequence[str]) -> dict[str, Any]:
    query: dict[str, Any] = {}
    for field in fields:
        value: Any = document
        for part in field.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, list):
            text = f"{_MERGE_ERROR} '{field}' is an array"
            raise command_error({"code": 51185, "codeName": "Location51185", "errmsg": text})
        if value is None:
            text = f"{_MERGE_ERROR} '{field}' cannot be missing, null, undefined or an array"
            raise command_error({"code": 51132, "codeName": "Location51132", "errmsg": text})
        query[field] = {"$eq": value}
    return query


def _command_form(details: Mapping[str, Any]) -> OperationFailure:
    """Build the error of the whole command from that of one write."""
    text = f"{OF_AGGREGATE}{details.get('errmsg')}"
    if details.get("code") == _IMMUTABLE:
        text = text.replace(" :: caused by ::", _CHANGES_ID, 1)
    return command_error({**{k: v for k, v in details.items() if k != "index"}, "errmsg": text})


def _into(argument: Any, snapshot: Snapshot) -> str:
    if isinstance(argument, str):
        return argument
    if "db" in argument and argument["db"] not in snapshot.databases:
        names = " or ".join(map(repr, sorted(snapshot.databases)))
        raise UnsupportedOperation(
            f"a pipeline on a branch writes to the same branch ({names}), not to {argument['db']!r}: leave "
            "'db' out, and copy to another branch with a merge, or with 'argon export' and 'argon import'"
        )
    return str(argument["coll"])
