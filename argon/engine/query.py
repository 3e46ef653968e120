"""Reading: a ``find`` on a logical collection becomes one on its rows.

Three ways, in this order of preference: ``find`` on rows with the filter,
sort and projection rewritten; an aggregation that unwraps the document first;
and ``find`` on scratch copies, for projections that exist nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bson import ObjectId
from bson.codec_options import CodecOptions
from pymongo.collation import validate_collation_or_none
from pymongo.errors import OperationFailure

from argon.engine.documents import plain_values
from argon.engine.errors import NEEDS_STORE, command_error, renamed
from argon.engine.snapshot import Snapshot
from argon.engine.source import NO_STORE, CollectionSource
from argon.engine.statistics import about_collection
from argon.io import Operation
from argon.models import CollectionRecord
from argon.rewrite.filter import equality_id, has_near, has_text, has_where, prefix_filter
from argon.rewrite.pipeline import rewrite_pipeline
from argon.rewrite.projection import Plan, Projection, prefix_projection
from argon.rewrite.sort import prefix_sort
from argon.rewrite.source import conjoin
from argon.versions.ids import id_key
from argon.versions.layout import ID_INDEX, Row
from argon.wal.transactions import patiently

if TYPE_CHECKING:
    from argon.engine.handle import Handle

_STORES = 64
_ABSENT: Any = []
_PLAIN_IDS = (ObjectId, str, int)
_ABOUT_SERVER = ("$currentOp", "$listLocalSessions")
_PASS_THROUGH = ("batch_size", "max_time_ms", "comment", "allow_disk_use", "no_cursor_timeout", "let")


@dataclass
class FindSpec:
    """What a cursor was asked for, in the user's terms.

    Attributes:
        filter: The query.
        projection: Fields, in any form that ``find`` takes.
        sort: Pairs of field and direction.
        skip: Documents to leave out.
        limit: Documents to return at most; 0 for all.
        hint: Index name, key or ``$natural``.
        collation: For comparisons of strings.
        options: The rest, which is passed on unchanged.
    """

    filter: Mapping[str, Any]
    projection: Any = None
    sort: list[tuple[str, Any]] | None = None
    skip: int = 0
    limit: int = 0
    hint: Any = None
    collation: Any = None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class Reader:
    """How a handle reads: the user's codec, read preference and read concern."""

    codec: CodecOptions[Any] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    _stores: dict[tuple[str, bool, bool], Any] = field(default_factory=dict)

    def store(self, snapshot: Snapshot, name: str) -> Any:
        """Return a store to read from; each is made once, since making one costs as much as a small query."""
        key = (name, snapshot.view.simple, snapshot.session is None)
        store = self._stores.get(key)
        if store is None:
            if len(self._stores) >= _STORES:
                self._stores.clear()
            store = self._stores[key] = snapshot.rows(name, self.codec, **self.options)
        return store


@dataclass
class Opened:
    """A physical cursor, and whether the documents are inside rows."""

    cursor: Any
    wrapped: bool


_WHOLE = prefix_projection(None)


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
    record = snapshot.record(space, name)
    if record is None:
        nothing = reader.store(snapshot, NO_STORE)
        return Opened(_unchanged(nothing, spec, snapshot.session), wrapped=False)
    projection = _WHOLE if spec.projection is None else prefix_projection(spec.projection)
    if record.kind == "collection" and projection.plan is not Plan.AGGREGATE:
        cursor = _on_rows(snapshot, record, spec, projection, reader)
        if cursor is not None:
            return Opened(cursor, wrapped=True)
    if projection.find_only and record.kind == "collection":
        return Opened((yield from _on_scratch(snapshot, record, spec, reader)), wrapped=False)
    stages = find_stages(spec)
    options = {
        key: value
        for key, value in spec.options.items()
        if key in ("max_time_ms", "comment", "let", "batch_size")
    }
    cursor = yield from aggregate(
        snapshot,
        record.space,
        record.name,
        stages,
        reader,
        {**_command_options(options), "collation": spec.collation, "hint": spec.hint, "allowDiskUse": True},
    )
    return Opened(cursor, wrapped=False)


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
        opened = yield from open_find(snapshot, space, name, spec, reader)
        batch: list[Any] = []
        yield opened.cursor._next_batch(batch)
        return opened, batch

    try:
        return (yield from patiently(handle.line.engine.world, attempt))
    except OperationFailure:
        # If it is the user's query that is wrong, say so in the user's terms.
        nothing = handle.line.engine.raw.get_collection(NO_STORE, codec_options=reader.codec)
        try:
            yield _unchanged(nothing, spec).to_list(1)
        except OperationFailure as other:
            if other.code not in NEEDS_STORE:
                raise
        raise


