"""What stands between a computed outcome and its commit: stores and indexes, validators, unique indexes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bson.max_key import MaxKey
from bson.min_key import MinKey

from argon.catalog.tables import create_store
from argon.engine.indexes import build_index
from argon.engine.snapshot import Snapshot
from argon.engine.unique import all_checks, unique_check
from argon.io import Operation
from argon.merging.compute import Outcome
from argon.merging.fields import field_changes
from argon.merging.results import DiffEntry
from argon.merging.states import plain, value_of
from argon.models import CollectionRecord
from argon.versions.layout import MAX_LSN
from argon.wal.change import Change, Check

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_PAGE = 1000


class Landing:
    """Makes ready what an outcome needs; what is there already is not made again at the next attempt.

    Args:
        engine: The engine.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._made: set[str] = set()

    def prepare(
        self, snapshot: Snapshot, outcome: Outcome, fresh: Iterable[CollectionRecord] = ()
    ) -> Operation[None]:
        """Make what cannot be made inside the transaction; what a lost race leaves behind is nobody's.

        Args:
            snapshot: The head.
            outcome: What shall land.
            fresh: Collections that need a store of their own.
        """
        for record in fresh:
            if record.store not in self._made:
                yield from create_store(self._engine.plain, record.store, record.collation)
                self._made.add(record.store)
        for record in [*outcome.created, *(merged for _, merged in outcome.indexed)]:
            for index in record.indexes:
                if record.kind == "collection" and f"{record.store} {index.physical}" not in self._made:
                    yield from build_index(snapshot, record, index)
                    self._made.add(f"{record.store} {index.physical}")

    def validate(self, outcome: Outcome) -> Operation[None]:
        """Let the server judge the documents by the validators that the target has afterwards."""
        for record, changes in outcome.documents:
            yield from validate(self._engine, record, changes)


def validate(engine: Engine, record: CollectionRecord, changes: Sequence[Change]) -> Operation[None]:
    """Let the server judge documents by the validator of their collection.

    Args:
        engine: The engine.
        record: The collection, as it is afterwards.
        changes: What is to be written.

    Raises:
        WriteError: It refuses one.
    """
    written = [change for change in changes if change.after is not None]
    if not record.validated:
        return
    for start in range(0, len(written), _PAGE):
        page = written[start : start + _PAGE]
        there = [change.before["d"] for change in page if change.before is not None]

        def body(scratch: Any, session: Any, page: list[Change] = page) -> Operation[None]:
            for change in page:
                if change.before is None:
                    yield scratch.insert_one(change.after, session=session)
                else:
                    where = {"_id": change.document_id}
                    yield scratch.replace_one(where, change.after, session=session)

        yield from engine.scratch.evaluate(record, there, body)


def counts(outcome: Outcome) -> tuple[int, int]:
    """Count the documents that are written, and those that are deleted."""
    changes = [change for _, changes in outcome.documents for change in changes]
    deleted = sum(change.after is None for change in changes)
    return len(changes) - deleted, deleted


def entries(outcome: Outcome) -> Iterator[DiffEntry]:
    """Tell what becomes of the documents."""
    for record, changes in outcome.documents:
        for change in changes:
            was = None if change.before is None else change.before["d"]
            fields = [] if was is None or change.after is None else field_changes(was, change.after)
            identity = plain(change.document_id)
            yield DiffEntry(
                record.space, record.name, identity, value_of(was), value_of(change.after), fields
            )


def unique_checks(snapshot: Snapshot, outcome: Outcome) -> Check | None:
    """Make the check that the unique indexes hold afterwards; None where there are none."""
    found = [unique_check(snapshot, record, changes) for record, changes in outcome.documents]
    found += [_whole_check(snapshot, record) for record in _added(outcome)]
    return all_checks(found)


def inspect(hidden: Snapshot, outcome: Outcome, records: Iterable[CollectionRecord]) -> Operation[None]:
    """Check the unique indexes of what is written and waits to be published.

    Args:
        hidden: What would be published. Its own rows are the documents that are changed.
        outcome: What it comes to.
        records: The collections whose documents it changes.

    Raises:
        DuplicateKeyError: Two documents have one key.
    """
    number = hidden.branch.number
    first, last = ({"b": number, "t": MAX_LSN, "n": end} for end in (MinKey(), MaxKey()))
    for record in records:
        yield from _check_rows(hidden, record, {"_id": {"$gte": first, "$lte": last}}, None)
    for record in _added(outcome):
        yield from _whole_check(hidden, record)(None)


def _added(outcome: Outcome) -> Iterator[CollectionRecord]:
    """Yield collections with the unique indexes that are new to the target, and no others."""
    for ours, merged in outcome.indexed:
        known = {index.physical for index in ours.indexes if index.options.get("unique")}
        added = [index for index in merged.indexes if index.options.get("unique")]
        added = [index for index in added if index.physical not in known]
        if added:
            yield merged.model_copy(update={"indexes": added})


def _whole_check(snapshot: Snapshot, record: CollectionRecord) -> Check:
    """Check unique indexes that are new to the target on all documents, as a build would."""

    def check(session: Any) -> Operation[None]:
        for leg in snapshot.view.legs:
            yield from _check_rows(snapshot, record, leg.scan, session)

    return check


def _check_rows(
    snapshot: Snapshot, record: CollectionRecord, where: Mapping[str, Any], session: Any
) -> Operation[None]:
    if not any(index.options.get("unique") for index in record.indexes):
        return
    cursor = snapshot.engine.raw[record.store].find(where, {"d": 1, "_id": 0}, session=session)
    while rows := (yield cursor.to_list(_PAGE)):
        page = [
            Change("insert", record.space, record.name, record.store, row["d"]["_id"], after=row["d"])
            for row in rows
        ]
        check = unique_check(snapshot, record, page)
        if check is not None:
            yield from check(session)
