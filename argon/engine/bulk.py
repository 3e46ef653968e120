"""Bulk writes: runs of operations about different documents share a commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import DeleteMany, DeleteOne, InsertOne, ReplaceOne, UpdateMany, UpdateOne
from pymongo.collation import validate_collation_or_none
from pymongo.common import validate_is_document_type, validate_ok_for_replace, validate_ok_for_update
from pymongo.errors import BulkWriteError, OperationFailure, PyMongoError
from pymongo.results import BulkWriteResult

from argon.engine.client_timeout import in_time
from argon.engine.conflicts import no_such_transaction
from argon.engine.delete import plan_delete
from argon.engine.documents import Incoming, plain_values, users_value
from argon.engine.handle import Handle
from argon.engine.insert import refuses_command, write_error
from argon.engine.matching import PAGE
from argon.engine.operations import delete, encode_documents, insert_all, update
from argon.engine.prepare import Target
from argon.engine.results import bulk_result
from argon.engine.snapshot import Snapshot
from argon.engine.specs import DeleteSpec, UpdateSpec
from argon.engine.unique import unique_check
from argon.engine.update import plan_update
from argon.io import Operation
from argon.rewrite.filter import equality_id
from argon.versions.ids import id_key
from argon.wal.change import Change, Plan

Step = Incoming | UpdateSpec | DeleteSpec
_TURNS = (Incoming, UpdateSpec, DeleteSpec)


class _Tally:
    """The counts of a bulk write so far."""

    def __init__(self) -> None:
        self.inserted = self.matched = self.modified = self.removed = 0
        self.upserted: list[dict[str, Any]] = []
        self.errors: list[dict[str, Any]] = []

    def add(self, place: int, step: Step, outcome: Any) -> None:
        if isinstance(step, UpdateSpec):
            if outcome.upserted:
                self.upserted.append({"index": place, "_id": outcome.upserted_id})
            self.matched += outcome.matched
            self.modified += outcome.modified
        else:
            self.removed += outcome.count

    def result(self) -> dict[str, Any]:
        return bulk_result(
            inserted=self.inserted,
            matched=self.matched,
            modified=self.modified,
            removed=self.removed,
            upserted=self.upserted,
            errors=self.errors,
        )


@in_time
def bulk_write(
    handle: Handle,
    target: Target,
    requests: Sequence[Any],
    *,
    ordered: bool = True,
    let: Mapping[str, Any] | None = None,
    acknowledged: bool = True,
) -> Operation[BulkWriteResult]:
    """Run write operations; see ``Collection.bulk_write``.

    Raises:
        BulkWriteError: Some of them failed; its details say which.
    """
    parsed = [parse(request, target, let) for request in requests]
    order = list(range(len(parsed)))
    if not ordered:
        # PyMongo sends inserts first, then updates, then deletes.
        order.sort(key=lambda place: _TURNS.index(type(parsed[place])))
    grouped = handle.transaction is not None
    tally = _Tally()
    for start, run in _runs([parsed[place] for place in order]):
        # The first error ends a transaction.
        yield from _run(handle, target, start, run, tally, ordered=ordered or grouped)
        if (ordered or grouped) and tally.errors:
            break
    if tally.errors and grouped and not ordered:
        failed, last = (parsed[order[place]] for place in (tally.errors[0]["index"], -1))
        if type(failed) is not type(last):
            # PyMongo sends the next kind of write all the same, and is told of that.
            raise no_such_transaction()
    for note in (*tally.errors, *tally.upserted):
        note["index"] = order[note["index"]]
    for note in tally.upserted:
        note["_id"] = users_value(note["_id"], target.codec)
    if tally.errors and acknowledged:
        tally.errors.sort(key=lambda error: int(error["index"]))
        for error in tally.errors:
            error["op"] = _command_form(requests[error["index"]])
        raise BulkWriteError(tally.result())
    return BulkWriteResult(tally.result() if acknowledged else {}, acknowledged)


def parse(request: Any, target: Target, let: Mapping[str, Any] | None) -> Step:
    """Turn a PyMongo request into an operation.

    Raises:
        TypeError: It is no request.
    """
    if isinstance(request, InsertOne):
        validate_is_document_type("document", request._doc)
        return encode_documents([request._doc], target.codec)[0]
    if isinstance(request, DeleteOne | DeleteMany):
        return DeleteSpec(
            plain_values(request._filter, target.codec),
            many=isinstance(request, DeleteMany),
            collation=request._collation,
            hint=request._hint,
            let=let,
        )
    if not isinstance(request, ReplaceOne | UpdateOne | UpdateMany):
        raise TypeError(f"{request!r} is not a valid request")
    if isinstance(request, ReplaceOne):
        validate_ok_for_replace(request._doc)
    else:
        validate_ok_for_update(request._doc)
    sort = getattr(request, "_sort", None)
    return UpdateSpec(
        plain_values(request._filter, target.codec),
        plain_values(request._doc, target.codec),
        many=isinstance(request, UpdateMany),
        upsert=bool(request._upsert),
        array_filters=plain_values(getattr(request, "_array_filters", None), target.codec),
        collation=request._collation,
        hint=request._hint,
        sort=None if sort is None else list(sort.items()),
        let=let,
    )


def _runs(steps: Sequence[Step]) -> list[tuple[int, list[Step]]]:
    """Cut a bulk write into inserts in a row, writes by different ids in a row, and single others."""
    runs: list[tuple[int, list[Step]]] = []
    kind: object = None
    seen: set[Any] = set()
    for place, step in enumerate(steps):
        mine, key = _kind(step)
        joins = mine is not None and mine == kind and key not in seen and len(runs[-1][1]) < PAGE
        if not joins:
            runs.append((place, []))
            seen = set()
        runs[-1][1].append(step)
        kind = mine
        if mine == "by id":
            seen.add(key)
    return runs


def _kind(step: Step) -> tuple[str | None, Any]:
    if isinstance(step, Incoming):
        return "insert", None
    if step.collation is None and step.let is None:
        found, value = equality_id(step.filter)
        if found:
            return "by id", id_key(value)
    return None, None


def _run(
    handle: Handle, target: Target, start: int, steps: list[Step], tally: _Tally, *, ordered: bool
) -> Operation[None]:
    if isinstance(steps[0], Incoming):
        documents = [step for step in steps if isinstance(step, Incoming)]
        done = yield from insert_all(handle, target, documents, ordered=ordered)
        tally.inserted += done.count
        tally.errors += [{**error, "index": error["index"] + start} for error in done.errors]
        return
    if len(steps) > 1 and handle.transaction is None:
        try:
            outcomes = yield from _together(handle, target, steps)
        except PyMongoError as error:
            # One of them failed, and nothing of the run is written: find out which by going one by one.
            if refuses_command(error):
                raise
        else:
            for place, (step, outcome) in enumerate(zip(steps, outcomes, strict=True), start):
                tally.add(place, step, outcome)
            return
    for place, step in enumerate(steps, start):
        try:
            if isinstance(step, UpdateSpec):
                outcome = yield from update(handle, target, step)
                if outcome.error is not None:
                    raise outcome.error
            else:
                assert isinstance(step, DeleteSpec)
                outcome = yield from delete(handle, target, step)
            tally.add(place, step, outcome)
        except PyMongoError as error:
            if not isinstance(error, OperationFailure) or refuses_command(error):
                raise
            tally.errors.append({**write_error(error), "index": place})
            if ordered:
                return


def _together(handle: Handle, target: Target, steps: Sequence[Step]) -> Operation[list[Any]]:
    """Plan writes about different documents as one commit."""

    def plan(snapshot: Snapshot, careful: bool) -> Operation[Plan]:
        changes: list[Change] = []
        plans: list[Plan] = []
        for step in steps:
            if isinstance(step, UpdateSpec):
                one = yield from plan_update(target, step, snapshot, careful)
            else:
                assert isinstance(step, DeleteSpec)
                one = yield from plan_delete(target, step, snapshot, careful)
            plans.append(one)
            created = {change.document_id for change in changes if change.operation == "create_collection"}
            changes += [
                change
                for change in one.changes
                if change.operation != "create_collection" or change.document_id not in created
            ]
        record = snapshot.record(target.space, target.name)
        documents = [change for change in changes if record is not None and change.store == record.store]
        check = None if record is None else unique_check(snapshot, record, documents)
        return Plan(changes, lambda: [one.reply() for one in plans], check)

    outcomes: list[Any] = yield from handle.write(plan)
    return outcomes


def _command_form(request: Any) -> Any:
    """Write a request as PyMongo shows it in the details of an error."""
    if isinstance(request, InsertOne):
        return request._doc
    form: dict[str, Any] = {"q": request._filter}
    if isinstance(request, DeleteOne | DeleteMany):
        form["limit"] = 1 if isinstance(request, DeleteOne) else 0
    else:
        form["u"] = request._doc
        if not isinstance(request, ReplaceOne):
            form["multi"] = isinstance(request, UpdateMany)
        if isinstance(request, UpdateOne) or request._upsert is not None:
            form["upsert"] = bool(request._upsert)
    options = {
        "collation": validate_collation_or_none(request._collation),
        "arrayFilters": getattr(request, "_array_filters", None),
        "hint": request._hint,
        "sort": getattr(request, "_sort", None),
    }
    return {**form, **{name: value for name, value in options.items() if value is not None}}
