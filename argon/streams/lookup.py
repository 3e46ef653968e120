"""Images that the entries of the log do not hold themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from argon.catalog.collections import load_catalog
from argon.engine.snapshot import Snapshot
from argon.engine.visible import rows_by_id
from argon.io import Operation
from argon.models import BranchRecord, CollectionRecord
from argon.versions.ids import id_key
from argon.versions.visibility import make_view

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_IMAGE = "fullDocument"


def look_up(
    engine: Engine, branch: BranchRecord, space: str, events: Sequence[dict[str, Any]]
) -> Operation[None]:
    """Give update events their documents as they are now.

    Args:
        engine: The engine.
        branch: The branch at whose head to look.
        space: The namespace.
        events: Events of updates; ``fullDocument`` is filled in, with None where
            there is no such document any more.
    """
    if not events:
        return
    branch = yield from engine.fresh(branch)
    view = make_view(branch.number, branch.ancestors)
    catalog = yield from load_catalog(engine.raw, view, engine.world)
    snapshot = engine.snapshot(branch, view, catalog)
    by_name: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        by_name.setdefault(event["ns"]["coll"], []).append(event)
    for name, group in by_name.items():
        record = catalog.get(space, name)
        found = yield from _documents(snapshot, record, [event["documentKey"]["_id"] for event in group])
        for event in group:
            event[_IMAGE] = found.get(id_key(event["documentKey"]["_id"]))


def image_before(engine: Engine, branch: BranchRecord, entry: Mapping[str, Any]) -> Operation[Any]:
    """Return a pre-image that was too large for its entry, from the version rows.

    Args:
        engine: The engine.
        branch: A branch that sees the entry.
        entry: The entry.

    Returns:
        The document as the entry found it, or None if its version is gone.
    """
    snapshot = yield from engine.past(branch, int(entry["prev_lsn"]))
    record = snapshot.record(entry.get("space") or "default", entry["collection"])
    found = yield from _documents(snapshot, record, [entry["document_id"]])
    return found.get(id_key(entry["document_id"]))


def collections_before(
    engine: Engine, branch: BranchRecord, entry: Mapping[str, Any]
) -> Operation[list[CollectionRecord]]:
    """Return the collections that a branch had before an entry."""
    snapshot = yield from engine.past(branch, int(entry["prev_lsn"]))
    return snapshot.catalog.records()


def _documents(
    snapshot: Snapshot, record: CollectionRecord | None, ids: Sequence[Any]
) -> Operation[dict[Any, Any]]:
    if record is None or not record.store:
        return {}
    rows = yield from rows_by_id(snapshot, record, ids)
    return {id_key(row["d"]["_id"]): row["d"] for row in rows}
