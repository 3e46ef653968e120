"""The states that a document has been in, newest first."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bson.raw_bson import RawBSONDocument

from argon.engine.snapshot import Snapshot
from argon.history.entries import Entries
from argon.history.spans import Span, Spans
from argon.history.stays import Stay
from argon.io import Operation
from argon.models.entry import Operation as Kind

_WRITES = (Kind.INSERT, Kind.UPDATE)


@dataclass(frozen=True)
class State:
    """What a document was from an LSN on.

    Attributes:
        lsn: The LSN.
        document: The document; None where it was gone.
        collection: The name of its collection, for what happened to that.
    """

    lsn: int
    document: RawBSONDocument | None
    collection: str


class States:
    """Reads a document's states one by one, each with one lookup into the store's index at most.

    Args:
        snapshot: The branch at the moment from which to look back.
        entries: The log.
        stays: Where the collection's documents have been.
        identity: The document's ``_id``.
    """

    def __init__(self, snapshot: Snapshot, entries: Entries, stays: Sequence[Stay], identity: Any) -> None:
        self._snapshot = snapshot
        self._entries = entries
        self._stays = deque(stay for stay in stays if stay.store)
        self._identity = identity
        self._spans: Spans | None = None
        self._found: deque[State] = deque()
        self._newer: int | None = None
        """Where the state that was found last began."""

    def next(self) -> Operation[State | None]:
        """Return the state before the one that was returned last; None is the end."""
        while not self._found and self._stays:
            stay = self._stays[0]
            if self._spans is None:
                self._spans = Spans(self._snapshot, stay.store, self._identity)
            page = yield from self._spans.next()
            for span in page:
                yield from self._take(stay, span)
            if not page:
                self._stays.popleft()
                self._spans = None
        return self._found.popleft() if self._found else None

    def _take(self, stay: Stay, span: Span) -> Operation[None]:
        end = stay.end
        if span.end is not None and (end is None or span.end < end):
            end = span.end
        begin = max(span.begin, stay.begin)
        if end is not None and end <= begin:
            return  # it was over before the collection came to be here
        if end is not None and end != self._newer and (yield from self._ended(end)):
            self._found.append(State(end, None, stay.name))
        self._found.append(State(begin, span.document, stay.name))
        self._newer = begin

    def _ended(self, lsn: int) -> Operation[bool]:
        """Whether a document was gone from an LSN on; what followed may also be no longer held."""
        entry = yield from self._entries.find(lsn)
        return bool(entry) and entry["operation"] not in _WRITES
