"""TTL indexes expire documents through the log, on each branch for itself.

A physical TTL index would delete rows behind the log's back, the past's and
other branches' among them. So ``expireAfterSeconds`` is kept in the catalogue,
and whoever uses a branch deletes what has expired in its own view of it: see
"TTL Indexes" in the MongoDB manual for the rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bson.codec_options import CodecOptions

from argon.catalog.collections import Catalog
from argon.engine import operations
from argon.engine.handle import Handle
from argon.engine.prepare import Target
from argon.engine.specs import DeleteSpec
from argon.io import Operation
from argon.models import CollectionRecord, IndexRecord

AUTHOR = "ttl"
"""Who the log says deleted an expired document."""

_CODEC: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)


def expire(handle: Handle) -> Operation[int]:
    """Delete the documents that the TTL indexes of a branch say have expired.

    Any number of processes may do this at once: each document is deleted once.

    Args:
        handle: The branch's head.

    Returns:
        How many documents were deleted.

    Raises:
        ReadOnlyView: This is a view of the past.
    """
    # What a TTL index does was decided when it was made, so a protected branch goes on with it.
    handle = replace(handle, author=AUTHOR, force=True)
    yield from handle.admit_writes()
    snapshot = yield from handle.snapshot()
    clock = snapshot.engine.clock
    yield from clock.refresh()
    deleted = 0
    for record, index in ttl_indexes(snapshot.catalog):
        target = Target(record.space, record.name, _CODEC)
        spec = DeleteSpec(_expired(index, clock.now()), many=True)
        outcome = yield from operations.delete(handle, target, spec)
        deleted += outcome.count
    return deleted


def ttl_indexes(catalog: Catalog) -> Iterator[tuple[CollectionRecord, IndexRecord]]:
    """Yield the TTL indexes of a catalogue, each with its collection."""
    for record in catalog.records():
        for index in record.indexes:
            if "expireAfterSeconds" in index.options:
                yield record, index


def _expired(index: IndexRecord, now: datetime) -> dict[str, Any]:
    """Return the filter for what has expired.

    A comparison with a date holds for dates alone, and for an array as soon as
    it holds for one element, that is for the earliest date in it.
    """
    [(field, _)] = index.key
    moment = now - timedelta(seconds=index.options["expireAfterSeconds"])
    old: dict[str, Any] = {field: {"$lte": moment}}
    partial = index.options.get("partialFilterExpression")
    return {"$and": [old, partial]} if partial else old
