"""What a hook is asked about: a merge or a commit that has not been written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.json_util import RELAXED_JSON_OPTIONS, dumps

from argon.catalog.tables import COLLECTIONS
from argon.wal.change import Change

Event = Literal["pre-commit", "pre-merge"]

_PLAIN: CodecOptions[dict[str, Any]] = CodecOptions(
    tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)


@dataclass(frozen=True)
class ProposedChange:
    """One change that is about to be written.

    Attributes:
        operation: The log's name of it: ``insert``, ``update``, ``delete``, ``create_collection`` …
        space: Namespace within the branch.
        collection: The collection.
        id: The document's ``_id``; None for a change of the collection itself.
        before: The document before, or the collection's options and indexes; None where there is none.
        after: The same afterwards.
    """

    operation: str
    space: str
    collection: str
    id: Any
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True)
class Proposal:
    """A commit or a merge that has not been written.

    Attributes:
        event: ``pre-commit`` or ``pre-merge``.
        project: The project's name.
        branch: The branch that would be written to.
        author: Who.
        message: Why.
        changes: What would be written, collections first.
        source: The branch to be merged; None for a commit.
        source_lsn: Its last LSN that counts.
        base_lsn: The LSN of the merge base.
    """

    event: Event
    project: str
    branch: str
    author: str | None
    message: str | None
    changes: Sequence[ProposedChange] = field(repr=False)
    source: str | None = None
    source_lsn: int | None = None
    base_lsn: int | None = None

    def lines(self) -> Iterator[str]:
        """Write the changes as relaxed extended JSON, one in each line."""
        for change in self.changes:
            yield dumps(vars(change), json_options=RELAXED_JSON_OPTIONS, ensure_ascii=False) + "\n"


def proposed(changes: Iterable[Change]) -> list[ProposedChange]:
    """Tell of changes what hooks get.

    Args:
        changes: With their images; what has no rows, or turned out to be nothing, is left out.
    """
    return [_proposed(change) for change in changes if change.store and not change.noop]


def _proposed(change: Change) -> ProposedChange:
    before: Mapping[str, Any] | None = _decoded(None if change.before is None else change.before["d"])
    after: Mapping[str, Any] | None = _decoded(change.after)
    identity = (after or before or {}).get("_id")
    if change.store == COLLECTIONS:
        identity, before, after = None, _definition(before), _definition(after)
    return ProposedChange(str(change.operation), change.space, change.collection, identity, before, after)


def _definition(record: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    kept = ("name", "kind", "options", "indexes")
    return None if record is None else {name: record[name] for name in kept if name in record}


def _decoded(document: Any) -> dict[str, Any] | None:
    return None if document is None else bson.decode(document.raw, _PLAIN)
