"""A find that rows answer as they are, with the filter, sort and projection rewritten."""

from __future__ import annotations

from typing import Any

from argon.engine.query import FindSpec, Reader, natural, physical_hint
from argon.engine.snapshot import Snapshot
from argon.engine.source import CollectionSource
from argon.engine.visible import row_filter
from argon.models import CollectionRecord
from argon.rewrite.filter import equality_id
from argon.rewrite.projection import Plan, Projection
from argon.rewrite.sort import prefix_sort
from argon.wire.finds import Find

BESIDE = frozenset({"return_key", "show_record_id"})
"""Options that ask for what is beside documents."""
BOUNDS = ("min", "max")
"""Options that bound the keys of an index."""
_UNCHANGED = ("batch_size", "max_time_ms", "comment", "allow_disk_use", "no_cursor_timeout", "let")
_PASS_THROUGH = BESIDE.union(_UNCHANGED)


def on_rows(
    snapshot: Snapshot,
    record: CollectionRecord,
    spec: FindSpec,
    projection: Projection,
    reader: Reader,
    bounds: dict[str, Any],
) -> Find | None:
    """Make the find whose filter, sort and projection rows answer.

    Args:
        snapshot: What to read.
        record: The collection.
        spec: What was asked for.
        projection: What of it the documents show.
        reader: How.
        bounds: Those of the physical index.

    Returns:
        The find on rows; None where it takes more than that.
    """
    options = {key: value for key, value in spec.options.items() if key not in BOUNDS}
    if projection.plan is not Plan.ROWS or any(key not in _PASS_THROUGH for key in options):
        return None
    source = CollectionSource(snapshot.view, record)
    if projection.positional and len(source.legs) > 1:
        return None
    sort = None if not spec.sort else prefix_sort(spec.sort)
    reverse = natural(spec)
    if spec.sort and sort is None and reverse is None:
        return None
    hint = physical_hint(record, spec.hint)
    beside = not BESIDE.isdisjoint(options)
    where = row_filter(source, spec.filter, spec.sort, seek=hint is not None or beside)
    if where is None:
        return None
    if reverse is not None:
        sort, hint = None, {"$natural": reverse}
    limit = spec.limit
    if limit == 0 and spec.skip == 0 and spec.collation is None and record.collation is None:
        # One document at most; a find would go on over the versions that came after it.
        limit = 1 if equality_id(spec.filter)[0] else 0
    arguments = {
        "sort": sort or None,
        "skip": spec.skip or None,
        "limit": limit or None,
        "hint": hint,
        "collation": spec.collation,
        **bounds,
        **options,
    }
    return Find(reader.store(snapshot, record.store), where, projection.rows, snapshot.session, arguments)
