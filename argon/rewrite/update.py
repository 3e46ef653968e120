"""Updates of documents as updates of rows in place, by the server's own operators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from argon.rewrite.paths import has_duplicate_keys, prefix_path

_OPERATORS = frozenset(
    {
        "$addToSet",
        "$bit",
        "$currentDate",
        "$inc",
        "$max",
        "$min",
        "$mul",
        "$pop",
        "$pull",
        "$pullAll",
        "$push",
        "$rename",
        "$set",
        "$unset",
    }
)


def is_pipeline(update: object) -> bool:
    """Tell whether an update is an aggregation pipeline."""
    return isinstance(update, list | tuple)


def is_operator_update(update: object) -> bool:
    """Tell whether an update is made of operators; the first key decides, as for the server."""
    if not isinstance(update, Mapping):
        return False
    first = next(iter(update), "")
    return isinstance(first, str) and first.startswith("$")


def is_replacement(update: object) -> bool:
    """Tell whether an update is a whole document (an empty one included)."""
    return isinstance(update, Mapping) and not is_operator_update(update)


def uses_positional(update: object) -> bool:
    """Tell whether an update names the array element that its filter matched (``a.$``)."""
    return is_operator_update(update) and any("$" in path.split(".") for path in _paths(update))


def prefix_update(update: object, array_filters: object = None) -> dict[str, Any] | None:
    """Rewrite an update for the row that holds the document.

    Array filters speak of elements and hold as they are, so they only have to
    be passed on. Everything whose effect in place is not exactly the effect on
    the document (see :data:`_OPERATORS` for what is) has to be evaluated on the
    document itself.

    Args:
        update: The update as ``update_one`` takes it.
        array_filters: Its array filters, which must be a list if given.

    Returns:
        The update of the row, or None if the update must see the document.
    """
    if not isinstance(update, Mapping) or not update or has_duplicate_keys(update):
        return None
    if array_filters is not None and not isinstance(array_filters, list | tuple):
        return None
    for operator, operand in update.items():
        if operator not in _OPERATORS or not isinstance(operand, Mapping) or has_duplicate_keys(operand):
            return None
    if not all(_is_safe(path) for path in _paths(update)):
        return None
    return {
        operator: {
            prefix_path(path): prefix_path(value) if operator == "$rename" else value
            for path, value in operand.items()
        }
        for operator, operand in update.items()
    }


def _paths(update: Any) -> Iterator[Any]:
    """All paths that an operator update names, the targets of ``$rename`` among them."""
    for operator, operand in update.items():
        if isinstance(operand, Mapping):
            yield from (path for path in operand if isinstance(path, str) or operator in _OPERATORS)
            if operator == "$rename":
                yield from (value if isinstance(value, str) else "" for value in operand.values())


def _is_safe(path: object) -> bool:
    """Tell whether a path means the same below ``d``; the id, above all, must never change."""
    if not isinstance(path, str):
        return False
    first, *rest = path.split(".")
    if not first or first == "_id" or first.startswith("$"):
        return False
    return all(part and (part[0] != "$" or part.startswith("$[")) for part in rest)
