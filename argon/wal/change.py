"""A planned change to one document, before it has an LSN."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bson.raw_bson import RawBSONDocument

from argon.io import Operation
from argon.versions.elements import Elements
from argon.versions.layout import Row, size_of


@dataclass(slots=True)
class Change:
    """One document of one store, before and after.

    Attributes:
        operation: The log's name of it.
        space: Namespace.
        collection: Logical name.
        store: The physical collection of the rows; empty for a record in the log alone.
        document_id: The ``_id`` as it is.
        before: The visible row as it was read; None for an insert, and while ``seek`` has yet to find it.
        seek: A filter by which a delete, or an update of which ``effect`` is known, finds the
            branch's own row in the transaction itself.
        effect: Gives the elements of the post-image of ``in_place`` from those of the pre-image, or None
            where only the server knows it.
        old_fields: What ``effect`` changes, as it was; see :mod:`argon.wal.images`.
        inherited: Whether ``before`` belongs to an ancestor of the branch.
        after: The post-image; None for a delete, and while ``in_place`` has yet to be evaluated.
        in_place: An update for the server to run on the row itself, on ``d.`` paths.
        array_filters: Of ``in_place``.
        collation: Of ``in_place``.
        noop: Set when the update turned out to change nothing.
        touched: Which fields an update named, where that is known (see :mod:`argon.rewrite.touched`).
        lsn: What it got when it was written last.
    """

    operation: str
    space: str
    collection: str
    store: str
    document_id: Any
    before: Row | None = None
    inherited: bool = False
    after: RawBSONDocument | None = None
    in_place: Mapping[str, Any] | None = None
    array_filters: list[Mapping[str, Any]] | None = None
    collation: Any = None
    noop: bool = False
    touched: tuple[str, ...] | None = None
    seek: Mapping[str, Any] | None = None
    effect: Callable[[Elements], Elements | None] | None = None
    old_fields: RawBSONDocument | None = None
    lsn: int = 0

    def size(self) -> int:
        """Return roughly how many bytes the change adds to a transaction."""
        after = 0 if self.after is None else len(self.after.raw)
        return after + (size_of(self.before) if self.before is not None else 0)


Check = Callable[[Any], Operation[None]]
"""Looks, inside the transaction and after the rows are written, for what the commit may not do."""


@dataclass(slots=True)
class Plan:
    """What a write comes to at one head: changes, and the reply once they have landed.

    Attributes:
        changes: What is written.
        reply: Makes the reply.
        check: Looks at what was written.
        alone: Whether no other writer's changes may land with these, be they of other documents.
    """

    changes: list[Change] = field(default_factory=list)
    reply: Callable[[], Any] = field(default=lambda: None)
    check: Check | None = None
    alone: bool = False

    @property
    def writes(self) -> bool:
        """Whether there is anything to be written."""
        return bool(self.changes)


@dataclass(slots=True)
class LargePlan(Plan):
    """A write that is too much for one transaction, and is to be one commit all the same.

    See :class:`argon.engine.large.LargeCommit`. ``changes`` stays empty, and ``check`` runs in the small
    transaction that publishes it.

    Attributes:
        pages: Returns the changes page by page; an empty page is the end. No two changes are about one
            document, and none is to be evaluated by the server.
        limit: There are at most so many.
        last: The change that comes last, with the publication; it may be one for the log alone.
        inspect: Looks at the state that would be published, for what the commit may not do.
    """

    pages: Callable[[], Operation[list[Change]]] = field(kw_only=True)
    limit: int = field(kw_only=True)
    last: Change = field(kw_only=True)
    inspect: Callable[[Any], Operation[None]] | None = field(default=None, kw_only=True)

    @property
    def writes(self) -> bool:
        """Whether there is anything to be written."""
        return True


@dataclass(slots=True)
class Commit:
    """The changes of one writer, which carry its author and message."""

    changes: list[Change]
    author: str | None = None
    message: str | None = None
    check: Check | None = None


Planner = Callable[[Any, bool], Operation[Plan]]
"""Plans a write at a snapshot; the flag asks for the careful form, after the quick one failed."""
