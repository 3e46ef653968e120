"""Conflicts as documents: their values as bytes, so that any name, type and size survives.

A field may be named ``$set`` or ``a.b``, be missing or null, and three values of
16 MB make one conflict, which no MongoDB document could hold as they are.
"""

from __future__ import annotations

import hashlib
from typing import Any

import bson
from bson.codec_options import CodecOptions, DatetimeConversion

from argon.catalog.merges import Merges
from argon.io import Operation
from argon.merging.pending.kept import OPEN, KeptConflict, choices_of
from argon.merging.results import MISSING, ConflictEntry

_CODEC: CodecOptions[dict[str, Any]] = CodecOptions(
    tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
_SIDES = ("base_value", "source_value", "target_value")


def fingerprint(entry: ConflictEntry) -> bytes:
    """Return what is the same for conflicts of the same values at the same place, and for no others."""
    about = [entry.space, entry.collection, entry.definition, entry.id, entry.path]
    return hashlib.sha256(bson.encode({"about": about}) + _sides(entry)).digest()


def as_document(
    merges: Merges, record: dict[str, Any], entry: ConflictEntry, number: int
) -> Operation[dict[str, Any]]:
    """Make the document of an open conflict."""
    values = yield from merges.write_blob(record, _sides(entry))
    return {
        "number": number,
        "space": entry.space,
        "collection": entry.collection,
        "definition": entry.definition,
        **({} if entry.definition else {"document_id": entry.id}),
        "path": entry.path,
        "values": values,
        "fingerprint": fingerprint(entry),
        "choices": list(choices_of(entry)),
        "state": OPEN,
    }


def as_conflict(merges: Merges, record: dict[str, Any], document: dict[str, Any]) -> Operation[KeptConflict]:
    """Read a conflict."""
    sides = bson.decode((yield from merges.read_blob(record, document["values"])), _CODEC)
    return KeptConflict(
        space=document["space"],
        collection=document["collection"],
        id=document.get("document_id"),
        path=document["path"],
        base_value=sides.get("base_value", MISSING),
        source_value=sides.get("source_value", MISSING),
        target_value=sides.get("target_value", MISSING),
        definition=document["definition"],
        number=int(document["number"]),
        state=document["state"],
        choice=document.get("choice"),
        value=(yield from resolution(merges, record, document)),
        resolved_by=document.get("resolved_by"),
        resolved_at=document.get("resolved_at"),
    )


def encode_value(value: Any) -> bytes:
    """Return a resolution's value as bytes."""
    return bson.encode({"value": value})


def resolution(merges: Merges, record: dict[str, Any], document: dict[str, Any]) -> Operation[Any]:
    """Read the value that a conflict was resolved by; ``MISSING`` where there is none."""
    if document.get("choice") != "value":
        return MISSING
    data = yield from merges.read_blob(record, document["value"])
    return bson.decode(data, _CODEC)["value"]


def _sides(entry: ConflictEntry) -> bytes:
    sides = {side: getattr(entry, side) for side in _SIDES}
    return bson.encode({side: value for side, value in sides.items() if value is not MISSING})
