"""Documents by id, of any size: what memory should not hold is in a file that nobody else sees."""

from __future__ import annotations

import sqlite3
from collections.abc import Hashable, Iterator, Sequence
from itertools import islice
from typing import Any

from bson.raw_bson import RawBSONDocument

from argon.merging.ids import PAGE, as_text, decoded, encoded, temporary
from argon.versions.ids import id_key
from argon.versions.layout import RAW_CODEC

HELD_BYTES = 16 * 1024 * 1024
"""Bytes of documents that are held in memory."""
_OVERHEAD = 200
_SCHEMA = (
    "CREATE TABLE images (place INTEGER PRIMARY KEY, store TEXT, key TEXT, id BLOB, image BLOB, "
    "UNIQUE (store, key))"
)
_SAVE = (
    "INSERT INTO images (store, key, id, image) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (store, key) DO UPDATE SET image = excluded.image"
)

Image = RawBSONDocument | None
"""A document; None where it is known that there is none."""


class Images:
    """The latest images of documents, by physical store, in the order in which their ids came first."""

    def __init__(self) -> None:
        self._held: dict[str, dict[Hashable, tuple[Any, Image]]] = {}
        self._size = 0
        self._file: sqlite3.Connection | None = None
        self.stores: set[str] = set()

    def put(self, store: str, identity: Any, image: Image) -> None:
        """Note what a document has become.

        Args:
            store: Where it is.
            identity: Its id.
            image: The document; None if it is no more.
        """
        held = self._held.setdefault(store, {})
        key = id_key(identity)
        first = held.get(key)
        held[key] = (identity if first is None else first[0], image)
        self.stores.add(store)
        self._size += _OVERHEAD + (0 if image is None else len(image.raw))
        if self._size >= HELD_BYTES:
            self._spill()

    def of(self, store: str, ids: Sequence[Any]) -> dict[Hashable, Image]:
        """Return what is known of documents, by the keys of their ids."""
        held = self._held.get(store, {})
        found: dict[Hashable, Image] = {}
        for key in map(id_key, ids):
            if key in held:
                found[key] = held[key][1]
            elif self._file is not None:
                query = "SELECT image FROM images WHERE store = ? AND key = ?"
                for (image,) in self._file.execute(query, (store, as_text(key))):
                    found[key] = _image(image)
        return found

    def pages(self, store: str) -> Iterator[list[tuple[Any, Image]]]:
        """Part the documents of a store into pages; nothing may be put meanwhile."""
        if self._file is None:
            values = iter(self._held.get(store, {}).values())
            while page := list(islice(values, PAGE)):
                yield page
            return
        self._spill()
        last = 0
        query = "SELECT place, id, image FROM images WHERE store = ? AND place > ? ORDER BY place LIMIT ?"
        while rows := self._file.execute(query, (store, last, PAGE)).fetchall():
            last = rows[-1][0]
            yield [(decoded(identity), _image(image)) for _, identity, image in rows]

    def _spill(self) -> None:
        if self._file is None:
            self._file = temporary(_SCHEMA)
            self._file.execute("CREATE INDEX places ON images (store, place)")
        self._file.execute("BEGIN")
        for store, held in self._held.items():
            rows = [
                (store, as_text(key), encoded(identity), None if image is None else bytes(image.raw))
                for key, (identity, image) in held.items()
            ]
            self._file.executemany(_SAVE, rows)
        self._file.execute("COMMIT")
        self._held.clear()
        self._size = 0


def _image(stored: bytes | None) -> Image:
    return None if stored is None else RawBSONDocument(stored, RAW_CODEC)
