"""A logical collection in a view, as query rewriting sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bson.min_key import MinKey

from argon.models import CollectionRecord
from argon.rewrite.filter import or_clauses, required_paths
from argon.rewrite.paths import prefix_path
from argon.versions.visibility import Leg, View

NO_STORE = "rows_none"
"""A physical collection that is never created: it answers as an empty one does."""

_ORDERED = (1, -1)


@dataclass(frozen=True)
class CollectionSource:
    """See :class:`argon.rewrite.source.Source`."""

    view: View
    record: CollectionRecord | None
    stages: Sequence[Mapping[str, Any]] = ()

    @property
    def store(self) -> str | None:
        """The physical collection, or None where the logical one does not exist."""
        return None if self.record is None else self.record.store

    @property
    def empty_store(self) -> str:
        """What to read where there is no store."""
        return NO_STORE

    @property
    def legs(self) -> Sequence[Leg]:
        """The parts of the view, ancestors first."""
        return self.view.legs

    @property
    def match_all(self) -> dict[str, Any]:
        """One filter that holds for exactly the visible rows."""
        return self.view.match_all

    def seekable(self, paths: Mapping[str, Any], sort: Sequence[tuple[str, Any]] | None = None) -> bool:
        """Whether an index serves a filter on these paths, or this order."""
        leading = {"_id"}
        if self.record is not None:
            leading |= {
                index.key[0][0]
                for index in self.record.indexes
                if index.key[0][1] in _ORDERED or index.key[0][1] == "hashed"
            }
        if any(kind in ("equality", "range") and path in leading for path, kind in paths.items()):
            return True
        return bool(sort) and sort is not None and sort[0][0] in leading and sort[0][1] in _ORDERED

    def order_bound(self, query: Mapping[str, Any], sort: Sequence[tuple[str, Any]] | None) -> dict[str, Any]:
        """See :meth:`argon.rewrite.source.Source.order_bound`."""
        if not sort or self.record is None or self.serves(query):
            return {}
        path, direction = sort[0]
        if "." in path or direction not in _ORDERED:
            return {}  # on a path through an array, not every document meets the condition
        indexes = [index for index in self.record.indexes if index.key[0][0] == path]
        if any("partialFilterExpression" in index.options or "sparse" in index.options for index in indexes):
            return {}  # such an index could be taken to serve the condition, and leave documents out
        if path != "_id" and not any(index.key[0][1] in _ORDERED for index in indexes):
            return {}
        return {prefix_path(path): {"$gte": MinKey()}}

    def serves(self, query: Mapping[str, Any], sort: Sequence[tuple[str, Any]] | None = None) -> bool:
        """Whether an index serves a whole filter, its alternatives included."""
        if self.seekable(required_paths(query), sort):
            return True
        clauses = or_clauses(query)
        return bool(clauses) and all(self.serves(clause) for clause in clauses)
