"""Copying what a branch shows into a physical database, as of one moment."""

from __future__ import annotations

from typing import Any

from bson.raw_bson import RawBSONDocument

from argon.classic.definitions import Definition, from_database, from_record, physical_name
from argon.engine.engine import Engine
from argon.engine.find import open_find
from argon.engine.query import FindSpec, Reader
from argon.engine.snapshot import RAW_CODEC, Snapshot
from argon.io import Operation
from argon.wal.transactions import patiently

_DOCUMENTS = 1000
_BYTES = 8 * 1024 * 1024
_STEP = 50
"""Documents taken from a cursor at a time, so that large ones do not pile up."""


class Pages:
    """A cursor's documents in pages that one write should hold.

    Args:
        cursor: A physical cursor of raw documents.
        wrapped: Whether they are rows, with the document inside.
    """

    def __init__(self, cursor: Any, *, wrapped: bool = False) -> None:
        self._cursor = cursor
        self._wrapped = wrapped

    def next(self) -> Operation[list[RawBSONDocument]]:
        """Return the next page; an empty one is the end."""
        page: list[RawBSONDocument] = []
        size = 0
        while len(page) < _DOCUMENTS and size < _BYTES:
            some = yield self._cursor.to_list(_STEP)
            if not some:
                break
            documents = [one["d"] for one in some] if self._wrapped else some
            page += documents
            size += sum(len(document.raw) for document in documents)
        return page


def copy_view(snapshot: Snapshot, target: Any) -> Operation[None]:
    """Copy the collections of a view.

    Args:
        snapshot: A branch in the log, as it was at an LSN; so it does not change meanwhile.
        target: The physical database, decoding to raw BSON.
    """
    definitions = [from_record(record) for record in snapshot.catalog.records()]
    for definition in sorted(definitions, key=lambda one: one.is_view):
        yield from _create(target, definition)
        if definition.is_view:
            continue

        def open_view(definition: Definition = definition) -> Operation[Pages]:
            opened = yield from open_find(
                snapshot, definition.space, definition.name, FindSpec({}), Reader(RAW_CODEC)
            )
            return Pages(opened.cursor, wrapped=opened.wrapped)

        yield from _fill(snapshot.engine, target, definition, open_view)


def copy_database(engine: Engine, source: Any, target: Any) -> Operation[None]:
    """Copy the collections of a physical database, all as of one moment.

    Args:
        engine: The engine.
        source: The physical database, decoding to raw BSON.
        target: Another one.
    """
    definitions = yield from from_database(source)
    session = yield engine.client.start_session(snapshot=True)
    try:
        for definition in definitions:
            yield from _create(target, definition)
            if definition.is_view:
                continue

            def open_source(definition: Definition = definition) -> Operation[Pages]:
                yield None
                return Pages(source[definition.physical].find({}, session=session))

            yield from _fill(engine, target, definition, open_source)
    finally:
        yield session.end_session()


def _create(target: Any, definition: Definition) -> Operation[None]:
    options = dict(definition.options)
    if definition.is_view:
        options["viewOn"] = physical_name(definition.space, options["viewOn"])
    yield target.create_collection(definition.physical, check_exists=False, **options)


def _fill(engine: Engine, target: Any, definition: Definition, open_pages: Any) -> Operation[None]:
    def first() -> Operation[tuple[Pages, list[RawBSONDocument]]]:
        pages = yield from open_pages()
        return pages, (yield from pages.next())

    collection = target[definition.physical]
    pages, page = yield from patiently(engine.world, first)
    while page:
        # The parent holds them, so they stand, whatever the rules that came later.
        yield collection.insert_many(page, ordered=True, bypass_document_validation=True)
        page = yield from pages.next()
    # After the documents, which is faster, and leaves no time for a TTL index to expire any in between.
    if definition.indexes:
        yield collection.create_indexes(definition.index_models())
