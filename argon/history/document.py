"""All versions of a document along a branch's lineage, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from argon.history.entries import Entries
from argon.history.results import DocumentVersion
from argon.history.states import State, States
from argon.history.stays import Stays
from argon.io import Operation
from argon.merging.fields import field_changes
from argon.merging.states import plain, value_of
from argon.models.entry import DOCUMENT_OPERATIONS
from argon.models.entry import Operation as Kind
from argon.timetravel.place import Place
from argon.wal.log import DEFAULT_SPACE

if TYPE_CHECKING:
    from argon.engine.engine import Engine


class History:
    """The versions of one document, one by one.

    They are read from the version rows, whose index leads to them, and the log
    tells of each one by its LSN: it costs what the document has versions.

    Args:
        engine: The engine.
        place: The branch and the moment from which to look back.
        collection: The collection's name there, or the last name of one that is gone.
        identity: The document's ``_id``.
        space: The collection's namespace.
    """

    def __init__(
        self, engine: Engine, place: Place, collection: str, identity: Any, space: str = DEFAULT_SPACE
    ) -> None:
        self._engine = engine
        self._place = place
        self._collection = collection
        self._identity = identity
        self._space = space
        self._entries = Entries(engine, place.branch.project_id)
        self._states: States | None = None
        self._state: State | None = None

    def next(self) -> Operation[DocumentVersion | None]:
        """Return the next older version; None is the end."""
        if self._states is None:
            self._states = yield from states_of(
                self._engine, self._place, self._entries, self._collection, self._identity, self._space
            )
            self._state = yield from self._states.next()
        state = self._state
        if state is None:
            return None
        self._state = yield from self._states.next()
        return (yield from self._version(state, None if self._state is None else self._state.document))

    def _version(self, state: State, before: Any) -> Operation[DocumentVersion]:
        entry = yield from self._entries.find(state.lsn)
        after = state.document
        operation = entry.get("operation", Kind.UPDATE)
        about_document = operation in DOCUMENT_OPERATIONS
        if about_document:  # the log may call an insert what is the first that it still holds
            operation = Kind.DELETE if after is None else Kind.INSERT if state.inserted else Kind.UPDATE
        return DocumentVersion(
            state.lsn,
            str(operation),
            self._space,
            entry.get("collection", state.collection) if about_document else state.collection,
            plain(self._identity),
            value_of(after),
            [] if before is None or after is None else field_changes(before, after),
            **(yield from self._entries.credits(entry, state.lsn)),
        )


def states_of(
    engine: Engine, place: Place, entries: Entries, collection: str, identity: Any, space: str
) -> Operation[States]:
    """Begin to read a document's states.

    Args:
        engine: The engine.
        place: The branch and the moment from which to look back.
        entries: The log.
        collection: The collection's name there.
        identity: The document's ``_id``.
        space: The collection's namespace.
    """
    snapshot = yield from place.state(engine)
    stays = yield from Stays(snapshot, entries).of(space, collection)
    return States(snapshot, stays, identity)
