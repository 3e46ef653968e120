"""The states that a document has been in, newest first."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bson.raw_bson import RawBSONDocument

from argon.engine.snapshot import Snapshot
from argon.history.spans import Span, Spans
from argon.history.stays import Stay
from argon.io import Operation


@dataclass(frozen=True)
class State:
    """What a document was from an LSN on.

    Attributes:
        lsn: The LSN.
        document: The document; None where it was gone.
        collection: The name of its collection, for what happened to that.
        inserted: Whether the document came into being with it.
    """

    lsn: int
    document: RawBSONDocument | None
    collection: str
    inserted: bool = False


class States:
    """Reads a document's states one by one, each with one lookup into the store's index at most.

    Args:
        snapshot: The branch at the moment from which to look back.
        stays: Where the collection's documents have been.
        identity: The document's ``_id``.
    """

    def __init__(self, snapshot: Snapshot, stays: Sequence[Stay], identity: Any) -> None:
        self._snapshot = snapshot
        self._stays = deque(stay for stay in stays if stay.store)
        self._identity = identity
        self._spans: Spans | None = None
        self._found: deque[State] = deque()
        self._newer: int | None = None
        """Where the state that was found last began."""
        self._life: int | None = None
        """The birth of the document in the version that was found last, while the collection is the same."""

    def next(self) -> Operation[State | None]:
        """Return the state before the one that was returned last; None is the end."""
        while not self._found and self._stays:
            stay = self._stays[0]
            if self._spans is None:
                self._spans = Spans(self._snapshot, stay.store, self._identity)
            page = yield from self._spans.next()
            for span in page:
                self._take(stay, span)
            if not page:
                self._stays.popleft()
                self._spans = self._life = None
        return self._found.popleft() if self._found else None

    def _take(self, stay: Stay, span: Span) -> None:
        end = stay.end
        if span.end is not None and (end is None or span.end < end):
            end = span.end
        begin = max(span.begin, stay.begin)
        if end is not None and end <= begin:
            return  # it was over before the collection came to be here
        # Between two versions of one life others may be no longer held.
        if end is not None and end != self._newer and span.born != self._life:
            self._found.append(State(end, None, stay.name))
        self._found.append(State(begin, span.document, stay.name, span.born == begin))
        self._newer, self._life = begin, span.born
