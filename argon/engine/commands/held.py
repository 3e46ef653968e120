"""Cursors of commands: a first batch in the reply, the others by ``getMore``."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bson import Int64
from pymongo.errors import CursorNotFound

from argon.engine.commands.request import Command, Reply, Request, check_fields, required
from argon.engine.cursors import close, next_batch
from argon.engine.find import Materialized, Opened
from argon.io import Operation

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_IDLE = 600.0
"""Seconds after which the server, too, forgets a cursor that nobody has read from."""
_FIRST = 101
"""How many documents the server puts into a first batch."""


@dataclass
class Held:
    """A cursor between two commands.

    Attributes:
        opened: The physical cursor.
        namespace: Whose documents it gives.
        waiting: Documents that were read and not yet given.
        used: When it was last read from.
    """

    opened: Opened
    namespace: str
    waiting: list[Any] = field(default_factory=list)
    used: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> bool:
        """Whether there is nothing more to give."""
        return not self.waiting and not self.opened.cursor.alive

    def fill(self, size: int | None) -> Operation[None]:
        """Read until there are ``size`` documents, or one reply of the server where that is None."""
        while self.opened.cursor.alive and len(self.waiting) < (1 if size is None else size):
            batch = yield from next_batch(self.opened.cursor)
            self.waiting += [row["d"] for row in batch] if self.opened.wrapped else batch

    def take(self, size: int | None) -> list[Any]:
        """Give documents."""
        end = len(self.waiting) if size is None else size
        taken, self.waiting = self.waiting[:end], self.waiting[end:]
        self.used = time.monotonic()
        return taken


def cursor_reply(request: Request, name: str, opened: Opened, size: int | None) -> Operation[Reply]:
    """Return the reply that begins a cursor.

    Args:
        request: Where the command runs.
        name: The collection.
        opened: The physical cursor, of which nothing has been read.
        size: The size of the first batch; None for the server's choice.
    """
    held = Held(opened, request.namespace(name))
    size = _FIRST if size is None else size
    yield from held.fill(size)
    batch = held.take(size)
    return {"cursor": {"firstBatch": batch, "id": _keep(request, held), "ns": held.namespace}, "ok": 1.0}


def listed(request: Request, name: str, documents: Sequence[Any], command: Command) -> Operation[Reply]:
    """Return the reply that begins a cursor over documents that are at hand."""
    size = (command.get("cursor") or {}).get("batchSize")
    return (yield from cursor_reply(request, name, Opened(Materialized(list(documents)), False), size))


def get_more(request: Request, command: Command) -> Operation[Reply]:
    """Run ``getMore``."""
    check_fields(command, frozenset({"collection", "batchSize", "term", "lastKnownCommittedOpTime"}))
    number = int(command["getMore"])
    held = _cursors(request).get(number)
    if held is None or held.namespace != request.namespace(required(command, "collection")):
        text = f"cursor id {number} not found"
        raise CursorNotFound(text, 43, {"code": 43, "codeName": "CursorNotFound", "errmsg": text})
    size = command.get("batchSize") or None
    yield from held.fill(size)
    batch = held.take(size)
    if held.done:
        del _cursors(request)[number]
        number = 0
    return {"cursor": {"nextBatch": batch, "id": Int64(number), "ns": held.namespace}, "ok": 1.0}


def kill_cursors(request: Request, command: Command) -> Operation[Reply]:
    """Run ``killCursors``."""
    killed, unknown = [], []
    for number in required(command, "cursors"):
        held = _cursors(request).pop(int(number), None)
        if held is None:
            unknown.append(number)
        else:
            yield from close(held.opened.cursor)
            killed.append(number)
    return {
        "cursorsKilled": killed,
        "cursorsNotFound": unknown,
        "cursorsAlive": [],
        "cursorsUnknown": [],
        "ok": 1.0,
    }


def _keep(request: Request, held: Held) -> Int64:
    """Keep a cursor for ``getMore``, and forget those that nobody came back for."""
    if held.done:
        return Int64(0)
    cursors = _cursors(request)
    now = time.monotonic()
    for number in [number for number, other in cursors.items() if now - other.used > _IDLE]:
        del cursors[number]
    number = Int64(random.getrandbits(62) + 1)
    cursors[number] = held
    return number


def _cursors(request: Request) -> dict[int, Held]:
    engine: Engine = request.handle.line.engine
    return engine.held_cursors
