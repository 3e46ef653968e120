"""What a caller gets: PyMongo's results, and documents as its handle decodes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.results import DeleteResult, UpdateResult

from argon.engine.specs import Deleted, Updated


def update_result(outcome: Updated, *, acknowledged: bool = True) -> UpdateResult:
    """Return PyMongo's result of an update.

    Raises:
        WriteError: Some documents had been updated before one failed.
    """
    if outcome.error is not None:
        raise outcome.error
    raw: dict[str, Any] = {
        "n": 1 if outcome.upserted else outcome.matched,
        "nModified": outcome.modified,
        "ok": 1.0,
        "updatedExisting": outcome.matched > 0,
    }
    if outcome.upserted:
        raw["upserted"] = outcome.upserted_id
    return UpdateResult(raw if acknowledged else None, acknowledged)


def delete_result(outcome: Deleted, *, acknowledged: bool = True) -> DeleteResult:
    """Return PyMongo's result of a delete."""
    return DeleteResult({"n": outcome.count, "ok": 1.0} if acknowledged else {"ok": 1}, acknowledged)


def bulk_result(
    *,
    inserted: int = 0,
    matched: int = 0,
    modified: int = 0,
    removed: int = 0,
    upserted: Sequence[Mapping[str, Any]] = (),
    errors: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return the result document of a bulk write, as PyMongo builds it."""
    return {
        "writeErrors": list(errors),
        "writeConcernErrors": [],
        "nInserted": inserted,
        "nUpserted": len(upserted),
        "nMatched": matched,
        "nModified": modified,
        "nRemoved": removed,
        "upserted": list(upserted),
    }


def decode(document: Any, codec: CodecOptions[Any]) -> Any:
    """Decode a raw document the way the user's handle does."""
    if document is None or not isinstance(document, RawBSONDocument):
        return document
    return bson.decode(document.raw, codec_options=codec)
