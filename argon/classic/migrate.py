"""Turning a classic branch into one in the log, while it stays readable.

A classic branch has a number and a lineage like any other, and nobody reads
its rows. So the migration brings what the branch shows *in the log* to what
its physical database holds, document by document, and then switches its kind
in one commit. What is as it was at the fork point stays inherited: it takes no
room, and merges find their base.

Because it only brings one side to the state of the other, it can be killed at
any moment and run again. Nothing written meanwhile is lost:

- while the mark ``migrating`` is in the branch's record Argon refuses writes
  to it; every process has seen the mark within the read bound;
- what is written all the same, by a statement under way or past Argon, is seen
  in the physical database's change stream, and brings another pass;
- a second run takes over by a mark of its own. The first one finds that out
  through the log chain, before its next commit.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from bson.timestamp import Timestamp
from pymongo import DeleteOne, ReplaceOne
from pymongo.errors import PyMongoError

from argon.classic.branches import database_of, drop_physical
from argon.classic.copy import Pages
from argon.classic.definitions import (
    MARKER,
    Definition,
    from_database,
    from_record,
    index_model,
    plain,
    refuse_special,
)
from argon.engine import ddl, indexes
from argon.engine.bulk import bulk_write
from argon.engine.documents import incoming
from argon.engine.engine import Engine
from argon.engine.find import open_find
from argon.engine.handle import Handle
from argon.engine.insert import raise_write_error
from argon.engine.known import READ_BOUND
from argon.engine.operations import insert_all
from argon.engine.prepare import Target
from argon.engine.query import FindSpec, Reader
from argon.engine.snapshot import RAW_CODEC, Snapshot
from argon.engine.visible import rows_by_id
from argon.errors import Conflict
from argon.io import Operation
from argon.models import BranchRecord, ProjectRecord
from argon.versions.ids import id_key
from argon.wal.change import Plan, Planner

Progress = Callable[[int, int], None]
"""Told how many documents are done, and how many there are about."""

_SETTLED = 2 * READ_BOUND
_PASSES = 5
_DEFAULT_RULES: Mapping[str, Any] = {
    "validator": {},
    "validationLevel": "strict",
    "validationAction": "error",
}


def migrate(
    engine: Engine,
    project: ProjectRecord,
    branch: BranchRecord,
    *,
    author: str | None = None,
    message: str | None = None,
    progress: Progress | None = None,
) -> Operation[BranchRecord]:
    """Turn a classic branch into one in the log.

    Args:
        engine: The engine.
        project: Its project.
        branch: The branch.
        author: Who does it.
        message: Why; by default that it is a migration.
        progress: Is told how far it is.

    Returns:
        Its new record.

    Raises:
        UnsupportedOperation: It is no classic branch, or has a collection of a
            kind that a branch in the log cannot have.
        FeatureDisabled: Branches in the log take no writes here.
        Conflict: Others keep on writing to the physical database, or another
            run has taken over.
    """
    yield from engine.flags.require("wal_data_operations", project.name, branch.name)
    branches = engine.branches(project)
    if branch.kind == "classic":
        refuse_special((yield from from_database(database_of(engine, branch.physical))))
    claimed = yield from branches.begin_migration(branch)
    line = engine.line(claimed)
    line.record = claimed
    line.forget()
    try:
        copying = _Copying(line, author=author, message=message or "migrate", run=claimed.migrating)
        yield from _until_nobody_writes(copying, database_of(engine, claimed.physical), progress)
        migrated = yield from branches.finish_migration(claimed, author=author, message=message)
    except (Exception, KeyboardInterrupt, CancelledError) as error:
        line.forget()
        if not (yield from branches.give_up_migration(claimed)) and isinstance(error, PyMongoError):
            raise _overtaken(claimed) from error
        raise
    line.record = migrated
    line.forget()
    # Who has not seen the switch yet still reads there.
    yield engine.world.sleep(_SETTLED)
    yield from drop_physical(engine, migrated)
    return migrated.model_copy(update={"physical": None})


@dataclass(frozen=True)
class _Copying(Handle):
    """The head of a branch that nobody else sees yet.

    Attributes:
        run: The mark of this run, without which nothing may be written any more.
    """

    run: ObjectId | None = None

    def snapshot(self) -> Operation[Snapshot]:
        """See :meth:`Handle.snapshot`."""
        return (yield from self.line.snapshot())

    def write(self, planner: Planner) -> Operation[Any]:
        """See :meth:`Handle.write`."""

        def plan(snapshot: Snapshot, careful: bool) -> Operation[Plan]:
            if snapshot.branch.migrating != self.run:
                raise _overtaken(snapshot.branch)
            return (yield from planner(snapshot, careful))

        return (yield from self.line.write(plan, author=self.author, message=self.message, judged=False))


def _overtaken(branch: BranchRecord) -> Conflict:
    return Conflict(f"another run of 'argon branch migrate {branch.name}' has taken over")


def _until_nobody_writes(copying: _Copying, database: Any, progress: Progress | None) -> Operation[None]:
    for _ in range(_PASSES):
        since = (yield database.command("ping"))["operationTime"]
        yield copying.line.engine.world.sleep(_SETTLED)
        definitions = yield from from_database(database)
        refuse_special(definitions)
        yield from _Pass(copying, database, definitions, progress).run()
        if not (yield from _was_written(database, since, copying.run)):
            return
    raise Conflict(
        f"the physical database {database.name!r} is written to past Argon all the time: stop who writes "
        f"there, then run 'argon branch migrate {copying.line.record.name}' again"
    )


def _was_written(database: Any, since: Timestamp, run: ObjectId | None) -> Operation[bool]:
    """Read the change stream from a moment up to a marker that is written now."""
    yield database[MARKER].insert_one({"_id": run})
    stream = yield database.watch(start_at_operation_time=since)
    found = False
    try:
        while True:
            event = yield stream.try_next()
            if event is None:
                continue
            ours = event.get("ns", {}).get("coll") == MARKER
            if ours and event["operationType"] == "insert" and event["documentKey"]["_id"] == run:
                break
            found = found or not ours
    finally:
        yield stream.close()
        yield database[MARKER].drop()
    return found


class _Pass:
    """Brings the branch in the log to the state of the physical database.

    Args:
        copying: The branch in the log.
        database: The physical database, decoding to raw BSON.
        definitions: Its collections.
        progress: Is told how far it is.
    """

    def __init__(
        self, copying: _Copying, database: Any, definitions: Sequence[Definition], progress: Progress | None
    ) -> None:
        self._copying = copying
        self._database = database
        self._definitions = definitions
        self._progress = progress
        self._done = self._total = 0

    def run(self) -> Operation[None]:
        """Bring over the collections, then the views."""
        snapshot = yield from self._copying.snapshot()
        present = {(record.space, record.name): from_record(record) for record in snapshot.catalog.records()}
        wanted = {(one.space, one.name): one for one in self._definitions}
        for key, there in present.items():
            if key not in wanted or plain(there.nature) != plain(wanted[key].nature):
                yield from ddl.drop_collection(self._copying, *key)
        for definition in self._definitions:
            if not definition.is_view:
                self._total += yield self._database[definition.physical].estimated_document_count()
        for key, definition in wanted.items():
            there_now = present.get(key)
            if there_now is not None and plain(there_now.nature) != plain(definition.nature):
                there_now = None
            yield from self._collection(definition, there_now)

    def _collection(self, wanted: Definition, present: Definition | None) -> Operation[None]:
        copying, target = self._copying, Target(wanted.space, wanted.name, RAW_CODEC, bypass=True)
        if present is None:
            yield from ddl.create_collection(copying, wanted.space, wanted.name, wanted.nature)
            present = Definition(wanted.space, wanted.name, wanted.nature)
            fresh = True
        else:
            fresh = False
        if wanted.is_view:
            return
        wanted_indexes = [plain(index) for index in wanted.indexes]
        kept = []
        for index in present.indexes:
            # Unique ones go in any case: half way, two documents may hold a key that only one has in the end.
            if plain(index) in wanted_indexes and not index.get("unique"):
                kept.append(plain(index))
            else:
                yield from indexes.drop_index(copying, wanted.space, wanted.name, index["name"])
        yield from self._documents(target, self._database[wanted.physical], fresh=fresh)
        missing = [index_model(index) for index in wanted.indexes if plain(index) not in kept]
        if missing:
            yield from indexes.create_indexes(copying, target, missing)
        if {**_DEFAULT_RULES, **wanted.rules} != {**_DEFAULT_RULES, **present.rules}:
            taken_back = {rule: _DEFAULT_RULES[rule] for rule in present.rules}
            rules = {**taken_back, **wanted.rules}
            yield from ddl.modify_collection(copying, wanted.space, wanted.name, rules)

    def _documents(self, target: Target, source: Any, *, fresh: bool) -> Operation[None]:
        if not fresh:
            yield from self._remove(target, source)
        pages = Pages(source.find({}))
        while page := (yield from pages.next()):
            count = len(page)
            if not fresh:
                page = yield from self._replace(target, page)
            # Nobody else writes here, and ids are unique in the source, so none of them can be taken.
            new = [incoming(document, target.codec, fresh=True) for document in page]
            landed = yield from insert_all(self._copying, target, new, ordered=True)
            if landed.errors:
                raise_write_error(landed.errors[0])
            self._done += count
            if self._progress is not None:
                self._progress(self._done, max(self._done, self._total))

    def _remove(self, target: Target, source: Any) -> Operation[None]:
        """Delete what the source does not have any more."""
        snapshot = yield from self._copying.snapshot()
        opened = yield from open_find(
            snapshot, target.space, target.name, FindSpec({}, {"_id": 1}), Reader(RAW_CODEC)
        )
        pages = Pages(opened.cursor, wrapped=opened.wrapped)
        while page := (yield from pages.next()):
            ids = [document["_id"] for document in page]
            found = yield source.find({"_id": {"$in": ids}}, {"_id": 1}).to_list(None)
            there = {id_key(document["_id"]) for document in found}
            gone = [DeleteOne({"_id": {"$eq": one}}) for one in ids if id_key(one) not in there]
            if gone:
                yield from bulk_write(self._copying, target, gone)

    def _replace(self, target: Target, page: Sequence[RawBSONDocument]) -> Operation[list[RawBSONDocument]]:
        """Replace the documents of a page that have changed, and return those that are new."""
        snapshot = yield from self._copying.snapshot()
        record = snapshot.record(target.space, target.name)
        assert record is not None
        rows = yield from rows_by_id(snapshot, record, [document["_id"] for document in page])
        there = {id_key(row["d"]["_id"]): row["d"] for row in rows}
        new: list[RawBSONDocument] = []
        changed: list[ReplaceOne[Any]] = []
        for document in page:
            old = there.get(id_key(document["_id"]))
            if old is None:
                new.append(document)
            elif old.raw != document.raw:
                changed.append(ReplaceOne({"_id": {"$eq": document["_id"]}}, document))
        if changed:
            yield from bulk_write(self._copying, target, changed)
        return new
