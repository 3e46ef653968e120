"""Building all rows of a project anew from its log, and putting them in the place of the old ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bson
from bson import ObjectId
from pymongo.errors import OperationFailure

from argon.catalog.tables import COLLECTIONS, create_store
from argon.errors import Conflict, CorruptHistory
from argon.io import Operation
from argon.materializer.chain import Facts, read_log
from argon.materializer.report import Progress, VerifyReport
from argon.materializer.start import Start, read_start
from argon.materializer.stores import StoreBuilder
from argon.models import DDL_OPERATIONS, DOCUMENT_OPERATIONS
from argon.models.entry import Operation as Kind
from argon.rewrite.index import physical_keys, physical_options
from argon.wal.log import DEFAULT_SPACE, LOG
from argon.wal.pages import log_pages

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_PREFIX = "rebuild_"
_BATCH = 2000
_BATCH_BYTES = 8 * 1024 * 1024
_CHANGED_INDEX = (85, 86)


@dataclass(frozen=True)
class RebuildReport:
    """What a rebuild did.

    Attributes:
        project: The project's name.
        head_lsn: The greatest LSN of its log.
        entries: Entries applied.
        stores: Physical collections replaced, besides the project's part of ``collections``.
        rows: Rows written.
    """

    project: str
    head_lsn: int
    entries: int
    stores: int
    rows: int


def rebuild(
    engine: Engine, project_id: ObjectId, progress: Progress | None = None
) -> Operation[RebuildReport]:
    """Rebuild a project's rows from its log.

    The new rows are written beside the old ones, which serve readers until
    they are replaced, one physical collection at a time.

    Args:
        engine: The engine.
        project_id: The project.
        progress: Is told how many entries have been applied and how many rows written.

    Raises:
        CorruptHistory: The log itself is damaged; the rows are left as they are.
        Conflict: The project was written to meanwhile; stop its writers first.
    """
    start = yield from read_start(engine, project_id)
    facts = yield from _sound_log(engine, start)
    stores = [COLLECTIONS, *facts.names.stores]
    try:
        for store in stores:
            yield engine.plain.drop_collection(_PREFIX + store)
            yield from create_store(engine.plain, _PREFIX + store, _collation(facts, store))
        entries, rows = yield from _build(engine, facts, progress)
        for store in facts.names.stores:
            yield from _build_indexes(engine, facts, store)
        untouched = "nothing was replaced: stop its writers and rebuild again"
        yield from _refuse_if_moved(engine, start, untouched)
        for store in facts.names.stores:
            yield engine.plain[_PREFIX + store].rename(store, dropTarget=True)
        yield from _replace_catalog(engine, facts)
    finally:
        for store in stores:
            yield engine.plain.drop_collection(_PREFIX + store)
        engine.forget(project_id)
    yield from _refuse_if_moved(
        engine, start, "commits may have lost their rows: stop its writers and rebuild again"
    )
    return RebuildReport(start.project.name, start.last, entries, len(facts.names.stores), rows)


def _sound_log(engine: Engine, start: Start) -> Operation[Facts]:
    check = VerifyReport(start.project.name)
    facts = yield from read_log(engine, start, check)
    if not check.ok:
        raise CorruptHistory(
            f"the log of the project {start.project.name!r} is damaged itself, so that nothing can be built "
            f"from it ({check.problems[0].message}): restore wal_log from a backup"
        )
    return facts


def _collation(facts: Facts, store: str) -> Any:
    records = facts.names.records.get(store)
    collation = records[0]["options"].get("collation") if records else None
    return None if collation is None else bson.decode(collation.raw)


def _build(engine: Engine, facts: Facts, progress: Progress | None) -> Operation[tuple[int, int]]:
    builders = {
        store: StoreBuilder(engine.raw[_PREFIX + store]) for store in (COLLECTIONS, *facts.names.stores)
    }
    entries = waiting = size = 0
    pages = log_pages(engine.raw[LOG], facts.start.project.id, facts.start.last)
    while page := (yield from pages.next()):
        for entry in page:
            if not facts.covers(entry):
                continue
            entries += 1
            # A branch that begins finds what it inherits in place.
            if entry["operation"] == Kind.CREATE_BRANCH or waiting >= _BATCH or size >= _BATCH_BYTES:
                for builder in builders.values():
                    yield from builder.flush()
                waiting = size = 0
            store = _store_of(facts, entry)
            if store is not None:
                builders[store].add(facts.history.branches[entry["branch_id"]], entry)
                waiting += 1
                size += len(entry.raw)
        if progress is not None:
            progress(entries, sum(builder.rows for builder in builders.values()))
    for builder in builders.values():
        yield from builder.flush()
    return entries, sum(builder.rows for builder in builders.values())


def _store_of(facts: Facts, entry: Mapping[str, Any]) -> str | None:
    """Return the store that an entry changed, or None if it changed no document.

    Raises:
        CorruptHistory: Its collection did not exist.
    """
    if entry["operation"] in DDL_OPERATIONS:
        return COLLECTIONS
    if entry["operation"] not in DOCUMENT_OPERATIONS:
        return None
    name = (entry.get("space", DEFAULT_SPACE), entry["collection"])
    store = facts.names.resolve(facts.history.branches[entry["branch_id"]], name, int(entry["lsn"]))
    if not store:
        raise CorruptHistory(
            f"the rows cannot be built from the log: LSN {entry['lsn']} is {entry['operation']} in the "
            f"collection {entry['collection']!r}, which did not exist then: restore wal_log from a backup"
        )
    return store


def _build_indexes(engine: Engine, facts: Facts, store: str) -> Operation[None]:
    """Give a new store the old one's physical indexes, or those of the log where the old one is lost."""
    new = engine.plain[_PREFIX + store]
    present: list[dict[str, Any]] = yield (yield engine.plain[store].list_indexes()).to_list(None)
    if present:
        specs = [
            {key: value for key, value in index.items() if key not in ("v", "ns")}
            for index in present
            if "clustered" not in index
        ]
        yield engine.plain.command("createIndexes", new.name, indexes=specs)
        return
    for record in facts.names.records.get(store, ()):
        for index in record["indexes"]:
            keys = [(field, kind) for field, kind in index["key"]]
            options = bson.decode(index["options"].raw)
            try:
                yield new.create_index(
                    physical_keys(keys, options), name=index["physical"], **physical_options(keys, options)
                )
            except OperationFailure as error:
                # There is one text index, and the same index may have had two names.
                if error.code not in _CHANGED_INDEX:
                    raise


def _replace_catalog(engine: Engine, facts: Facts) -> Operation[None]:
    """Put the project's part of ``collections`` in place, in one transaction."""
    numbers = [branch.number for branch in facts.history.branches.values()]
    rows = yield engine.raw[_PREFIX + COLLECTIONS].find({}).to_list(None)

    def body(session: Any) -> Operation[None]:
        table = engine.raw[COLLECTIONS]
        for number in numbers:
            bounds = {"$gte": {"b": number}, "$lt": {"b": number + 1}}
            yield table.delete_many({"_id": bounds}, session=session)
        if rows:
            yield table.insert_many(rows, session=session)

    yield from engine.committer.retrying(body)


def _refuse_if_moved(engine: Engine, start: Start, text: str) -> Operation[None]:
    now = yield from read_start(engine, start.project.id)
    moved = [
        branch.name
        for branch_id, branch in now.branches.items()
        if now.heads[branch_id] != start.heads.get(branch_id)
    ]
    if now.collected != start.collected:
        moved.append("garbage collection")
    if moved:
        raise Conflict(
            f"the project {start.project.name!r} was written to during the rebuild (branches: "
            f"{', '.join(moved[:5])}); {text}"
        )
