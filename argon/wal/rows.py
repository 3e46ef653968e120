"""Turning changes into statements on version rows, inside a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import bson
from bson import Int64
from bson.raw_bson import RawBSONDocument
from pymongo import DeleteOne, ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError

from argon.io import Operation
from argon.versions.elements import document, elements
from argon.versions.layout import Row, current_row, mark, past_row, unchanged
from argon.wal import statements
from argon.wal.change import Change
from argon.wal.images import old_fields
from argon.wal.statements import Failure, Statement


class StaleRow(Exception):
    """A row is no longer as it was read; read it again."""


class DuplicateId(Exception):
    """An insert met a document of the same ``_id``.

    Args:
        change: The insert.
        details: The server's own write error.
    """

    def __init__(self, change: Change, details: Mapping[str, Any]) -> None:
        super().__init__(change, details)
        self.change = change
        self.details = details


def write_rows(
    store: Any, session: Any, branch: int, changes: Sequence[Change], *, history: bool = True
) -> Operation[list[Statement]]:
    """Apply changes to one store, as far as the server has to evaluate something.

    Args:
        store: The physical collection, decoding to raw BSON.
        session: The transaction's session.
        branch: The number of the branch that changes.
        changes: Each has its LSN. Their ``after`` and ``noop`` are filled in
            where the server had to evaluate an update.
        history: Whether superseded versions are kept as past rows; an open
            transaction's provisional rows leave none.

    Returns:
        The rest, which asks for no answers. It fails with :class:`StaleRow` or :class:`DuplicateId`.

    Raises:
        StaleRow: Another branch marked a row, or it moved, since it was read.
        DuplicateId: An insert's ``_id`` is taken.
    """
    inserts: list[Row] = []
    origin: list[Change] = []
    evaluated = [change for change in changes if change.in_place is not None and change.seek is None]
    if evaluated:
        yield from _evaluate(store, session, branch, evaluated)
    for change in changes:
        if change.seek is not None:
            yield from _seek(store, session, change)
    updates: list[tuple[dict[str, Any], dict[str, Any]]] = []
    deletes: list[dict[str, Any]] = []
    for change in changes:
        if change.noop:
            continue
        row, after, lsn = change.before, change.after, change.lsn
        if row is None:
            assert after is not None
            inserts.append(current_row(branch, lsn, lsn, after))
            origin.append(change)
            continue
        if change.inherited:
            hidden = {"_id": row["_id"], "f": row["f"]}
            updates.append((hidden, {"$push": {"s": mark(branch, lsn)}}))
            if after is not None and change.in_place is None:
                inserts.append(current_row(branch, lsn, row["_id"]["n"], after))
                origin.append(change)
            continue
        if after is None:
            if change.seek is None:
                deletes.append(unchanged(row))
        elif change.in_place is None:
            whole = {"$set": {"d": after, "f": Int64(lsn)}, "$unset": {"s": ""}}
            updates.append((unchanged(row), whole))
        if history:
            inserts.append(past_row(row, lsn))
            origin.append(change)
    rest: list[Statement] = []
    if updates:
        rest.append(
            statements.update(store, updates, size=sum(change.size() for change in changes), missed=StaleRow)
        )
    if deletes:
        rest.append(statements.delete(store, deletes, missed=StaleRow))
    if inserts:
        rest.append(_insert(store, inserts, origin))
    return rest


def _insert(store: Any, rows: Sequence[Row], origin: list[Change]) -> Statement:
    def refused(failure: Failure) -> Exception:
        if isinstance(failure, BulkWriteError):
            first = failure.details["writeErrors"][0]
        else:
            first = failure.details or {}
        if first.get("code") != statements.DUPLICATE_KEY:
            return failure
        return DuplicateId(origin[first.get("index", 0)], first)

    size = sum(change.size() for change in origin)
    return statements.insert(store, lambda: rows, len(rows), size=size, refused=refused)


def _seek(store: Any, session: Any, change: Change) -> Operation[None]:
    """Find and change a row at once; if this commit lands, nobody has changed the branch since its head."""
    update = None if change.in_place is None else _stamped(change)
    row = yield from statements.find_and_modify(store, change.seek, update, session)
    if row is None:
        change.noop = True
        return
    change.before = row
    if not bytes(row["d"].raw).startswith(bson.encode({"_id": change.document_id})[4:-1], 4):
        change.document_id = row["d"]["_id"]  # a number of another type, as it is
    if change.in_place is None:
        return
    assert change.effect is not None
    before = elements(row["d"].raw)
    after = change.effect(before)
    if after is None:
        changed = yield store.find_one({"_id": row["_id"]}, {"d": 1, "_id": 0}, session=session)
        change.after, change.old_fields = changed["d"], None
    else:
        change.after, change.old_fields = document(element for _, element in after), old_fields(before, after)
    assert change.after is not None
    if change.after.raw == row["d"].raw:
        change.noop = True
        yield store.update_one({"_id": row["_id"]}, {"$set": _as_it_was(row)}, session=session)


def _evaluate(store: Any, session: Any, branch: int, changes: Sequence[Change]) -> Operation[None]:
    """Run the server's own update on the rows, and read the post-images back."""
    copies = [
        current_row(branch, change.lsn, change.before["_id"]["n"], change.before["d"])
        for change in changes
        if change.inherited and change.before is not None
    ]
    if copies:
        origin = [change for change in changes if change.inherited]
        yield from statements.run([_insert(store, copies, origin)], session)
    targets: list[tuple[dict[str, Any], Change]] = []
    for change in changes:
        row = change.before
        assert row is not None
        if change.inherited:
            copy = current_row(branch, change.lsn, row["_id"]["n"], {})
            target = {"_id": copy["_id"], "f": copy["f"]}
        else:
            target = unchanged(row)
        targets.append((target, change))
    afters = yield from _post_images(store, session, targets)
    restores: list[UpdateOne | DeleteOne] = []
    for (target, change), after in zip(targets, afters, strict=True):
        assert change.before is not None
        change.after = after
        change.noop = after.raw == change.before["d"].raw
        if not change.noop:
            continue
        if change.inherited:
            restores.append(DeleteOne({"_id": target["_id"]}))
        else:
            restores.append(UpdateOne({"_id": target["_id"]}, {"$set": _as_it_was(change.before)}))
    if restores:
        yield store.bulk_write(restores, session=session)


