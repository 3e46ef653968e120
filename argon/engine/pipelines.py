"""Aggregation: a pipeline on a logical collection becomes one on its rows, views included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.collation import validate_collation_or_none
from pymongo.errors import OperationFailure

from argon.engine.errors import NEEDS_STORE, command_error, renamed
from argon.engine.query import Reader, physical_hint
from argon.engine.snapshot import Snapshot
from argon.engine.source import NO_STORE, CollectionSource
from argon.engine.statistics import about_collection
from argon.io import Operation
from argon.models import CollectionRecord
from argon.rewrite.pipeline import SEARCH, operator_of, rewrite_pipeline
from argon.wal.transactions import patiently


def aggregate(
    snapshot: Snapshot,
    space: str,
    name: str | None,
    stages: Sequence[Mapping[str, Any]],
    reader: Reader,
    options: Mapping[str, Any],
) -> Operation[Any]:
    """Run a pipeline without a sink on a view.

    Args:
        snapshot: What to read.
        space: The namespace in which names are looked up.
        name: The collection; None for a pipeline on the database.
        stages: The user's pipeline.
        reader: How to read.
        options: Further options of the command.

    Returns:
        The physical cursor.
    """
    if stages and operator_of(stages[0]) in SEARCH:
        # A server without search indexes says so itself.
        yield snapshot.engine.plain[NO_STORE].aggregate(list(stages))
    store, pipeline = physical_pipeline(snapshot, space, name, stages)
    given = {key: value for key, value in options.items() if value is not None}
    hint = given.pop("hint", None)
    record = None if name is None else snapshot.record(space, name)
    if hint is not None:
        given["hint"] = hint if record is None else physical_hint(record, hint)
        if given["hint"] is None:
            del given["hint"]
    if record is not None and record.kind == "view":
        given["collation"] = _collation_of_view(record, given.get("collation"))
    target = snapshot.rows(store, reader.codec, **reader.options)
    if name is None:
        # A pipeline on the database begins with documents of its own, or asks about the server.
        target = target.database

    def start() -> Operation[Any]:
        return (yield target.aggregate(pipeline, session=snapshot.session, **given))

    try:
        return (yield from patiently(snapshot.engine.world, start))
    except OperationFailure as error:
        if name is None:
            raise
        # If it is the user's pipeline that is wrong, say so in the user's terms.
        nothing = snapshot.engine.raw.get_collection(NO_STORE, codec_options=reader.codec)
        unhinted = {key: value for key, value in given.items() if key != "hint"}
        try:
            yield nothing.aggregate(list(stages), **unhinted)
        except OperationFailure as other:
            if error.code == other.code or other.code not in NEEDS_STORE:
                raise renamed(other, nothing.full_name, snapshot.namespace(name)) from error
        raise renamed(error, f"{target.full_name}", snapshot.namespace(name)) from error


def physical_pipeline(
    snapshot: Snapshot, space: str, name: str | None, stages: Sequence[Mapping[str, Any]]
) -> tuple[str, list[dict[str, Any]]]:
    """Rewrite a pipeline onto rows.

    Returns:
        The store to run it on and the physical pipeline.
    """
    record, through = (None, []) if name is None else _behind_views(snapshot, space, name)
    stages = [*through, *about_collection(stages, record, snapshot.namespace(name or ""))]

    def resolve(other: str) -> CollectionSource:
        found, through = _behind_views(snapshot, space, other)
        return CollectionSource(snapshot.view, found, through)

    rewritten = rewrite_pipeline(
        stages,
        None if name is None else CollectionSource(snapshot.view, record),
        resolve,
        allow_union=snapshot.session is None,
        databases=snapshot.databases,
    )
    return rewritten.store or NO_STORE, rewritten.stages


def _collation_of_view(record: CollectionRecord, asked: Any) -> Any:
    """Return the collation that a view is read with, which nobody can change."""
    own = record.collation or {"locale": "simple"}
    wanted = validate_collation_or_none(asked) or {}
    if any(own.get(key) != value for key, value in wanted.items()):
        text = "Cannot override a view's default collation"
        raise command_error({"code": 167, "codeName": "OptionNotSupportedOnView", "errmsg": text})
    return own


def _behind_views(
    snapshot: Snapshot, space: str, name: str
) -> tuple[CollectionRecord | None, list[Mapping[str, Any]]]:
    """Follow views to the collection that they are made of; also return their pipelines, joined."""
    record = snapshot.record(space, name)
    stages: list[Mapping[str, Any]] = []
    seen: set[str] = set()
    while record is not None and record.kind == "view":
        if record.name in seen:
            raise OperationFailure(f"View cycle detected: {record.name}", 168)
        seen.add(record.name)
        stages = [*record.options.get("pipeline", []), *stages]
        record = snapshot.record(space, str(record.options["viewOn"]))
    return record, stages
