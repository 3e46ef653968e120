"""The filter on rows that an index or the clustered order serves, and rows by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bson import ObjectId

from argon.engine.snapshot import Snapshot
from argon.engine.source import CollectionSource
from argon.io import Operation
from argon.models import CollectionRecord
from argon.rewrite.filter import has_near, has_text, has_where, prefix_filter
from argon.rewrite.source import conjoin, may_repeat
from argon.versions.ids import id_key
from argon.versions.layout import Row
from argon.wal.transactions import patiently

_ABSENT: Any = []


_PLAIN_IDS = (ObjectId, str, int)


def row_filter(
    source: CollectionSource, query: Mapping[str, Any], sort: Sequence[tuple[str, Any]] | None, *, seek: bool
) -> dict[str, Any] | None:
    """Combine a user's filter with visibility so that an index or the clustered order serves it.

    Args:
        source: The collection in its view.
        query: The user's filter.
        sort: The order asked for.
        seek: Whether an index is asked for anyway, by a hint.

    Returns:
        A filter on rows, or None if the filter cannot be rewritten, or if it
        takes a scan over several legs, which one ``find`` does badly.
    """
    if type(query) is dict and len(query) == 1 and isinstance(query.get("_id", _ABSENT), _PLAIN_IDS):
        # What is asked most of all, without a look at all that a filter can be.
        point = {"d._id": query["_id"]}
        clauses = [{**leg.seek, **point} for leg in source.legs]
        return clauses[0] if len(clauses) == 1 else {"$or": clauses}
    rewritten = prefix_filter(query)
    if rewritten is None:
        return None
    searches = has_text(query) or has_near(query)
    by_index = seek or searches or source.serves(query, sort)
    if not seek and not searches:
        rewritten = conjoin(rewritten, source.order_bound(query, sort))
    if len(source.legs) == 1:
        leg = source.legs[0]
        return conjoin(leg.seek if by_index else leg.scan, rewritten)
    if searches or not may_repeat(rewritten, len(source.legs)):
        # $text may stand in an $or only beside other text, $near in none; visibility is a sibling of it.
        return conjoin(source.match_all, rewritten)
    if not by_index and not has_where(query):
        return None
    # Inside each clause: otherwise the index is read over every version and branch of the key.
    return {"$or": [conjoin(leg.seek, rewritten) for leg in source.legs]}


def rows_by_id(snapshot: Snapshot, record: CollectionRecord, ids: Sequence[Any]) -> Operation[list[Row]]:
    """Read the visible rows of documents by ``_id``, in the order of the ids; missing ones are left out."""
    if not ids:
        return []
    rows = snapshot.rows(record.store)
    view, these = snapshot.view, {"d._id": {"$in": list(ids)}}
    if len(view.legs) > 1 and may_repeat(these, len(view.legs)):
        where: Mapping[str, Any] = {"$or": [{**leg.seek, **these} for leg in view.legs]}
    else:
        where = conjoin(view.match_all, these)

    def read() -> Operation[list[Row]]:
        found: list[Row] = yield rows.find(where, session=snapshot.session).to_list(None)
        return found

    found = yield from patiently(snapshot.engine.world, read)
    order = {id_key(value): place for place, value in enumerate(ids)}
    return sorted(found, key=lambda row: order.get(id_key(row["d"]["_id"]), 0))
