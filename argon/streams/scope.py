"""What is watched, and which events belong to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from argon.wal.log import DEFAULT_SPACE

if TYPE_CHECKING:
    from argon.streams.events import Event

INVALIDATE = "invalidate"
DROP_DATABASE = "dropDatabase"


@dataclass(frozen=True)
class Scope:
    """What a stream watches.

    Attributes:
        space: The namespace within the branch.
        collection: The collection; None for all of them.
        everything: Whether the default branches of all projects are watched.
        expanded: Whether changes of the catalogue are told of.
    """

    space: str
    collection: str | None = None
    everything: bool = False
    expanded: bool = False

    def admits(self, event: Event) -> bool:
        """Whether an event belongs to the stream."""
        if event.kind == INVALIDATE:
            return not self.everything and (event.ends_all or self._names(event))
        if event.kind == DROP_DATABASE:
            return self.collection is None
        if event.expanded and not self.expanded:
            return False
        return event.space == self.space and (self.collection is None or self._names(event))

    def _names(self, event: Event) -> bool:
        return event.space == self.space and self.collection in event.names

    def projection(self) -> dict[str, Any] | None:
        """Return what to read of entries: for one collection, no images of the others' documents."""
        if self.collection is None:
            return None
        here = [
            {"$eq": ["$collection", {"$literal": self.collection}]},
            {"$eq": [{"$ifNull": ["$space", DEFAULT_SPACE]}, self.space]},
        ]
        ours = {
            "$or": [
                {"$and": here},
                {"$not": [{"$in": ["$operation", ["insert", "update", "delete"]]}]},
            ]
        }
        images: dict[str, Any] = {
            name: {"$cond": [ours, f"${name}", "$$REMOVE"]}
            for name in ("document", "old_document", "old_fields")
        }
        return dict.fromkeys(_PLAIN_FIELDS, 1) | images


_PLAIN_FIELDS = (
    "lsn",
    "timestamp",
    "micros",
    "branch_id",
    "project_id",
    "prev_lsn",
    "operation",
    "space",
    "collection",
    "document_id",
    "touched",
    "commit",
)
