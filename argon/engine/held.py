"""Cursors between two commands, by their numbers: those of a server are any client's to read and to close."""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakValueDictionary

from argon.io import ThreadWorld, World

if TYPE_CHECKING:
    from argon.commands.changes import Changes
    from argon.commands.held import Held


class HeldCursors(dict[int, "Held | Changes"]):
    """Cursors that commands have begun and nobody has read to the end."""


_shared: WeakValueDictionary[str, HeldCursors] = WeakValueDictionary()
"""By the place of the database: the same name on another server is another database."""
_on_loops: WeakKeyDictionary[AbstractEventLoop, WeakValueDictionary[str, HeldCursors]] = WeakKeyDictionary()


def held_cursors(place: str, world: World) -> HeldCursors:
    """Return the cursors over a database, which the clients of a process share while one of them is there.

    A cursor on an event loop is of that loop, and of the clients on it.

    Args:
        place: The servers, and the database that everything is kept in.
        world: Threads or an event loop.
    """
    if isinstance(world, ThreadWorld):
        return _shared.setdefault(place, HeldCursors())
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return HeldCursors()
    return _on_loops.setdefault(loop, WeakValueDictionary()).setdefault(place, HeldCursors())
