"""Collections of two states matched with each other, and the three-way merge of their definitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argon.catalog.collections import Catalog
from argon.merging.documents import Settle
from argon.merging.results import MISSING
from argon.merging.strategy import Pick
from argon.models import CollectionRecord, IndexRecord
from argon.versions.ids import id_key

FIXED = frozenset({"kind", "collation", "viewOn"})
"""What a collection is made with and nothing can change."""


def counterpart(catalog: Catalog, record: CollectionRecord, origin: Catalog) -> CollectionRecord | None:
    """Find what a collection is in another state: itself, or one made apart from it under its name.

    Args:
        catalog: The other state.
        record: The collection.
        origin: The state that it is from.
    """
    for other in catalog.records():
        if other.id == record.id:
            return other
    named = catalog.get(record.space, record.name)
    if named is None or any(own.id == named.id for own in origin.records()):
        return None
    return named


def same_definition(one: CollectionRecord, other: CollectionRecord) -> bool:
    """Whether two records define the same."""
    return _same(_parts(one), _parts(other))


def merge_definition(
    base: CollectionRecord | None, ours: CollectionRecord, theirs: CollectionRecord, settle: Settle
) -> CollectionRecord:
    """Merge the source's definition of a collection into the target's.

    Args:
        base: At the merge base; None where it is not there.
        ours: On the target.
        theirs: On the source.
        settle: Is asked about every conflict.

    Returns:
        The record that the target shall have.
    """
    old = {} if base is None else _parts(base)
    mine, new = _parts(ours), _parts(theirs)
    merged = dict(mine)
    # A view can be made to look at another collection; a collection cannot become a view.
    fixed = FIXED - {"viewOn"} if ours.kind == theirs.kind else FIXED
    for path in dict.fromkeys([*mine, *new]) | dict.fromkeys(old):
        was, is_mine, is_new = (parts.get(path, MISSING) for parts in (old, mine, new))
        if _same(is_new, is_mine) or _same(is_new, was):
            continue
        taken = is_new
        if not _same(is_mine, was) or path in fixed:
            picked = settle(path, _shown(was), _shown(is_new), _shown(is_mine))
            taken = is_mine if path in fixed else _taken(picked, is_mine, is_new, was)
        if taken is MISSING and path != "name":
            merged.pop(path, None)
        else:
            merged[path] = is_mine if taken is MISSING else taken
    if _same(merged, mine):
        return ours
    space, name = merged["name"]
    indexes = [index for index in merged.values() if isinstance(index, IndexRecord)]
    options = {
        path: value for path, value in merged.items() if path in ours.options or path in theirs.options
    }
    return ours.model_copy(update={"space": space, "name": name, "options": options, "indexes": indexes})


def _parts(record: CollectionRecord) -> dict[str, Any]:
    indexes = {f"indexes.{index.name}": index for index in record.indexes}
    return {"name": (record.space, record.name), "kind": record.kind, **record.options, **indexes}


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, IndexRecord) and isinstance(other, IndexRecord):
        return one.key == other.key and _same(one.options, other.options)
    return type(one) is type(other) and id_key(one) == id_key(other)


def _taken(picked: Any, ours: Any, theirs: Any, base: Any) -> Any:
    """Return the side that was picked, by its name or its value; nothing else can become of a definition."""
    named = {Pick.OURS: ours, Pick.THEIRS: theirs, Pick.BASE: base, MISSING: MISSING}
    if isinstance(picked, Pick) or picked is MISSING:
        return named.get(picked, ours)
    return next((side for side in (theirs, base) if _same(picked, _shown(side))), ours)


def _shown(value: Any) -> Any:
    return dict(value.described) if isinstance(value, IndexRecord) else value
