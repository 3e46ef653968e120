"""What updates and deletes are asked for, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo.errors import PyMongoError


@dataclass
class UpdateSpec:
    """An update in the user's terms.

    Attributes:
        filter: Which documents.
        update: Operators, a pipeline, or a replacement.
        many: All of them, or the first.
        upsert: Insert one where none matches.
        array_filters: For ``$[name]``.
        collation: For comparisons of strings.
        hint: Which index finds them.
        sort: Which is the first.
        let: Variables.
        projection: Of what is returned, for the find-and-modify family.
        returns: None for plain updates; else whether the document after it is returned.
        max_time_ms: How long it may take.
    """

    filter: Mapping[str, Any]
    update: Any
    many: bool = False
    upsert: bool = False
    array_filters: Sequence[Mapping[str, Any]] | None = None
    collation: Any = None
    hint: Any = None
    sort: list[tuple[str, Any]] | None = None
    let: Mapping[str, Any] | None = None
    projection: Any = None
    returns: bool | None = None
    max_time_ms: Any = None

    @property
    def exact_only(self) -> bool:
        """Whether rows cannot be updated in place, whatever the update says."""
        return self.let is not None or (self.is_find_and_modify and self.projection is not None)

    @property
    def is_find_and_modify(self) -> bool:
        """Whether it is one of the find-and-modify family."""
        return self.returns is not None


@dataclass
class Updated:
    """What became of an update.

    Attributes:
        matched: Documents that the filter matched.
        modified: Documents that changed.
        upserted: Whether one was inserted, and
        upserted_id: its ``_id``.
        document: What find-and-modify returns: raw before or after, or projected already.
        projected: Whether ``document`` has been through the user's projection and codec.
        error: A failure after some documents had been updated.
        left: Whether there is more to do than one commit holds.
    """

    matched: int = 0
    modified: int = 0
    upserted: bool = False
    upserted_id: Any = None
    document: Any = None
    projected: bool = False
    error: PyMongoError | None = None
    left: bool = False


@dataclass
class DeleteSpec:
    """A delete in the user's terms; see :class:`UpdateSpec`."""

    filter: Mapping[str, Any]
    many: bool = False
    collation: Any = None
    hint: Any = None
    sort: list[tuple[str, Any]] | None = None
    let: Mapping[str, Any] | None = None
    projection: Any = None
    returns: bool = False
    max_time_ms: Any = None

    @property
    def is_find_and_modify(self) -> bool:
        """Whether it is one of the find-and-modify family."""
        return self.returns


@dataclass
class Deleted:
    """What became of a delete.

    Attributes:
        count: Documents deleted.
        document: What find-and-delete returns.
        projected: Whether it has been through the user's projection and codec.
        left: Whether there is more to do than one commit holds.
    """

    count: int = 0
    document: Any = None
    projected: bool = False
    left: bool = False
