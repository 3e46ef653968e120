"""Which fields an update named: what the log keeps so that change events can tell of it as MongoDB's do.

The images before and after say what changed, but not how: ``{$set: {a: {b: 1}}}``
and ``{$set: {"a.b": 1}}`` may give the same document and different events. A
few short paths beside the images make the difference:

==================  ================================================
``()`` of paths     as the operators named them, ``a.b``, ``a.$[].b``
``a.``              the elements of ``a``, as ``$push`` appends them
``""`` (empty)      the whole document, as a replacement does
None                not known: a pipeline, a merge, or too many fields
==================  ================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from argon.rewrite.update import is_pipeline, is_replacement

WHOLE = ("",)
"""What a replacement touches."""
MAX_BYTES = 1024
"""Longer lists are left out: an entry's overhead over its images is bounded."""


def touched_paths(update: Any) -> tuple[str, ...] | None:
    """Return which fields an update names.

    Args:
        update: Operators, a pipeline or a replacement; the server has yet to see it.

    Returns:
        The paths, or None where they are not known or too many.
    """
    if is_pipeline(update):
        return None
    if is_replacement(update):
        return WHOLE
    paths: list[Any] = []
    for operator, operand in update.items():
        if operator == "$setOnInsert" or not isinstance(operand, Mapping):
            continue
        for path, value in operand.items():
            sorts = isinstance(value, Mapping) and "$sort" in value
            paths.append(f"{path}." if operator == "$push" and not sorts else path)
            if operator == "$rename":
                paths.append(value)
    return _bounded(paths) if all(isinstance(path, str) for path in paths) else None


def both_touched(first: Sequence[str] | None, second: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return what two updates of one document touch together.

    Args:
        first: The paths of the earlier one.
        second: The paths of the later one.
    """
    if first is None or second is None:
        return None
    if "" in first or "" in second:
        return WHOLE
    return _bounded([*first, *second])


def _bounded(paths: Sequence[str]) -> tuple[str, ...] | None:
    unique = tuple(dict.fromkeys(paths))
    size = sum(len(path) + 8 for path in unique)
    return unique if size <= MAX_BYTES else None
