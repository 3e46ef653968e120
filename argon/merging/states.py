"""Documents of a state, read by their ids in pages, as bytes and as values."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import bson
from bson import Int64, ObjectId
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument

from argon.engine.find import find_rows
from argon.engine.query import FindSpec
from argon.engine.snapshot import Snapshot
from argon.engine.visible import rows_by_id
from argon.io import Operation
from argon.merging.draft import Draft
from argon.merging.ids import IdSet
from argon.models import CollectionRecord
from argon.versions.ids import id_key
from argon.versions.layout import Row
from argon.wal.transactions import patiently

_PAGE = 5000
_CODEC: CodecOptions[dict[str, Any]] = CodecOptions(
    tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)


def rows_of(
    snapshot: Snapshot, record: CollectionRecord | None, ids: Sequence[Any]
) -> Operation[dict[Hashable, Row]]:
    """Read a page's rows, by the keys of their ids; what is not there is left out."""
    if record is None or record.kind == "view":
        return {}
    rows = yield from rows_by_id(snapshot, record, ids)
    found = {id_key(row["d"]["_id"]): row for row in rows}
    return snapshot.drafted(record, ids, found) if isinstance(snapshot, Draft) else found


def differing(ids: Sequence[Any], one: Mapping[Hashable, Row], other: Mapping[Hashable, Row]) -> list[Any]:
    """Return the ids of the documents that differ between the rows of two states."""
    return [each for each in ids if _bytes(one.get(id_key(each))) != _bytes(other.get(id_key(each)))]


def add_all(ids: IdSet, snapshot: Snapshot, record: CollectionRecord | None) -> Operation[None]:
    """Add the ids of all documents of a collection to a set."""
    if record is None or record.kind == "view":
        return
    store = snapshot.rows(record.store)
    for leg in snapshot.view.legs:

        def read(where: dict[str, Any] = leg.scan) -> Operation[None]:
            cursor = store.find(where, {"d._id": 1, "_id": 0}, session=snapshot.session)
            while page := (yield cursor.to_list(_PAGE)):
                for row in page:
                    ids.add(row["d"]["_id"])

        yield from patiently(snapshot.engine.world, read)


def matching(
    snapshot: Snapshot, record: CollectionRecord | None, ids: Sequence[Any], query: Mapping[str, Any]
) -> Operation[set[Hashable]]:
    """Ask the server which documents of a page match a query."""
    if record is None or record.kind == "view":
        return set()
    spec = FindSpec({"$and": [{"_id": {"$in": list(ids)}}, query]})
    rows = yield from find_rows(snapshot, record, spec)
    return {id_key(row["d"]["_id"]) for row in rows}


def as_stored(value: Any, codec: CodecOptions[Any]) -> Any:
    """Return a user's value as the driver writes it with the user's options."""
    return RawBSONDocument(bson.encode({"": value}, codec_options=codec))[""]


def value_of(document: RawBSONDocument | None) -> dict[str, Any] | None:
    """Decode a document."""
    return None if document is None else bson.decode(document.raw, _CODEC)


def plain(value: Any) -> Any:
    """Decode what is inside raw BSON, such as an ``_id`` that is a document."""
    if isinstance(value, str | int | ObjectId | Int64):
        return value
    return bson.decode(bson.encode({"": value}), _CODEC)[""]


def _bytes(row: Row | None) -> bytes | None:
    return None if row is None else bytes(row["d"].raw)
