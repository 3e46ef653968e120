"""Inserting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from bson.raw_bson import RawBSONDocument
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError, WriteError

from argon.engine.documents import Incoming
from argon.engine.errors import DUPLICATE_KEY, duplicate_key
from argon.engine.find import find_rows
from argon.engine.prepare import Target, existing
from argon.engine.query import FindSpec
from argon.engine.snapshot import Snapshot
from argon.engine.unique import unique_check
from argon.io import Operation
from argon.models import CollectionRecord
from argon.versions.ids import id_key
from argon.wal.change import Change, Plan

NO_STAGES = frozenset({40323, 40324})
"""Errors of an update's pipeline that has a stage of several fields, or of an unknown name."""


@dataclass
class Inserted:
    """What became of some inserts.

    Attributes:
        count: How many landed.
        errors: The server's write errors, with the index of the document.
    """

    count: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)


def plan_inserts(
    target: Target, documents: Sequence[Incoming], snapshot: Snapshot, careful: bool, *, ordered: bool = True
) -> Operation[Plan]:
    """Plan inserts at a head.

    Args:
        target: The collection.
        documents: What to insert.
        snapshot: The head.
        careful: Whether to look for documents that cannot be inserted; a first
            try leaves that to the server's unique index.
        ordered: Whether the first error ends it.

    Returns:
        A plan whose reply is an :class:`Inserted`.
    """
    record, changes = yield from existing(target, snapshot)
    errors: list[dict[str, Any]] = []
    checked = list(enumerate(documents))
    if record.validated or target.bypass is False or any(document.odd for document in documents):
        checked, errors = yield from _through_server(target, record, snapshot, documents, ordered=ordered)
    if careful or len(snapshot.view.levels) > 1:
        checked, duplicates = yield from _without_duplicates(
            target, record, snapshot, checked, ordered=ordered, all_of_them=careful, fresh=bool(changes)
        )
        errors = sorted([*errors, *duplicates], key=lambda error: int(error["index"]))
        if ordered and errors:
            checked = [(place, document) for place, document in checked if place < errors[0]["index"]]
            errors = errors[:1]
    inserts = [
        Change("insert", target.space, target.name, record.store, document.id, after=document.raw)
        for _, document in checked
    ]
    check = unique_check(snapshot, record, inserts)
    # A document that is no document creates no collection.
    return Plan([*changes, *inserts] if inserts else [], lambda: Inserted(len(inserts), errors), check)


def refusals(
    target: Target, snapshot: Snapshot, documents: Sequence[Incoming]
) -> Operation[dict[int, dict[str, Any]]]:
    """Return the write errors of documents that no collection takes, by their places."""
    _, errors = yield from _through_server(target, None, snapshot, documents, ordered=False)
    return {int(error["index"]): error for error in errors}


def _through_server(
    target: Target,
    record: CollectionRecord | None,
    snapshot: Snapshot,
    documents: Sequence[Incoming],
    *,
    ordered: bool,
) -> Operation[tuple[list[tuple[int, Incoming]], list[dict[str, Any]]]]:
    """Insert into a scratch copy first: the server refuses and completes documents as it always does."""
    passed: list[tuple[int, Incoming]] = []
    errors: list[dict[str, Any]] = []
    for place, document in enumerate(documents):
        if not (document.odd or (record is not None and record.validated)):
            passed.append((place, document))
            continue

        def body(scratch: Any, session: Any, document: Incoming = document) -> Operation[RawBSONDocument]:
            copies = scratch.with_options(codec_options=target.codec)
            yield copies.insert_one(document.raw, bypass_document_validation=target.bypass, session=session)
            found = yield scratch.find({}, session=session).to_list(1)
            image: RawBSONDocument = found[0]
            return image

        try:
            image = yield from snapshot.engine.scratch.evaluate(record, [], body)
        except (WriteError, OperationFailure) as error:
            if error.has_error_label("TransientTransactionError"):
                raise
            errors.append({**write_error(error), "index": place})
            if ordered:
                break
            continue
        passed.append((place, Incoming(image["_id"], image, document.fresh)))
    return passed, errors


def _without_duplicates(
    target: Target,
    record: CollectionRecord,
    snapshot: Snapshot,
    documents: Sequence[tuple[int, Incoming]],
    *,
    ordered: bool,
    all_of_them: bool,
    fresh: bool,
) -> Operation[tuple[list[tuple[int, Incoming]], list[dict[str, Any]]]]:
    asked = [document.id for _, document in documents if all_of_them or not document.fresh]
    if not asked:
        return list(documents), []
    taken: set[Any] = set()
    if record.collation is None and not fresh:
        rows = yield from find_rows(snapshot, record, FindSpec({"_id": {"$in": asked}}))
        taken = {id_key(row["d"]["_id"]) for row in rows}
    passed: list[tuple[int, Incoming]] = []
    errors: list[dict[str, Any]] = []
    namespace = snapshot.namespace(target.name)
    for place, document in documents:
        key = id_key(document.id)
        if record.collation is not None and not fresh:
            found = yield from find_rows(snapshot, record, FindSpec({"_id": document.id}, limit=1))
            clash = bool(found) or key in taken
        else:
            clash = key in taken
        if clash:
            details = duplicate_key(namespace, "_id_", {"_id": 1}, {"_id": document.id})
            errors.append({"index": place, **details})
            if ordered:
                break
            continue
        taken.add(key)
        passed.append((place, document))
    return passed, errors


def refuses_command(error: PyMongoError) -> bool:
    """Whether the server refuses a whole command for an error, before it does any of the writes in it."""
    return isinstance(error, OperationFailure) and error.code in NO_STAGES


def write_error(error: OperationFailure) -> dict[str, Any]:
    """Return the server's write error document of an exception."""
    details = dict(error.details or {})
    if isinstance(error, BulkWriteError):
        details = dict(error.details["writeErrors"][0])
    details.setdefault("code", error.code)
    details.setdefault("errmsg", str(error))
    kept = ("index", "code", "keyPattern", "keyValue", "errmsg", "errInfo", "codeName")
    return {key: details[key] for key in kept if key in details}


def raise_write_error(details: dict[str, Any]) -> NoReturn:
    """Raise PyMongo's error for a single write that the server refused."""
    kind = DuplicateKeyError if details.get("code") == DUPLICATE_KEY else WriteError
    raise kind(str(details["errmsg"]), details.get("code"), {**details, "index": 0})