def _as_it_was(row: Row) -> dict[str, Any]:
    return {"f": row["f"], "s": row["s"]} if "s" in row else {"f": row["f"]}


def _post_images(
    store: Any, session: Any, targets: Sequence[tuple[dict[str, Any], Change]]
) -> Operation[list[RawBSONDocument]]:
    if len(targets) == 1:
        target, change = targets[0]
        row = yield store.find_one_and_update(
            target,
            _stamped(change),
            projection={"d": 1, "_id": 0},
            return_document=ReturnDocument.AFTER,
            array_filters=change.array_filters,
            collation=change.collation,
            session=session,
        )
        if row is None:
            raise StaleRow
        return [row["d"]]
    done = yield store.bulk_write(
        [
            UpdateOne(
                target,
                _stamped(change),
                array_filters=change.array_filters,
                collation=change.collation,
            )
            for target, change in targets
        ],
        session=session,
    )
    if done.matched_count != len(targets):
        raise StaleRow
    keys = [target["_id"] for target, _ in targets]
    rows = yield store.find({"_id": {"$in": keys}}, {"d": 1}, session=session).to_list(None)
    # Keys are matched by their parts: the server may return them in any order.
    images = {_key(row["_id"]): row["d"] for row in rows}
    return [images[_key(key)] for key in keys]


def _key(key: Mapping[str, Any]) -> tuple[int, int, int]:
    return int(key["b"]), int(key["t"]), int(key["n"])


def _stamped(change: Change) -> dict[str, Any]:
    assert change.in_place is not None
    update: dict[str, Any] = dict(change.in_place)
    update["$set"] = {**update.get("$set", {}), "f": Int64(change.lsn)}
    update["$unset"] = {**update.get("$unset", {}), "s": ""}
    return update
