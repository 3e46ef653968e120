"""What history, blame and bisect tell their callers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from argon.merging.results import FieldChange


@dataclass(frozen=True)
class DocumentVersion:
    """One step in the life of a document.

    Attributes:
        lsn: The entry that made it.
        operation: ``insert``, ``update`` or ``delete``; where a document came or went with its
            collection, what was done to that, such as ``drop_collection``.
        space: The namespace.
        collection: The collection's name at that time.
        id: The document's ``_id``.
        document: The document from then on; None where it was gone.
        fields: What an update changed.
        time: When; None where the log no longer tells.
        branch: The branch that it was written on.
        author: Who.
        message: Why.
        commit: The last LSN of the commit.
    """

    lsn: int
    operation: str
    space: str
    collection: str
    id: Any
    document: dict[str, Any] | None
    fields: list[FieldChange] = field(default_factory=list)
    time: datetime | None = None
    branch: str | None = None
    author: str | None = None
    message: str | None = None
    commit: int = 0


@dataclass(frozen=True)
class FieldBlame:
    """Who gave a field of a document the value that it has.

    Attributes:
        path: Its dotted path.
        value: Its value.
        lsn: The entry since which it has had this value without a break.
        operation: What that entry did.
        time: When; None where the log no longer tells.
        branch: The branch that it was written on.
        author: Who.
        message: Why.
        commit: The last LSN of the commit.
    """

    path: str
    value: Any
    lsn: int
    operation: str
    time: datetime | None = None
    branch: str | None = None
    author: str | None = None
    message: str | None = None
    commit: int = 0


class Verdict(StrEnum):
    """What a test says of a state."""

    GOOD = "good"
    BAD = "bad"
    SKIP = "skip"
    """It cannot be tested."""


@dataclass(frozen=True)
class BisectStep:
    """One state that was tested.

    Attributes:
        lsn: The state.
        verdict: What the test said of it.
        left: How many commits may still be the first bad one.
    """

    lsn: int
    verdict: Verdict
    left: int


@dataclass(frozen=True)
class BisectResult:
    """The first bad commit, or those among which it is.

    Attributes:
        lsn: The first bad commit, by its last LSN; None where states that could not be tested hide it.
        good_lsn: The last good state before it.
        candidates: The commits that may be the first bad one: one, or more where some could not be tested.
        commits: How many commits there were to search.
        steps: The states that were tested, in order.
        time: When the commit was made.
        branch: The branch that it was made on.
        author: Who made it.
        message: Why.
        operations: How many entries of each kind it has.
    """

    lsn: int | None
    good_lsn: int
    candidates: list[int]
    commits: int
    steps: list[BisectStep]
    time: datetime | None = None
    branch: str | None = None
    author: str | None = None
    message: str | None = None
    operations: Mapping[str, int] = field(default_factory=dict)
