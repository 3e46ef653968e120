"""Reading: a ``find`` on a logical collection becomes one on its rows.

Three ways, in this order of preference: ``find`` on rows with the filter,
sort and projection rewritten; an aggregation that unwraps the document first;
and ``find`` on scratch copies, for projections that exist nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bson.codec_options import CodecOptions
from pymongo.errors import OperationFailure

from argon.engine.client_timeout import in_time
from argon.engine.cursors import Materialized, first_batch, next_batch, readable, resize
from argon.engine.documents import plain_values
from argon.engine.entries import entries
from argon.engine.errors import NEEDS_STORE, OF_FIND, executing
from argon.engine.pipelines import aggregate
from argon.engine.query import (
    FindSpec,
    Reader,
    command_options,
    find_stages,
    physical_bounds,
    physical_hint,
)
from argon.engine.row_find import BESIDE, BOUNDS, on_rows
from argon.engine.snapshot import Snapshot
from argon.engine.source import NO_STORE, CollectionSource
from argon.engine.visible import row_filter, rows_by_id
from argon.errors import UnsupportedOperation
from argon.io import Operation
from argon.models import CollectionRecord
from argon.rewrite.filter import equality_id, has_near, has_where
from argon.rewrite.projection import Plan, is_positional, prefix_projection
from argon.rewrite.sort import prefix_sort
from argon.versions.layout import Row
from argon.wal.transactions import patiently
from argon.wire.finds import Find

if TYPE_CHECKING:
    from argon.engine.handle import Handle

_WHOLE = prefix_projection(None)


@dataclass
class Opened:
    """A physical cursor, and whether the documents are inside rows."""

    cursor: Any
    wrapped: bool


def open_find(snapshot: Snapshot, space: str, name: str, spec: FindSpec, reader: Reader) -> Operation[Opened]:
    """Open the physical cursor for a find.

    Args:
        snapshot: What to read.
        space: The collection's namespace.
        name: The collection.
        spec: What was asked for.
        reader: How.

    Returns:
        A cursor that has not been read from.
    """
    planned = yield from _plan(snapshot, space, name, spec, reader)
    return Opened(planned.cursor(), wrapped=True) if isinstance(planned, Find) else planned


def _plan(
    snapshot: Snapshot, space: str, name: str, spec: FindSpec, reader: Reader
) -> Operation[Find | Opened]:
    """Return the find on rows, not sent yet, or the cursor of another way."""
    record = snapshot.record(space, name)
    bounds = physical_bounds(spec)
    if record is None:
        nothing = reader.store(snapshot, NO_STORE)
        return Opened(_unchanged(nothing, spec, snapshot.session), wrapped=False)
    shown = None if "return_key" in spec.options else spec.projection  # which the server leaves aside then
    projection = _WHOLE if shown is None else prefix_projection(shown)
    if record.kind == "collection" and projection.plan is not Plan.AGGREGATE:
        find = on_rows(snapshot, record, spec, projection, reader, bounds)
        if find is not None and not BESIDE.isdisjoint(spec.options):
            return Opened(Materialized(entries((yield find.cursor().to_list(None)), reader)), wrapped=False)
        if find is not None:
            return find
    if bounds or not BESIDE.isdisjoint(spec.options):
        raise UnsupportedOperation(
            "min, max, return_key and show_record_id are about entries of an index, which this query does "
            "not read alone: use $gte and $lt, and a projection"
        )
    # An aggregation knows neither these projections nor these filters.
    computed = projection.plan is Plan.AGGREGATE
    finds = projection.find_only or (computed and (has_where(spec.filter) or has_near(spec.filter)))
    if finds and record.kind == "collection":
        return Opened((yield from _on_scratch(snapshot, record, spec, reader)), wrapped=False)
    stages = find_stages(spec)
    options = {
        key: value
        for key, value in spec.options.items()
        if key in ("max_time_ms", "comment", "let", "batch_size", "allow_disk_use")
    }
    given = {
        "allowDiskUse": True,  # as a find may
        **command_options(options),
        "collation": spec.collation,
        "hint": spec.hint,
    }
    try:
        cursor = yield from aggregate(snapshot, record.space, record.name, stages, reader, given)
    except OperationFailure as error:
        if record.kind == "view":  # of which the server makes an aggregation too
            raise
        raise executing(error, OF_FIND) from error
    # A cursor of an aggregation has another size after the first reply.
    resize(cursor, spec.options.get("batch_size"))
    return Opened(cursor, wrapped=False)


@in_time
def find_one(handle: Handle, space: str, name: str, spec: FindSpec, reader: Reader) -> Operation[Any]:
    """Return the first document that a filter matches, or None.

    Args:
        handle: The branch and the moment.
        space: The collection's namespace.
        name: The collection.
        spec: What was asked for; its limit is -1, which leaves no cursor open.
        reader: How.
    """
    opened, batch = yield from read_first(handle, space, name, spec, reader)
    if not batch:
        return None
    return batch[0]["d"] if opened.wrapped else batch[0]


@in_time
def read_first(
    handle: Handle, space: str, name: str, spec: FindSpec, reader: Reader
) -> Operation[tuple[Opened, list[Any]]]:
    """Open the physical cursor for a find and read its first batch.

    Args:
        handle: The branch and the moment.
        space: The collection's namespace.
        name: The collection.
        spec: What was asked for.
        reader: How.
    """

    def attempt() -> Operation[tuple[Opened, list[Any]]]:
        snapshot = yield from handle.snapshot()
        planned = yield from _plan(snapshot, space, name, spec, reader)
        if not isinstance(planned, Find):
            return planned, (yield from next_batch(planned.cursor))
        cursor, batch = yield from first_batch(planned)
        return Opened(cursor, wrapped=True), batch

    try:
        return (yield from patiently(handle.line.engine.world, attempt))
    except OperationFailure:
        # If it is the user's query that is wrong, say so in the user's terms.
        nothing = handle.line.engine.raw.get_collection(NO_STORE, codec_options=reader.codec)
        try:
            yield _unchanged(nothing, spec).to_list(1)
        except OperationFailure as other:
            if other.code not in NEEDS_STORE:
                raise readable(other) from other
        raise


def find_rows(
    snapshot: Snapshot, record: CollectionRecord, spec: FindSpec, codec: CodecOptions[Any] | None = None
) -> Operation[list[Row]]:
    """Read the rows, not only the documents, that a filter matches.

    Args:
        snapshot: What to read.
        record: The collection.
        spec: Filter, sort, skip, limit, hint and collation; the projection is not looked at.
        codec: Encodes the user's own types in the filter.

    Returns:
        Raw rows, in the order asked for.
    """
    source = CollectionSource(snapshot.view, record)
    rows = snapshot.rows(record.store)
    if codec is not None:
        spec = replace(spec, filter=plain_values(spec.filter, codec))
    hint = physical_hint(record, spec.hint)
    where = row_filter(source, spec.filter, spec.sort, seek=hint is not None)
    sort = prefix_sort(spec.sort) if spec.sort else None
    options = {key: value for key, value in spec.options.items() if key in ("max_time_ms", "comment", "let")}
    if where is not None and (not spec.sort or sort is not None):
        limit = spec.limit or (
            1 if spec.collation is None and record.collation is None and equality_id(spec.filter)[0] else 0
        )

        def read() -> Operation[list[Row]]:
            found: list[Row] = yield rows.find(
                where,
                sort=sort,
                skip=spec.skip,
                limit=limit,
                hint=hint,
                collation=spec.collation,
                session=snapshot.session,
                **options,
            ).to_list(None)
            return found

        return (yield from patiently(snapshot.engine.world, read))
    # Ask for the ids by whatever way answers, then for their rows.
    ids_spec = FindSpec(
        spec.filter, {"_id": 1}, spec.sort, spec.skip, spec.limit, spec.hint, spec.collation, options
    )
    opened = yield from open_find(snapshot, record.space, record.name, ids_spec, Reader(rows.codec_options))
    documents = yield opened.cursor.to_list(None)
    ids = [(document["d"] if opened.wrapped else document)["_id"] for document in documents]
    return (yield from rows_by_id(snapshot, record, ids))


def _unchanged(collection: Any, spec: FindSpec, session: Any = None) -> Any:
    options = {key: value for key, value in spec.options.items() if key not in BOUNDS}
    return collection.find(
        spec.filter,
        spec.projection,
        sort=spec.sort,
        skip=spec.skip,
        limit=spec.limit,
        hint=None,
        collation=spec.collation,
        session=session,
        **options,
    )


def _on_scratch(
    snapshot: Snapshot, record: CollectionRecord, spec: FindSpec, reader: Reader
) -> Operation[Any]:
    """Evaluate a projection that only ``find`` on documents can, page by page."""
    plain = FindSpec(
        spec.filter, None, spec.sort, spec.skip, spec.limit, spec.hint, spec.collation, spec.options
    )
    rows = yield from find_rows(snapshot, record, plain, reader.codec)
    if not rows:
        # The server looks at the projection also where it finds nothing.
        nothing = yield from snapshot.engine.scratch.nothing(record)
        yield nothing.find({}, spec.projection).to_list(1)
    positional = is_positional(spec.projection)
    # A collation may find one copy by the id of another.
    size = 1000 if spec.collation is None else 1
    documents: list[Any] = []
    for start in range(0, len(rows), size):
        page = [row["d"] for row in rows[start : start + size]]

        def body(scratch: Any, session: Any, page: list[Any] = page) -> Operation[list[Any]]:
            codec = reader.codec or scratch.codec_options
            copies = scratch.with_options(codec_options=codec)
            found: list[Any] = []
            for document in page:
                # A filter may use what a scratch collection has not.
                one = {"_id": {"$eq": document["_id"]}}
                only = {"$and": [one, spec.filter]} if positional else one
                found += yield copies.find(
                    only, spec.projection, collation=spec.collation, session=session
                ).to_list(None)
            return found

        documents += yield from snapshot.engine.scratch.evaluate(record, page, body)
    return Materialized(documents)
