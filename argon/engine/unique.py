"""Unique indexes hold over a branch's own and its inherited documents together.

They are checked inside the commit's transaction, after its rows are written
and before they can be seen. Since the log lets one commit at a time follow a
head, what the check sees cannot change before the commit lands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bson.max_key import MaxKey
from pymongo.errors import DuplicateKeyError

from argon.engine.errors import DUPLICATE_KEY, duplicate_key
from argon.engine.snapshot import Snapshot
from argon.io import Operation
from argon.models import CollectionRecord, IndexRecord
from argon.rewrite.filter import prefix_filter
from argon.rewrite.source import conjoin
from argon.versions.ids import id_key
from argon.wal.change import Change, Check

_PAGE = 200


class _Undefined:
    """The key of an empty array, which is no other key, null least of all."""

    def __str__(self) -> str:
        return "undefined"


_UNDEFINED = _Undefined()


def all_checks(checks: Iterable[Check | None]) -> Check | None:
    """Make one check of several; None where there are none."""
    found = [check for check in checks if check is not None]
    if not found:
        return None

    def check_all(session: Any) -> Operation[None]:
        for check in found:
            yield from check(session)

    return check_all


def unique_check(snapshot: Snapshot, record: CollectionRecord, changes: Sequence[Change]) -> Check | None:
    """Return the check of a collection's unique indexes after some changes.

    Args:
        snapshot: The head that the changes were planned on.
        record: The collection.
        changes: The changes to its documents.

    Returns:
        The check to run in the transaction, or None if there is nothing to check.
    """
    indexes = [index for index in record.indexes if index.options.get("unique")]
    if not indexes or not changes:
        return None

    def check(session: Any) -> Operation[None]:
        for index in indexes:
            concerned = [change for change in changes if _concerns(change, index)]
            for start in range(0, len(concerned), _PAGE):
                yield from _check_index(snapshot, record, index, concerned[start : start + _PAGE], session)

    return check


def _concerns(change: Change, index: IndexRecord) -> bool:
    if change.after is None or change.noop:
        return False
    if change.before is None:
        return True
    if index.options.get("partialFilterExpression"):
        return True
    before = list(index_keys(change.before["d"], index.key))
    return list(index_keys(change.after, index.key)) != before


def _check_index(
    snapshot: Snapshot, record: CollectionRecord, index: IndexRecord, changes: Sequence[Change], session: Any
) -> Operation[None]:
    wanted = [(change, key) for change in changes for key in index_keys(change.after or {}, index.key)]
    if index.options.get("collation") is None and record.collation is None:
        yield from _check_keys(snapshot, record, index, wanted, session)
        return
    # Which keys are equal only the server knows here, so each is asked for on its own.
    for pair in wanted:
        yield from _check_keys(snapshot, record, index, [pair], session, by_server=True)


def _check_keys(
    snapshot: Snapshot,
    record: CollectionRecord,
    index: IndexRecord,
    wanted: Sequence[tuple[Change, tuple[Any, ...]]],
    session: Any,
    *,
    by_server: bool = False,
) -> Operation[None]:
    rows: list[Any] = []
    plain = [key for _, key in wanted if by_server or not _hides(index, key)]
    if plain:
        rows = yield from _rows_with(snapshot, record, index, plain, session)
    for _, key in wanted:
        if not by_server and _hides(index, key):
            rows += yield from _rows_at(snapshot, record, index, key, session)
    holders: dict[Any, set[Any]] = {}
    for row in rows:
        identity = id_key(row["d"]["_id"])
        for key in index_keys(row["d"], index.key):
            holders.setdefault(None if by_server else id_key(list(key)), set()).add(identity)
    for change, key in wanted:
        having = holders.get(None if by_server else id_key(list(key)), set())
        if len(having) > 1 and id_key(change.document_id) in having:
            raise (yield from _violation(snapshot, record, index, key))


def _rows_with(
    snapshot: Snapshot,
    record: CollectionRecord,
    index: IndexRecord,
    wanted: Sequence[tuple[Any, ...]],
    session: Any,
) -> Operation[list[Any]]:
    """Find the visible rows that may have one of some keys."""
    fields = [f"d.{field}" for field, _ in index.key]
    if len(fields) == 1:
        keys: dict[str, Any] = {fields[0]: {"$in": [_sought(key[0]) for key in wanted]}}
    else:
        keys = {
            "$or": [
                {"$and": [{field: {"$eq": _sought(value)}} for field, value in zip(fields, key, strict=True)]}
                for key in wanted
            ]
        }
    where = {"$or": [{"$and": [leg.seek, keys, *_members(index)]} for leg in snapshot.view.legs]}
    cursor = snapshot.engine.raw[record.store].find(
        where, {"d": 1, "_id": 0}, collation=index.options.get("collation"), session=session
    )
    rows: list[Any] = yield cursor.to_list(None)
    return rows


def _hides(index: IndexRecord, key: tuple[Any, ...]) -> bool:
    """Whether documents may have a key and no filter on its fields that finds them.

    ``{"a.b": None}`` does not match ``{"a": []}``, whose key is null all the same.
    """
    nulls = any(value is None and "." in field for value, (field, _) in zip(key, index.key, strict=True))
    return nulls and _UNDEFINED not in key


def _rows_at(
    snapshot: Snapshot, record: CollectionRecord, index: IndexRecord, key: tuple[Any, ...], session: Any
) -> Operation[list[Any]]:
    """Read the visible rows that have a key straight from the physical index."""
    rows: list[Any] = []
    values = [(f"d.{field}", value) for value, (field, _) in zip(key, index.key, strict=True)]
    for leg in snapshot.view.legs:
        until = leg.seek["_id.t"]
        first = until["$gt"] if isinstance(until, Mapping) else until
        bounds = [*values, ("_id.b", leg.seek["_id.b"])]
        cursor = snapshot.engine.raw[record.store].find(
            {"$and": [leg.seek, *_members(index)]},
            {"d": 1, "_id": 0},
            hint=index.physical,
            min=dict([*bounds, ("_id.t", first)]),
            max=dict([*bounds, ("_id.t", MaxKey())]),
            session=session,
        )
        rows += yield cursor.to_list(None)
    return rows


def _sought(value: Any) -> Any:
    """Return what finds the documents that may have a key."""
    return [] if value is _UNDEFINED else value


def _members(index: IndexRecord) -> list[dict[str, Any]]:
    """Return the conditions under which a document is in the index at all."""
    conditions: list[dict[str, Any]] = []
    partial = index.options.get("partialFilterExpression")
    if partial:
        conditions.append(prefix_filter(partial) or {})
    if index.options.get("sparse"):
        present = [{f"d.{field}": {"$exists": True}} for field, _ in index.key]
        conditions.append(conjoin({"$or": present}))
    return conditions


def index_keys(document: Mapping[str, Any], fields: Sequence[tuple[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield the keys that a document has in an index.

    A missing field counts as null, and an array stands for each of its
    elements; see "Multikey Indexes" in the MongoDB manual.

    Args:
        document: The document.
        fields: The index's key.
    """
    columns = [_values(document, field.split(".")) for field, _ in fields]
    longest = max(len(column) for column in columns)
    seen: set[Any] = set()
    for place in range(longest):
        # At most one field of a compound index holds an array.
        key = tuple(column[place] if len(column) > 1 else column[0] for column in columns if column)
        marker = id_key(list(key))
        if marker not in seen:
            seen.add(marker)
            yield key


