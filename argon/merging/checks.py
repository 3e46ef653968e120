"""Validators and unique indexes, which judge a computed outcome before it is committed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bson.max_key import MaxKey
from bson.min_key import MinKey

from argon.engine.snapshot import Snapshot
from argon.engine.unique import all_checks, unique_check
from argon.io import Operation
from argon.merging.outcome import Outcome
from argon.models import CollectionRecord
from argon.versions.layout import MAX_LSN
from argon.wal.change import Change, Check

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_PAGE = 1000


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


def unique_checks(snapshot: Snapshot, outcome: Outcome) -> Check | None:
    """Make the check that the unique indexes hold afterwards; None where there are none.

    Args:
        snapshot: The head.
        outcome: What shall be written.
    """
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