def find_stages(spec: FindSpec) -> list[dict[str, Any]]:
    """Write a find as the stages that mean the same."""
    stages: list[dict[str, Any]] = [{"$match": spec.filter}]
    if spec.sort:
        stages.append({"$sort": dict(spec.sort)})
    if spec.skip:
        stages.append({"$skip": spec.skip})
    if spec.limit:
        stages.append({"$limit": abs(spec.limit)})
    if spec.projection:
        stages.append({"$project": prefix_projection(spec.projection).document})
    return stages


def row_filter(
    source: CollectionSource, query: Mapping[str, Any], sort: Sequence[tuple[str, Any]] | None, *, seek: bool
) -> dict[str, Any] | None:
    """Combine a user's filter with visibility so that an index or the clustered order serves it.

    Args:
        source: The collection in its view.
        query: The user's filter.
        sort: The order asked for.
        seek: Whether an index is asked for anyway, by a hint.

    Returns:
        A filter on rows, or None if the filter cannot be rewritten, or if it
        takes a scan over several legs, which one ``find`` does badly.
    """
    if len(query) == 1 and isinstance(query.get("_id", _ABSENT), _PLAIN_IDS):
        # What is asked most of all, without a look at all that a filter can be.
        point = {"d._id": query["_id"]}
        clauses = [{**leg.seek, **point} for leg in source.legs]
        return clauses[0] if len(clauses) == 1 else {"$or": clauses}
    rewritten = prefix_filter(query)
    if rewritten is None:
        return None
    searches = has_text(query) or has_near(query)
    by_index = seek or searches or source.serves(query, sort)
    if len(source.legs) == 1:
        leg = source.legs[0]
        return conjoin(leg.seek if by_index else leg.scan, rewritten)
    if searches:
        # $text may stand in an $or only beside other text, $near in none; visibility is a sibling of it.
        return conjoin(source.match_all, rewritten)
    if not by_index and not has_where(query):
        return None
    # Inside each clause: otherwise the index is read over every version and branch of the key.
    return {"$or": [conjoin(leg.seek, rewritten) for leg in source.legs]}


def _on_rows(
    snapshot: Snapshot, record: CollectionRecord, spec: FindSpec, projection: Projection, reader: Reader
) -> Any:
    if projection.plan is not Plan.ROWS or any(key not in _PASS_THROUGH for key in spec.options):
        return None
    source = CollectionSource(snapshot.view, record)
    if projection.positional and len(source.legs) > 1:
        return None
    sort = None if not spec.sort else prefix_sort(spec.sort)
    natural = _natural(spec)
    if spec.sort and sort is None and natural is None:
        return None
    hint = physical_hint(record, spec.hint)
    where = row_filter(source, spec.filter, spec.sort, seek=hint is not None)
    if where is None:
        return None
    if natural is not None:
        sort, hint = None, {"$natural": natural}
    limit = spec.limit
    if limit == 0 and spec.skip == 0 and spec.collation is None and record.collation is None:
        # One document at most; a find would go on over the versions that came after it.
        limit = 1 if equality_id(spec.filter)[0] else 0
    return reader.store(snapshot, record.store).find(
        where,
        projection.rows,
        sort=sort,
        skip=spec.skip,
        limit=limit,
        hint=hint,
        collation=spec.collation,
        session=snapshot.session,
        **spec.options,
    )


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


