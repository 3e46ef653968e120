"""Index definitions on documents as physical indexes on rows.

A physical index ends with the branch and the end LSN of a row, so that a seek
finds the visible version of a key without scanning all the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from argon.errors import UnsupportedOperation
from argon.rewrite.filter import prefix_filter
from argon.rewrite.paths import DOCUMENT, CannotRewrite, prefix_path

_SUFFIX = (("_id.b", 1), ("_id.t", 1))
_WILDCARD = "$**"
# Uniqueness and expiry hold for what a branch sees, not for rows: they are enforced elsewhere.
_LOGICAL_OPTIONS = frozenset({"unique", "expireAfterSeconds"})
# Special indexes hold only documents that have the field, whatever "sparse" says.
_INNATELY_SPARSE = frozenset({"text", "2d", "2dsphere"})
_ROW_FIELDS = frozenset({"_id", "f", DOCUMENT, "s"})


def document_path(path: str) -> str:
    """Turn a path in a row back into the path in its document.

    Args:
        path: A path that begins with ``d.``; another one is returned as it is.
    """
    return path.removeprefix(f"{DOCUMENT}.")


def physical_keys(
    keys: Sequence[tuple[str, Any]], options: Mapping[str, Any] | None = None
) -> list[tuple[str, Any]]:
    """Give the keys of the physical index that serves an index on documents.

    Args:
        keys: Pairs of field and direction or kind.
        options: The index's options; ``wildcardProjection`` changes the key.

    Returns:
        The keys prefixed, with branch and end LSN after them where the server
        takes compound keys (all but wildcard indexes).
    """
    physical = [(_physical_field(field, kind, options or {}), kind) for field, kind in keys]
    wildcard = any(_is_wildcard(field) and kind != "text" for field, kind in keys)
    return physical if wildcard else [*physical, *_SUFFIX]


def physical_options(keys: Sequence[tuple[str, Any]], options: Mapping[str, Any]) -> dict[str, Any]:
    """Give the options of the physical index that serves an index on documents.

    Args:
        keys: Pairs of field and direction or kind, as the user gave them.
        options: The index's options as the user gave them.

    Returns:
        The options with field names prefixed. ``unique`` and
        ``expireAfterSeconds`` are left out; ``sparse`` becomes a partial index,
        since the suffix is in every row. ``language_override`` stays: the
        server looks for that field in each embedded document.

    Raises:
        CannotRewrite: If ``partialFilterExpression`` is malformed.
        UnsupportedOperation: If ``language_override`` names a field of the row.
    """
    physical = {name: value for name, value in options.items() if name not in _LOGICAL_OPTIONS}
    if isinstance(weights := options.get("weights"), Mapping):
        physical["weights"] = {
            field if field == _WILDCARD else prefix_path(field): weight for field, weight in weights.items()
        }
    if isinstance(projection := options.get("wildcardProjection"), Mapping):
        physical["wildcardProjection"] = _physical_projection(projection)
    if "partialFilterExpression" in options:
        partial = prefix_filter(options["partialFilterExpression"])
        if partial is None:
            raise CannotRewrite
        physical["partialFilterExpression"] = partial
    elif physical.pop("sparse", False) and (present := _present(keys)):
        physical["partialFilterExpression"] = present
    if options.get("language_override") in _ROW_FIELDS:
        raise UnsupportedOperation(
            f"language_override {options['language_override']!r} is a field that the row of a document has; "
            "keep the language in a field of another name"
        )
    return physical


def _physical_field(field: str, kind: Any, options: Mapping[str, Any]) -> str:
    # Text and projected wildcard indexes take "$**" alone. For text this is as good:
    # the document is the only part of a row that holds text.
    if field == _WILDCARD and (kind == "text" or "wildcardProjection" in options):
        return field
    return prefix_path(field)


def _physical_projection(projection: Mapping[str, Any]) -> dict[str, Any]:
    physical = {prefix_path(field): value for field, value in projection.items()}
    if not any(projection.values()):
        physical |= {"f": 0, "s": 0}
    return physical


def _present(keys: Sequence[tuple[str, Any]]) -> dict[str, Any] | None:
    """The filter for documents that a sparse index holds: those with at least one of its fields."""
    if any(kind in _INNATELY_SPARSE or _is_wildcard(field) for field, kind in keys):
        return None
    clauses = [{prefix_path(field): {"$exists": True}} for field, _ in keys]
    return clauses[0] if len(clauses) == 1 else {"$or": clauses}


def _is_wildcard(field: str) -> bool:
    return field == _WILDCARD or field.endswith(f".{_WILDCARD}")
