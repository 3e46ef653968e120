"""Reading operations other than ``find``: aggregate, count, distinct, explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pymongo.errors import OperationFailure

from argon.engine import sink
from argon.engine.client_timeout import in_time
from argon.engine.cursors import explain
from argon.engine.explained import in_logical_names
from argon.engine.find import open_find
from argon.engine.handle import Handle
from argon.engine.pipelines import aggregate as aggregate_view
from argon.engine.pipelines import physical_pipeline
from argon.engine.prepare import Target
from argon.engine.query import FindSpec, Reader, find_stages, physical_hint
from argon.engine.snapshot import Snapshot
from argon.engine.source import NO_STORE, CollectionSource
from argon.engine.visible import row_filter
from argon.io import Operation
from argon.rewrite.filter import prefix_filter
from argon.rewrite.paths import is_ordinary_path, prefix_path
from argon.rewrite.source import conjoin

if TYPE_CHECKING:
    from argon.engine.engine import Engine


@in_time
def aggregate(
    handle: Handle,
    target: Target,
    name: str | None,
    pipeline: Sequence[Mapping[str, Any]],
    reader: Reader,
    options: Mapping[str, Any],
) -> Operation[Any]:
    """Run a pipeline; a final ``$out`` or ``$merge`` goes through the log.

    Returns:
        The physical cursor.
    """
    stages = list(pipeline) if isinstance(pipeline, list | tuple) else pipeline
    if isinstance(stages, list) and stages and sink.is_sink(stages[-1]):
        yield from handle.admit_writes()
        return (yield from sink.write_out(handle, target, name, stages, reader, options))
    snapshot = yield from handle.snapshot()
    return (yield from aggregate_view(snapshot, target.space, name, stages, reader, options))


@in_time
def count_documents(
    handle: Handle, target: Target, query: Mapping[str, Any], reader: Reader, options: Mapping[str, Any]
) -> Operation[int]:
    """Count the documents that match."""
    given = dict(options)
    stages: list[dict[str, Any]] = [{"$match": query}]
    for option in ("skip", "limit"):
        value = given.pop(option, None)
        if value is not None:
            stages.append({f"${option}": value})
    stages.append({"$group": {"_id": 1, "n": {"$sum": 1}}})
    snapshot = yield from handle.snapshot()
    cursor = yield from aggregate_view(snapshot, target.space, target.name, stages, reader, given)
    found = yield cursor.to_list(1)
    return int(found[0]["n"]) if found else 0


@in_time
def distinct(
    handle: Handle,
    target: Target,
    key: str,
    query: Mapping[str, Any],
    reader: Reader,
    options: Mapping[str, Any],
) -> Operation[list[Any]]:
    """Return the distinct values of a field."""
    snapshot = yield from handle.snapshot()
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return (yield from _distinct(snapshot, target, key, query, reader, given))
    except OperationFailure:
        # If it is the user's question that is wrong, say so in the user's terms.
        nothing = snapshot.engine.raw.get_collection(NO_STORE, codec_options=reader.codec)
        yield nothing.distinct(key, query, **given)
        raise


def _distinct(
    snapshot: Snapshot,
    target: Target,
    key: str,
    query: Mapping[str, Any],
    reader: Reader,
    given: dict[str, Any],
) -> Operation[list[Any]]:
    record = snapshot.record(target.space, target.name)
    if record is None:
        empty = snapshot.rows(NO_STORE, reader.codec, **reader.options)
        values: list[Any] = yield empty.distinct(key, query, session=snapshot.session, **given)
        return values
    if record.kind == "view":
        return (yield from _distinct_in_view(snapshot, target, key, query, reader, given))
    rows = snapshot.rows(record.store, reader.codec, **reader.options)
    where = None
    if is_ordinary_path(key):
        source = CollectionSource(snapshot.view, record)
        where = row_filter(source, query, None, seek="hint" in given)
        if where is None:
            rewritten = prefix_filter(query)
            where = None if rewritten is None else conjoin(source.match_all, rewritten)
    if where is None:
        stages: list[dict[str, Any]] = [{"$match": query}, {"$project": {"_id": 1}}]
        cursor = yield from aggregate_view(snapshot, target.space, target.name, stages, reader, {})
        ids = [document["_id"] for document in (yield cursor.to_list(None))]
        where = {"$and": [snapshot.view.match_all, {"d._id": {"$in": ids}}]}
    if "hint" in given:
        given = {**given, "hint": physical_hint(record, given["hint"])}
    values = yield rows.distinct(prefix_path(key), where, session=snapshot.session, **given)
    return values


def _distinct_in_view(
    snapshot: Snapshot,
    target: Target,
    key: str,
    query: Mapping[str, Any],
    reader: Reader,
    given: dict[str, Any],
) -> Operation[list[Any]]:
    """Do as the server does for views: unwind the arrays on the way to the field, and gather its values."""
    parts = key.split(".") if isinstance(key, str) else []
    stages: list[dict[str, Any]] = [{"$match": query}]
    for depth in range(1, len(parts) + 1):
        path = "$" + ".".join(parts[:depth])
        stages.append({"$unwind": {"path": path, "preserveNullAndEmptyArrays": True}})
    stages.append({"$match": {key: {"$exists": True}}})
    stages.append({"$group": {"_id": None, "values": {"$addToSet": f"${key}"}}})
    cursor = yield from aggregate_view(snapshot, target.space, target.name, stages, reader, given)
    found = yield cursor.to_list(1)
    return list(found[0]["values"]) if found else []


def explain_find(
    handle: Handle, target: Target, spec: FindSpec, reader: Reader, database: str
) -> Operation[Any]:
    """Explain a find.

    Args:
        handle: The branch and the moment.
        target: The collection.
        spec: What is looked for.
        reader: How it would be read.
        database: The name that the branch has as a database.
    """
    snapshot = yield from handle.snapshot()
    opened = yield from open_find(snapshot, target.space, target.name, spec, reader)
    plan = yield from explain(opened.cursor)
    if plan is None:
        plan = as_of_find((yield from explain_stages(snapshot, target.space, target.name, find_stages(spec))))
    return in_logical_names(plan, snapshot, target.space, target.name, database)


def explain_stages(
    snapshot: Snapshot, space: str, name: str | None, stages: Any, verbosity: Any = "allPlansExecution"
) -> Operation[Any]:
    """Let the server explain the physical form of a pipeline.

    Args:
        snapshot: What would be read.
        space: The namespace of the collection.
        name: The collection; None for a pipeline over none.
        stages: The user's pipeline.
        verbosity: As ``explain`` takes it.
    """
    store, physical = physical_pipeline(snapshot, space, name, stages)
    inner: dict[str, Any] = {
        "aggregate": store if name is not None else 1,
        "pipeline": physical,
        "cursor": {},
    }
    return (yield snapshot.engine.plain.command({"explain": inner, "verbosity": verbosity}))


def as_of_find(plan: dict[str, Any]) -> dict[str, Any]:
    """Put the plan of an aggregation's cursor where that of a find is looked for.

    Args:
        plan: What the server explains of an aggregation.
    """
    first = (plan.get("stages") or [{}])[0]
    cursor: dict[str, Any] = first.get("$cursor", {})
    return {**cursor, **plan}


@in_time
def list_collections(
    handle: Handle, space: str, query: Mapping[str, Any] | None
) -> Operation[list[dict[str, Any]]]:
    """Describe the collections of a space as the server does.

    Args:
        handle: The branch and the moment.
        space: The namespace.
        query: A filter on the descriptions.
    """
    snapshot = yield from handle.snapshot()
    described: list[dict[str, Any]] = []
    for record in snapshot.catalog.records(space):
        info: dict[str, Any] = {"name": record.name, "type": record.kind, "options": dict(record.options)}
        info["info"] = {"readOnly": handle.past or record.kind == "view"}
        if record.kind == "collection":
            info["info"]["uuid"] = record.uuid
        if record.kind == "collection" and record.clustered is None:
            info["idIndex"] = record.id_index
        described.append(info)
    return (yield from matching(snapshot.engine, described, query))


def matching(
    engine: Engine, described: list[dict[str, Any]], query: Mapping[str, Any] | None
) -> Operation[list[dict[str, Any]]]:
    """Return those of some descriptions that a filter admits; the server decides.

    Args:
        engine: The engine.
        described: Documents with a ``name``.
        query: The filter; none admits all.

    Raises:
        OperationFailure: It is no filter.
    """
    if not query or not described:
        return described
    if set(query) == {"name"} and isinstance(query["name"], str):
        return [info for info in described if info["name"] == query["name"]]
    documents = [{"$literal": info} for info in described]
    cursor = yield engine.plain.aggregate([{"$documents": documents}, {"$match": query}])
    found: list[dict[str, Any]] = yield cursor.to_list(None)
    return found