def rows_by_id(snapshot: Snapshot, record: CollectionRecord, ids: Sequence[Any]) -> Operation[list[Row]]:
    """Read the visible rows of documents by ``_id``, in the order of the ids; missing ones are left out."""
    if not ids:
        return []
    rows = snapshot.rows(record.store)
    where = {"$or": [conjoin(leg.seek, {"d._id": {"$in": list(ids)}}) for leg in snapshot.view.legs]}
    if len(snapshot.view.legs) == 1:
        where = where["$or"][0]

    def read() -> Operation[list[Row]]:
        found: list[Row] = yield rows.find(where, session=snapshot.session).to_list(None)
        return found

    found = yield from patiently(snapshot.engine.world, read)
    order = {id_key(value): place for place, value in enumerate(ids)}
    return sorted(found, key=lambda row: order.get(id_key(row["d"]["_id"]), 0))


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
        about_server = bool(stages) and next(iter(stages[0]), "") in _ABOUT_SERVER
        target = snapshot.engine.client.admin if about_server else target.database

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


def physical_hint(record: CollectionRecord, hint: Any) -> Any:
    """Turn an index hint into that of the physical index.

    Returns:
        The physical index's name; the hint itself where it names no index,
        so that the server refuses it; None for no hint and for natural order.
    """
    if hint is None:
        return None
    keys = None if isinstance(hint, str) else list(hint.items() if isinstance(hint, Mapping) else hint)
    if keys is not None and keys and keys[0][0] == "$natural":
        return None
    if hint == "_id_" or keys == [("_id", 1)]:
        return ID_INDEX
    for index in record.indexes:
        if index.name == hint or (keys is not None and [tuple(key) for key in index.key] == keys):
            return index.physical
    return hint if isinstance(hint, str) else dict(keys or [])


def _natural(spec: FindSpec) -> int | None:
    if spec.sort and spec.sort[0][0] == "$natural":
        return int(spec.sort[0][1])
    hint = spec.hint
    if isinstance(hint, Mapping | list | tuple) and not isinstance(hint, str):
        keys = list(hint.items() if isinstance(hint, Mapping) else hint)
        if keys and keys[0][0] == "$natural":
            return int(keys[0][1])
    return None


def _unchanged(collection: Any, spec: FindSpec, session: Any = None) -> Any:
    return collection.find(
        spec.filter,
        spec.projection,
        sort=spec.sort,
        skip=spec.skip,
        limit=spec.limit,
        hint=None,
        collation=spec.collation,
        session=session,
        **spec.options,
    )


def _on_scratch(
    snapshot: Snapshot, record: CollectionRecord, spec: FindSpec, reader: Reader
) -> Operation[Any]:
    """Evaluate a projection that only ``find`` on documents can, page by page."""
    plain = FindSpec(
        spec.filter, None, spec.sort, spec.skip, spec.limit, spec.hint, spec.collation, spec.options
    )
    rows = yield from find_rows(snapshot, record, plain, reader.codec)
    documents: list[Any] = []
    for start in range(0, len(rows), 1000):
        page = [row["d"] for row in rows[start : start + 1000]]

        def body(scratch: Any, session: Any, page: list[Any] = page) -> Operation[list[Any]]:
            codec = reader.codec or scratch.codec_options
            copies = scratch.with_options(codec_options=codec)
            found: list[Any] = []
            for document in page:
                only = {"$and": [{"_id": document["_id"]}, spec.filter]}
                found += yield copies.find(
                    only, spec.projection, collation=spec.collation, session=session
                ).to_list(None)
            return found

        documents += yield from snapshot.engine.scratch.evaluate(record, page, body)
    return Materialized(documents)


class Materialized:
    """Documents that are at hand already, read as a cursor is."""

    def __init__(self, documents: list[Any]) -> None:
        self._documents = documents
        self._place = 0
        self.alive = True

    def _next_batch(self, result: list[Any], total: int | None = None) -> bool:
        """Hand over what is left, as PyMongo's cursors do batch by batch."""
        result += self.to_list(total)
        return bool(result)

    def to_list(self, length: int | None = None) -> list[Any]:
        """Return the next documents."""
        end = len(self._documents) if length is None else self._place + length
        taken = self._documents[self._place : end]
        self._place += len(taken)
        self.alive = self._place < len(self._documents)
        return taken

    def close(self) -> None:
        """Forget the rest."""
        self._documents, self.alive = [], False


def _command_options(options: Mapping[str, Any]) -> dict[str, Any]:
    names = {"max_time_ms": "maxTimeMS", "batch_size": "batchSize"}
    return {names.get(key, key): value for key, value in options.items()}
