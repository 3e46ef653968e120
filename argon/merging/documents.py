"""The three-way merge of one document: a pure function of base, target and source.

Fields are merged each by itself, nested documents by their paths; arrays are
values. What only one side changed is taken from that side; what both changed
alike is no conflict. A document, or a field, that both sides made anew with
different values is a conflict as a whole, and so is one that one side deleted
and the other changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument

from argon.merging.fields import body, is_document, join, nested, value
from argon.merging.results import MISSING
from argon.merging.states import value_of
from argon.merging.strategy import Pick
from argon.versions.elements import document, elements
from argon.versions.layout import raw

Settle = Callable[[str, Any, Any, Any], Any]
"""Settles a conflict: takes the path and the values at the base, the source and the target."""

Image = RawBSONDocument | None


def merge_document(base: Image, ours: Image, theirs: Image, settle: Settle, *, deletes: bool = True) -> Image:
    """Merge the source's state of a document into the target's.

    Args:
        base: At the merge base; None where it is not there.
        ours: On the target.
        theirs: On the source.
        settle: Is asked about every conflict.
        deletes: Whether the source's deletion counts.

    Returns:
        The document as the target shall have it; None if it shall not.
    """
    old, mine, new = (None if image is None else bytes(image.raw) for image in (base, ours, theirs))
    if new in (old, mine) or (new is None and not deletes):
        return ours
    if mine == old:
        return theirs
    if old is not None and mine is not None and new is not None:
        return _merge_fields(old, mine, new, "", settle)
    picked = settle("", *(MISSING if image is None else value_of(image) for image in (base, theirs, ours)))
    if isinstance(picked, Pick):
        return {Pick.THEIRS: theirs, Pick.BASE: base}.get(picked, ours)
    if picked is MISSING:
        return None
    return _whole(picked, ours or theirs)


def _whole(picked: Any, like: Image) -> RawBSONDocument:
    if not isinstance(picked, Mapping) or like is None:
        raise TypeError(f"a document cannot become {picked!r}: return a document, MISSING or a Pick")
    return raw({"_id": like["_id"], **{name: item for name, item in picked.items() if name != "_id"}})


def _merge_fields(base: bytes, ours: bytes, theirs: bytes, at: str, settle: Settle) -> RawBSONDocument:
    old, mine, new = (dict(elements(data)) for data in (base, ours, theirs))
    merged: list[bytes] = []
    for name in _order(list(old), list(mine), list(new)):
        element = _merge_field(old.get(name), mine.get(name), new.get(name), name, at, settle)
        if element is not None:
            merged.append(element)
    return document(merged)


def _merge_field(
    old: bytes | None, mine: bytes | None, new: bytes | None, name: bytes, at: str, settle: Settle
) -> bytes | None:
    if new in (old, mine):
        return mine
    if mine == old:
        return new
    path = join(at, name)
    if is_document(old) and is_document(mine) and is_document(new):
        assert old is not None
        assert mine is not None
        assert new is not None
        inner = _merge_fields(body(old), body(mine), body(new), path, settle)
        return nested(name, bytes(inner.raw))
    picked = settle(path, value(old), value(new), value(mine))
    if isinstance(picked, Pick):
        return {Pick.THEIRS: new, Pick.BASE: old}.get(picked, mine)
    if picked is MISSING:
        return None
    [(_, element)] = elements(bson.encode({name.decode(): picked}))
    return element


def _order(old: list[bytes], mine: list[bytes], new: list[bytes]) -> list[bytes]:
    """Put fields in the order of the target, or in the source's where only the source moved some."""
    everywhere = set(old) & set(mine) & set(new)
    was, is_mine, is_new = ([name for name in names if name in everywhere] for names in (old, mine, new))
    first, second = (new, mine) if is_mine == was and is_new != was else (mine, new)
    return [*first, *(name for name in second if name not in first)]
