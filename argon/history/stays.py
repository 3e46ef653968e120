"""The collections that a name has stood for, each with the time for which its documents count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bson import ObjectId

from argon.catalog.tables import COLLECTIONS
from argon.engine.snapshot import Snapshot
from argon.history.entries import Entries
from argon.history.spans import Span, all_spans
from argon.io import Operation

Name = tuple[str, str]


@dataclass(frozen=True)
class Stay:
    """A time for which one physical store held the documents.

    Attributes:
        store: The physical collection; empty for a view.
        begin: The LSN at which that began.
        end: The LSN that ended it; None if it is still so.
        name: The collection's last name in this time.
    """

    store: str
    begin: int
    end: int | None
    name: str


class Stays:
    """Follows a collection back: itself under all its names, before it what was dropped under its name.

    Args:
        snapshot: The branch at the moment from which to look back.
        entries: The log.
    """

    def __init__(self, snapshot: Snapshot, entries: Entries) -> None:
        self._snapshot = snapshot
        self._entries = entries
        self._versions: dict[ObjectId, list[Span]] = {}

    def of(self, space: str, name: str) -> Operation[list[Stay]]:
        """Return where the documents of a collection have been, newest first.

        Args:
            space: Its namespace.
            name: Its name at the moment, or the last name of one that is gone.
        """
        for span in (yield from all_spans(self._snapshot, COLLECTIONS)):
            self._versions.setdefault(span.document["_id"], []).append(span)
        found: list[Stay] = []
        last = max(self._named((space, name)), key=_end_or_never, default=None)
        end = None if last is None else last.end
        while last is not None:
            first, before, handed_over = yield from self._back(last)
            found.append(Stay(last.document["store"], first.begin, end, last.document["name"]))
            last, end = before, handed_over
        return found

    def _back(self, last: Span) -> Operation[tuple[Span, Span | None, int | None]]:
        """Go back to where a collection began under its name.

        Returns:
            Its first version, the last one of what had the name before, and the LSN that ended that.
        """
        span = last
        while True:
            older = _last_by(span.begin, self._of(span))
            if older is not None and self._was_dropped(older):
                older = None
            before = self._dropped_by(span.begin, _name(span))
            if older is None:
                return span, before, None if before is None else before.end
            if before is not None and before.end is not None and _name(older) != _name(span):
                entry = yield from self._entries.find(before.end)
                if entry.get("commit", before.end) >= span.begin:
                    # It was renamed to the place of another one, as by $out: that ended with this step.
                    return span, before, span.begin
            span = older

    def _of(self, span: Span) -> list[Span]:
        return self._versions[span.document["_id"]]

    def _named(self, name: Name) -> Iterator[Span]:
        return (span for spans in self._versions.values() for span in spans if _name(span) == name)

    def _dropped_by(self, lsn: int, name: Name) -> Span | None:
        """Return the last version of what was dropped last under a name, by an LSN."""
        return _last_by(lsn, [span for span in self._named(name) if self._was_dropped(span)])

    def _was_dropped(self, span: Span) -> bool:
        """Whether a version was the last one of its life; what followed it need not be held any more."""
        return span.end is not None and all(
            one.born != span.born or one.begin < span.end for one in self._of(span)
        )


def _last_by(lsn: int, spans: list[Span]) -> Span | None:
    ended = [span for span in spans if span.end is not None and span.end <= lsn]
    return max(ended, key=_end_or_never, default=None)


def _name(span: Span) -> Name:
    return span.document["space"], span.document["name"]


def _end_or_never(span: Span) -> float:
    return float("inf") if span.end is None else span.end
