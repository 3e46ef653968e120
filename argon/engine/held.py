"""Cursors between two commands, by their numbers: those of a server are any client's to read and to close."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from argon.io import ThreadWorld, World

if TYPE_CHECKING:
    from argon.engine.commands.changes import Changes
    from argon.engine.commands.held import Held


class HeldCursors(dict[int, "Held | Changes"]):
    """Cursors that commands have begun and nobody has read to the end."""


_shared: WeakValueDictionary[str, HeldCursors] = WeakValueDictionary()
"""By the place of the database: the same name on another server is another database."""


def held_cursors(place: str, world: World) -> HeldCursors:
    """Return the cursors over a database, which the clients of a process share while one of them is there.

    A cursor on an event loop is of that loop, and so of its own client.

    Args:
        place: The servers, and the database that everything is kept in.
        world: Threads or an event loop.
    """
    return _shared.setdefault(place, HeldCursors()) if isinstance(world, ThreadWorld) else HeldCursors()
