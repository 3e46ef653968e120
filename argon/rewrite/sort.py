"""Sort orders on documents as sort orders on rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from argon.rewrite.paths import is_ordinary_path, prefix_path


def prefix_sort(keys: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]] | None:
    """Rewrite a sort order.

    Args:
        keys: Pairs of field and direction, the latter possibly ``{"$meta": …}``.

    Returns:
        The order of rows that is the order of their documents, or None for
        ``$natural``, which is the order of a collection that rows do not have,
        and for paths that the server would refuse.
    """
    if not all(is_ordinary_path(path) for path, _ in keys):
        return None
    return [(prefix_path(path), direction) for path, direction in keys]
