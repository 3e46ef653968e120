"""Who comes first: what a transaction saw must still be so when it lands, or it has lost the race."""

from __future__ import annotations

from collections.abc import Hashable

from pymongo.errors import OperationFailure, PyMongoError

from argon.catalog.tables import COLLECTIONS
from argon.engine.snapshot import Snapshot
from argon.io import Operation
from argon.versions.ids import id_key
from argon.versions.layout import Row
from argon.wal.change import Change

WRITE_CONFLICT = 112


class Conflict(Exception):
    """A document was changed since the transaction saw it; trying the same commit again cannot help."""


def still_true(snapshot: Snapshot, changes: list[Change]) -> Operation[None]:
    """Give changes the rows as they are now, if the documents are what they were."""
    by_store: dict[str, list[Change]] = {}
    for change in changes:
        by_store.setdefault(change.store, []).append(change)
    for store, group in by_store.items():
        rows: dict[Hashable, Row] = {}
        ids = [change.document_id for change in group]
        for leg in snapshot.view.legs:
            where = {**leg.seek, "d._id": {"$in": ids}}
            found = yield snapshot.rows(store).find(where, session=snapshot.session).to_list(None)
            rows.update({id_key(row["d"]["_id"]): row for row in found})
        for change in group:
            row = rows.get(id_key(change.document_id))
            before = change.before
            if (row is None) != (before is None):
                raise Conflict
            if row is not None and before is not None:
                if row["f"] != before["f"] or row["_id"]["b"] != before["_id"]["b"]:
                    raise Conflict
                change.before = row
                change.inherited = snapshot.is_inherited(row)


def names_are_free(snapshot: Snapshot, changes: list[Change]) -> bool:
    """Whether no name would stand for two collections; somebody may have made one of the same name."""
    catalog = {id_key(change.document_id): change.after for change in changes if change.store == COLLECTIONS}
    if not catalog:
        return True
    kept = [record for record in snapshot.catalog.records() if id_key(record.id) not in catalog]
    names = [(record.space, record.name) for record in kept]
    names += [(image["space"], image["name"]) for image in catalog.values() if image is not None]
    return len(set(names)) == len(names)


def no_such_transaction() -> OperationFailure:
    """Build the server's error for a transaction that an earlier error has ended."""
    text = "the transaction was ended by an earlier error and nothing of it is written: begin another one"
    details = {"code": 251, "codeName": "NoSuchTransaction", "errmsg": text}
    return OperationFailure(text, 251, {**details, "errorLabels": ["TransientTransactionError"]})


def gone_transaction(failure: PyMongoError) -> OperationFailure:
    """Build the server's error for a commit that is tried again after it failed.

    Args:
        failure: What it failed with. If that tells that nothing was written, the whole may be tried again.
    """
    if isinstance(failure, OperationFailure):
        return no_such_transaction()
    text = f"it is not known whether the transaction landed ({failure}): read, and begin another one"
    return OperationFailure(text, 251, {"code": 251, "codeName": "NoSuchTransaction", "errmsg": text})


def write_conflict(branch: str) -> OperationFailure:
    """Build the server's error for a lost race between transactions."""
    text = (
        f"WriteConflict error: a document was changed on the branch {branch!r} by another commit first; retry"
    )
    return OperationFailure(
        text,
        WRITE_CONFLICT,
        {
            "code": WRITE_CONFLICT,
            "codeName": "WriteConflict",
            "errmsg": text,
            "errorLabels": ["TransientTransactionError"],
        },
    )
