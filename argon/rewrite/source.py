"""What a pipeline needs to know of a logical collection: where its rows are and which are visible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from argon.rewrite.filter import Kind
from argon.versions.visibility import Leg

NEVER: dict[str, Any] = {"$alwaysFalse": 1}
"""The filter that matches nothing: what a collection that does not exist holds."""


_LONG = 12 * 2**20
_OVERHEAD = 24  # of a value of fixed size, with its type and its place in a list


class Source(Protocol):
    """One logical collection as one view (branch and LSN) sees it.

    A visible row matches exactly one leg, and a row matched by a leg is visible.
    """

    @property
    def store(self) -> str | None:
        """Name of the physical collection; None if the collection does not exist."""

    @property
    def empty_store(self) -> str:
        """Name of a physical collection to run on when there is no store."""

    @property
    def legs(self) -> Sequence[Leg]:
        """The parts of the view, ancestors first."""

    @property
    def match_all(self) -> dict[str, Any]:
        """One filter that holds for every visible row and no other."""

    @property
    def stages(self) -> Sequence[Mapping[str, Any]]:
        """The pipeline of a view, between the rows and what the user asks; empty for a collection."""

    def seekable(self, paths: Mapping[str, Kind], sort: Sequence[tuple[str, Any]] | None) -> bool:
        """Tell whether an index serves a filter that binds these paths, or this sort order.

        Args:
            paths: What :func:`argon.rewrite.filter.required_paths` gave.
            sort: The order asked for directly after the filter, if any.
        """

    def order_bound(
        self, query: Mapping[str, Any], sort: Sequence[tuple[str, Any]] | None
    ) -> Mapping[str, Any]:
        """Return a condition that all rows meet, where it helps an index that only gives the order.

        With a condition on its first field the server uses the others too, and so skips the rows of
        other branches and of the past; without one it reads them all.

        Args:
            query: The filter, on documents.
            sort: The order asked for directly after it.
        """


def conjoin(*filters: Mapping[str, Any]) -> dict[str, Any]:
    """Make one filter that holds where all of them hold.

    Args:
        *filters: Filters on the same documents; empty ones hold everywhere.

    Returns:
        A flat filter where no key occurs twice, else an ``$and``.
    """
    merged: dict[str, Any] = {}
    size = 0
    for part in filters:
        merged.update(part)
        size += len(part)
    return merged if len(merged) == size else {"$and": [dict(part) for part in filters if part]}


def may_repeat(query: Mapping[str, Any], times: int) -> bool:
    """Whether a filter may stand in a command several times, which has a limit of 16 MiB.

    Args:
        query: The filter.
        times: How often.
    """
    return times * _weight(query) < _LONG


def _weight(value: Any) -> int:
    """Return about how many bytes a value takes in BSON."""
    if isinstance(value, Mapping):
        return sum(len(key) + _weight(part) for key, part in value.items()) + _OVERHEAD
    if isinstance(value, list | tuple):
        return sum(map(_weight, value)) + _OVERHEAD
    return _OVERHEAD + (
        len(value.encode()) if isinstance(value, str) else len(value) if isinstance(value, bytes) else 0
    )


__all__ = ["NEVER", "Leg", "Source", "conjoin", "may_repeat"]
