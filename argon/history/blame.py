"""Which entry gave each field of a document the value that it has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from argon.errors import NotFound
from argon.history.document import states_of
from argon.history.entries import Entries
from argon.history.results import FieldBlame
from argon.io import Operation
from argon.merging.fields import body, is_document, join, value
from argon.merging.states import plain
from argon.timetravel.place import Place
from argon.versions.elements import elements
from argon.wal.log import DEFAULT_SPACE

if TYPE_CHECKING:
    from argon.engine.engine import Engine

Leaves = dict[tuple[bytes, ...], bytes]


def blame(
    engine: Engine, place: Place, collection: str, identity: Any, space: str = DEFAULT_SPACE
) -> Operation[list[FieldBlame]]:
    """Go back through a document's versions until every field has been seen to change.

    Args:
        engine: The engine.
        place: The branch and the moment at which the document is looked at.
        collection: The collection's name there.
        identity: The document's ``_id``.
        space: The collection's namespace.

    Returns:
        The fields in the document's order. Nested documents are looked into; an
        array, and an empty document, is one value.

    Raises:
        NotFound: The document is not there.
    """
    entries = Entries(engine, place.branch.project_id)
    states = yield from states_of(engine, place, entries, collection, identity, space)
    state = yield from states.next()
    if state is None or state.document is None:
        about = f"{collection} has no document with the _id {plain(identity)!r} at {place}"
        raise NotFound(about if state is None else f"{about}: it was gone at LSN {state.lsn}")
    wanted = dict(leaves(bytes(state.document.raw)))
    found: dict[tuple[bytes, ...], int] = {}
    while len(found) < len(wanted):
        older = yield from states.next()
        before = {} if older is None or older.document is None else dict(leaves(bytes(older.document.raw)))
        for path, element in wanted.items():
            if path not in found and before.get(path) != element:
                found[path] = state.lsn
        if older is None:
            break
        state = older
    credited: dict[int, dict[str, Any]] = {}
    for lsn in dict.fromkeys(found.values()):
        entry = yield from entries.find(lsn)
        told = yield from entries.credits(entry, lsn)
        credited[lsn] = {"operation": entry.get("operation", "update"), **told}
    return [
        FieldBlame(dotted(path), value(element), found[path], **credited[found[path]])
        for path, element in wanted.items()
    ]


def leaves(document: bytes, at: tuple[bytes, ...] = ()) -> Iterator[tuple[tuple[bytes, ...], bytes]]:
    """Yield the innermost fields of a document, each with its path and its element."""
    for name, element in elements(document):
        inner = body(element) if is_document(element) else b""
        if len(inner) > len(_EMPTY):
            yield from leaves(inner, (*at, name))
        else:
            yield (*at, name), element


_EMPTY = b"\x05\x00\x00\x00\x00"


def dotted(path: tuple[bytes, ...]) -> str:
    """Write a path with dots."""
    text = ""
    for name in path:
        text = join(text, name)
    return text
