"""Cursors of commands: a first batch in the reply, the others by ``getMore``."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bson import Int64
from pymongo.errors import CursorNotFound

from argon.commands.request import Command, Reply, Request, check_fields, required
from argon.engine.cursors import Materialized, close, next_batch, resize
from argon.engine.find import Opened
from argon.io import Operation

if TYPE_CHECKING:
    from argon.commands.changes import Changes
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
            self.add((yield from next_batch(self.opened.cursor)))

    def add(self, batch: Sequence[Any]) -> None:
        """Take what was read of the physical cursor."""
        self.waiting += [row["d"] for row in batch] if self.opened.wrapped else batch

    def more(self, size: int | None, _patience: float | None) -> Operation[list[Any]]:
        """Return the next documents."""
        resize(self.opened.cursor, size)
        yield from self.fill(size)
        return self.take(size)

    def token(self) -> None:
        """Return None: this is no change stream."""

    def close(self) -> Operation[None]:
        """Close the physical cursor."""
        yield from close(self.opened.cursor)

    def take(self, size: int | None) -> list[Any]:
        """Give documents."""
        end = len(self.waiting) if size is None else size
        taken, self.waiting = self.waiting[:end], self.waiting[end:]
        return taken


def cursor_reply(
    request: Request, name: str, opened: Opened, size: int | None, first: Sequence[Any] = ()
) -> Operation[Reply]:
    """Return the reply that begins a cursor.

    Args:
        request: Where the command runs.
        name: The collection.
        opened: The physical cursor.
        size: The size of the first batch; None for the server's choice.
        first: What has been read of it.
    """
    held = Held(opened, request.namespace(name))
    held.add(first)
    size = _FIRST if size is None else size
    yield from held.fill(size)
    batch = held.take(size)
    return cursor_of("firstBatch", batch, keep(request.handle.line.engine, held), held)


def listed(request: Request, name: str, documents: Sequence[Any], command: Command) -> Operation[Reply]:
    """Return the reply that begins a cursor over documents that are at hand."""
    size = (command.get("cursor") or {}).get("batchSize")
    return (yield from cursor_reply(request, name, Opened(Materialized(list(documents)), False), size))


def get_more(request: Request, command: Command) -> Operation[Reply]:
    """Run ``getMore``."""
    return (yield from more_of(request.handle.line.engine, request.database, command))


def more_of(engine: Engine, database: str, command: Command) -> Operation[Reply]:
    """Run ``getMore`` on a database.

    Raises:
        CursorNotFound: Nobody has begun such a cursor there, or it has come to its end.
    """
    check_fields(command, frozenset({"collection", "batchSize", "term", "lastKnownCommittedOpTime"}))
    number = int(command["getMore"])
    held = engine.held_cursors.get(number)
    if held is None or held.namespace != f"{database}.{required(command, 'collection')}":
        text = f"cursor id {number} not found"
        raise CursorNotFound(text, 43, {"code": 43, "codeName": "CursorNotFound", "errmsg": text})
    milliseconds = command.get("maxTimeMS")
    patience = None if milliseconds is None else milliseconds / 1000
    held.used = time.monotonic()
    batch = yield from held.more(command.get("batchSize") or None, patience)
    held.used = time.monotonic()
    if held.done:
        engine.held_cursors.pop(number, None)
        number = 0
    return cursor_of("nextBatch", batch, Int64(number), held)


def cursor_of(field: str, batch: list[Any], number: Int64, held: Held | Changes) -> Reply:
    """Return a reply with documents of a cursor."""
    token = held.token()
    after = {} if token is None else {"postBatchResumeToken": token}
    return {"cursor": {field: batch, "id": number, "ns": held.namespace, **after}, "ok": 1.0}


def kill_cursors(request: Request, command: Command) -> Operation[Reply]:
    """Run ``killCursors``."""
    return (yield from kill_of(request.handle.line.engine, command))


def kill_of(engine: Engine, command: Command) -> Operation[Reply]:
    """Forget cursors, on whatever database they are."""
    killed, unknown = [], []
    for number in required(command, "cursors"):
        held = engine.held_cursors.pop(int(number), None)
        if held is None:
            unknown.append(number)
        else:
            yield from held.close()
            killed.append(number)
    return {
        "cursorsKilled": killed,
        "cursorsNotFound": unknown,
        "cursorsAlive": [],
        "cursorsUnknown": [],
        "ok": 1.0,
    }


def keep(engine: Engine, held: Held | Changes) -> Int64:
    """Keep a cursor for ``getMore``, and forget those that nobody came back for."""
    if held.done:
        return Int64(0)
    cursors = engine.held_cursors
    now = held.used = time.monotonic()
    for number, other in list(cursors.items()):
        if now - other.used > _IDLE:
            cursors.pop(number, None)
    number = Int64(random.getrandbits(62) + 1)
    cursors[number] = held
    return number
