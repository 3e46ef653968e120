"""Pre-images in the log, told by what the post-image changed.

An update mostly gives new values to fields that are there. Its entry then
holds the old values of these fields alone, ``old_fields``, from which and from
the post-image the pre-image is put together byte for byte. Where fields came,
went or moved, and in deletes, the entry holds the whole ``old_document``.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from bson.raw_bson import RawBSONDocument

from argon.versions.elements import Elements, document, elements

_WORTH = 0.5
"""The part of a document up to which old fields are shorter to read than the whole."""


def old_fields(before: Elements, after: Elements) -> RawBSONDocument | None:
    """Return the old values of the fields that changed.

    Args:
        before: The elements of the pre-image.
        after: Those of the post-image.

    Returns:
        A document of those fields, in their order; None if the images have not
        the same fields in the same order, or little would be saved.
    """
    if len(before) != len(after):
        return None
    changed = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    if any(old[0] != new[0] for old, new in changed):
        return None
    told = [old[1] for old, _ in changed]
    if sum(map(len, told)) > _WORTH * sum(map(len, map(itemgetter(1), before))):
        return None
    return document(told)


def pre_image(entry: Mapping[str, Any]) -> RawBSONDocument | None:
    """Return the pre-image of an entry that was read as raw BSON.

    Args:
        entry: The entry.

    Returns:
        The document before the change; None for inserts, and where both images
        together were too large for the entry.
    """
    if "old_fields" not in entry:
        whole: RawBSONDocument | None = entry.get("old_document")
        return whole
    old = dict(elements(entry["old_fields"].raw))
    return document([old.get(name, element) for name, element in elements(entry["document"].raw)])
