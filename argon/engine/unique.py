"""Unique indexes hold over a branch's own and its inherited documents together.

They are checked inside the commit's transaction, after its rows are written
and before they can be seen. Since the log lets one commit at a time follow a
head, what the check sees cannot change before the commit lands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
    store = snapshot.engine.raw[record.store]
    fields = [f"d.{field}" for field, _ in index.key]
    if len(fields) == 1:
        keys: dict[str, Any] = {fields[0]: {"$in": [key[0] for _, key in wanted]}}
    else:
        keys = {
            "$or": [
                {"$and": [{field: {"$eq": value}} for field, value in zip(fields, key, strict=True)]}
                for _, key in wanted
            ]
        }
    where = {"$or": [{"$and": [leg.seek, keys, *_members(index)]} for leg in snapshot.view.legs]}
    rows = yield store.find(
        where, {"d": 1, "_id": 0}, collation=index.options.get("collation"), session=session
    ).to_list(None)
    holders: dict[Any, set[Any]] = {}
    for row in rows:
        identity = id_key(row["d"]["_id"])
        for key in index_keys(row["d"], index.key):
            holders.setdefault(None if by_server else id_key(list(key)), set()).add(identity)
    for change, key in wanted:
        having = holders.get(None if by_server else id_key(list(key)), set())
        if len(having) > 1 and id_key(change.document_id) in having:
            raise _violation(snapshot, record, index, key)


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
            return list(value) or [None]
        return [value]
    name, rest = path[0], path[1:]
    if isinstance(value, Mapping):
        return _values(value[name], rest) if name in value else [None]
    if isinstance(value, list):
        if name.isdigit():
            return _values(value[int(name)], rest) if int(name) < len(value) else [None]
        found = [item for element in value if isinstance(element, Mapping) for item in _values(element, path)]
        return found or [None]
    return [None]


def _violation(
    snapshot: Snapshot, record: CollectionRecord, index: IndexRecord, key: tuple[Any, ...]
) -> DuplicateKeyError:
    fields = [field for field, _ in index.key]
    details = duplicate_key(
        snapshot.namespace(record.name), index.name, dict(index.key), dict(zip(fields, key, strict=True))
    )
    return DuplicateKeyError(details["errmsg"], DUPLICATE_KEY, {"index": 0, **details})