def _values(value: Any, path: Sequence[str]) -> list[Any]:
    if not path:
        if isinstance(value, list):
            return list(value) or [_UNDEFINED]
        return [value]
    name, rest = path[0], path[1:]
    if isinstance(value, Mapping):
        return _values(value[name], rest) if name in value else [None]
    if isinstance(value, list):
        if name.isdigit():
            return _values(value[int(name)], rest) if int(name) < len(value) else [None]
        # An element that is no document has no such field; an array in an array is no document.
        found = [
            item
            for element in value
            for item in (_values(element, path) if isinstance(element, Mapping) else [None])
        ]
        return found or [None]
    return [None]


def _violation(
    snapshot: Snapshot, record: CollectionRecord, index: IndexRecord, key: tuple[Any, ...]
) -> Operation[DuplicateKeyError]:
    fields = [field for field, _ in index.key]
    namespace = snapshot.namespace(record.name)
    collation = index.options.get("collation") or record.collation
    if collation is not None and not any(field.split(".")[0] == "_id" for field in fields):
        document = _document(zip(fields, key, strict=True))
        physical, details = yield from snapshot.engine.scratch.double(index, collation, document)
        details = {**details, "errmsg": details["errmsg"].replace(physical, namespace)}
        return DuplicateKeyError(details["errmsg"], DUPLICATE_KEY, {**details, "index": 0})
    details = duplicate_key(namespace, index.name, dict(index.key), dict(zip(fields, key, strict=True)))
    # PyMongo decodes BSON's undefined to None.
    found = {name: None if value is _UNDEFINED else value for name, value in details["keyValue"].items()}
    return DuplicateKeyError(details["errmsg"], DUPLICATE_KEY, {"index": 0, **details, "keyValue": found})


def _document(key: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Build a document that has a key."""
    document: dict[str, Any] = {}
    for field, value in key:
        *path, last = field.split(".")
        place = document
        for name in path:
            place = place.setdefault(name, {})
        place[last] = [value] if isinstance(value, list) else _sought(value)
    return document
