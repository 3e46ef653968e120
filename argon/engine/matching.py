"""Finding the rows that an update or a delete is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pymongo.errors import OperationFailure

from argon.engine.errors import OF_FIND_AND_MODIFY, executing
from argon.engine.find import find_rows
from argon.engine.prepare import Target
from argon.engine.query import FindSpec
from argon.engine.snapshot import Snapshot
from argon.engine.specs import DeleteSpec, UpdateSpec
from argon.io import Operation
from argon.models import CollectionRecord
from argon.versions.layout import Row, size_of

PAGE = 1000
PAGE_BYTES = 8 * 1024 * 1024


def matching_rows(
    snapshot: Snapshot,
    record: CollectionRecord,
    target: Target,
    spec: UpdateSpec | DeleteSpec,
    ids: Sequence[Any] | None,
    refuse: Callable[[], Operation[None]],
) -> Operation[list[Row]]:
    """Read the rows that an update or a delete is about.

    Args:
        snapshot: The head.
        record: The collection.
        target: The same, as the user named it.
        spec: What was asked for.
        ids: Look at these documents only.
        refuse: Fails if what was asked for is invalid. The server looks at an update or a
            projection before it looks for documents, so that is what it complains of first.
    """
    given = {"let": spec.let, "max_time_ms": spec.max_time_ms}
    options = {name: value for name, value in given.items() if value is not None}
    query: Mapping[str, Any] = spec.filter
    if ids is not None:
        query = {"$and": [{"_id": {"$in": list(ids)}}, spec.filter]}
    limit = 1 if not spec.many else (0 if ids is not None else PAGE + 1)
    hint = spec.hint if ids is None else None
    found = FindSpec(query, None, spec.sort, 0, limit, hint, spec.collation, options)
    try:
        return (yield from find_rows(snapshot, record, found, target.codec))
    except OperationFailure as error:
        yield from refuse()
        raise executing(error, OF_FIND_AND_MODIFY if spec.is_find_and_modify else None) from error


def too_much(rows: Sequence[Row]) -> bool:
    """Whether rows are more than one commit should hold."""
    return len(rows) > PAGE or sum(size_of(row) for row in rows) > PAGE_BYTES
