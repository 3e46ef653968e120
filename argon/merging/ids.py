"""Sets of document ids, of any size: what memory should not hold is in a file that nobody else sees."""

from __future__ import annotations

import sqlite3
from collections.abc import Hashable, Iterable, Iterator
from decimal import Decimal
from itertools import islice
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument

from argon.versions.ids import id_key
from argon.versions.layout import RAW_CODEC

PAGE = 1000
FEW = 50_000
"""Ids that are held in memory."""
_BATCH = 5000


class IdSet:
    """Ids as MongoDB tells them apart, in the order in which they came first.

    Args:
        ids: The first ones.
    """

    def __init__(self, ids: Iterable[Any] = ()) -> None:
        self._held: dict[Hashable, Any] = {}
        self._file: sqlite3.Connection | None = None
        self.update(ids)

    def __bool__(self) -> bool:
        return bool(self._held) or self._file is not None

    def add(self, identity: Any) -> None:
        """Add an id."""
        self._held.setdefault(id_key(identity), identity)
        if len(self._held) >= (FEW if self._file is None else _BATCH):
            self._spill()

    def update(self, ids: Iterable[Any]) -> None:
        """Add some ids."""
        for identity in ids:
            self.add(identity)

    def pages(self) -> Iterator[list[Any]]:
        """Part the ids into pages of which one is read at a time; nothing may be added meanwhile."""
        if self._file is None:
            values = iter(self._held.values())
            while page := list(islice(values, PAGE)):
                yield page
            return
        self._spill()
        last = 0
        query = "SELECT place, id FROM ids WHERE place > ? ORDER BY place LIMIT ?"
        while rows := self._file.execute(query, (last, PAGE)).fetchall():
            last = rows[-1][0]
            yield [decoded(stored) for _, stored in rows]

    def _spill(self) -> None:
        if self._file is None:
            self._file = temporary("CREATE TABLE ids (place INTEGER PRIMARY KEY, key TEXT UNIQUE, id BLOB)")
        rows = [(as_text(key), encoded(identity)) for key, identity in self._held.items()]
        self._file.execute("BEGIN")
        self._file.executemany("INSERT OR IGNORE INTO ids (key, id) VALUES (?, ?)", rows)
        self._file.execute("COMMIT")
        self._held.clear()


def temporary(schema: str) -> sqlite3.Connection:
    """Make a nameless database, which is a file that goes with its connection.

    Args:
        schema: The statement that makes its table.
    """
    file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    file.execute("PRAGMA journal_mode = OFF")
    file.execute("PRAGMA cache_size = -16384")
    file.execute(schema)
    return file


def encoded(identity: Any) -> bytes:
    """Return an id for the file."""
    return bson.encode({"": identity})


def decoded(stored: bytes) -> Any:
    """Read an id from the file."""
    return RawBSONDocument(stored, RAW_CODEC)[""]


def as_text(key: Hashable) -> str:
    """Return the key of an id, as :func:`~argon.versions.ids.id_key` makes it, for the file."""
    return repr(_exact(key))


def _exact(key: Any) -> Any:
    """Return a key such that equal ones look alike: ``Decimal("1")`` and ``Decimal("1.0")`` are equal."""
    if isinstance(key, Decimal):
        return key.as_integer_ratio() if key.is_finite() else str(key)
    return tuple(map(_exact, key)) if isinstance(key, tuple) else key
