"""Write statements of a transaction, as the commands that the server takes.

A driver's own methods wrap each command in what a transaction has no use for
(retries, batches, bulk results), and a commit is little else than statements.
See "Insert", "Update" and "Delete" in the MongoDB manual's database commands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import DeleteOne, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError, WriteError

from argon.io import Operation
from argon.wire.commands import run_commands

DUPLICATE_KEY = 11000
MAX_MESSAGE = 8 * 1024 * 1024
"""Bytes; what is larger is left to the driver, which knows how to split it."""
MAX_COUNT = 50_000
"""Documents; the server takes 100,000 in one command, and the driver splits what is longer."""

Failure = WriteError | BulkWriteError
"""Of a statement with one document, and of one with several."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A command that writes.

    Attributes:
        collection: Where.
        command: Makes the command, as the server takes it, while it may be busy with the one before.
        count: How many documents it names.
        size: About how many bytes it has.
        alone: Does the same by the driver's own method, for any size; its value tells how many documents.
        missed: Makes the error of a statement that met fewer documents than it names.
        refused: Makes the error of a statement that the server refused.
    """

    collection: Any
    command: Callable[[], dict[str, Any]]
    count: int
    size: int
    alone: Callable[[Any], Operation[int]]
    missed: Callable[[], Exception] | None = None
    refused: Callable[[Failure], Exception] | None = None


def insert(
    collection: Any,
    documents: Callable[[], Sequence[Mapping[str, Any]]],
    count: int,
    *,
    size: int,
    refused: Callable[[Failure], Exception],
) -> Statement:
    """Insert as many documents, which have an ``_id``."""

    def alone(session: Any) -> Operation[int]:
        if count == 1:
            yield collection.insert_one(documents()[0], session=session)
        else:
            yield collection.insert_many(documents(), session=session)
        return count

    def command() -> dict[str, Any]:
        return {"insert": collection.name, "documents": documents()}

    return Statement(collection, command, count, size, alone, refused=refused)


def update(
    collection: Any,
    updates: Sequence[tuple[dict[str, Any], dict[str, Any]]],
    *,
    size: int = 0,
    missed: Callable[[], Exception] | None = None,
    hint: dict[str, int] | None = None,
) -> Statement:
    """Update one document for each pair of a filter and an update."""
    hinted = {} if hint is None else {"hint": hint}

    def alone(session: Any) -> Operation[int]:
        done = yield collection.bulk_write([UpdateOne(*pair, hint=hint) for pair in updates], session=session)
        return int(done.matched_count)

    pairs = [{"q": query, "u": change, **hinted} for query, change in updates]
    command = {"update": collection.name, "updates": pairs}
    return Statement(collection, lambda: command, len(pairs), size, alone, missed)


def delete(
    collection: Any, filters: Sequence[Mapping[str, Any]], *, missed: Callable[[], Exception] | None = None
) -> Statement:
    """Delete one document for each filter."""

    def alone(session: Any) -> Operation[int]:
        done = yield collection.bulk_write([DeleteOne(query) for query in filters], session=session)
        return int(done.deleted_count)

    deletes = [{"q": query, "limit": 1} for query in filters]
    command = {"delete": collection.name, "deletes": deletes}
    return Statement(collection, lambda: command, len(deletes), 0, alone, missed)


def find_and_modify(
    collection: Any, query: Mapping[str, Any] | None, update: Mapping[str, Any] | None, session: Any
) -> Operation[Any]:
    """Update a document, or delete it where there is no update, and return it as it was, or None."""
    what = {"remove": True} if update is None else {"update": update}
    command = {"findAndModify": collection.name, "query": query, **what}
    [reply] = yield from run_commands(collection.database, [command], session, collection.codec_options)
    return reply["value"]


def run(statements: Sequence[Statement], session: Any) -> Operation[None]:
    """Run statements in order, in a transaction, which is to be aborted if one fails.

    Args:
        statements: All in one database.
        session: The transaction's session.

    Raises:
        WriteError: The server refused a statement with one document.
        BulkWriteError: It refused one of several.
        Exception: What ``missed`` and ``refused`` make of it.
    """
    together: list[Statement] = []
    for statement in statements:
        if statement.size + sum(other.size for other in together) > MAX_MESSAGE:
            yield from _run_together(together, session)
            together = []
        if statement.size > MAX_MESSAGE or statement.count > MAX_COUNT:
            yield from _run_alone(statement, session)
        else:
            together.append(statement)
    yield from _run_together(together, session)


def _run_together(statements: Sequence[Statement], session: Any) -> Operation[None]:
    if not statements:
        return
    database = statements[0].collection.database
    commands = (statement.command() for statement in statements)
    replies = yield from run_commands(database, commands, session)
    for statement, reply in zip(statements, replies, strict=False):
        failures = reply.get("writeErrors")
        if failures:
            raise _refusal(statement, _failure(failures, single=statement.count == 1))
        _check_count(statement, int(reply["n"]))


def _run_alone(statement: Statement, session: Any) -> Operation[None]:
    try:
        count = yield from statement.alone(session)
    except WriteError as error:
        raise _refusal(statement, error) from error
    except BulkWriteError as error:
        raise _refusal(statement, _without_rows(error)) from None
    _check_count(statement, count)


def _check_count(statement: Statement, count: int) -> None:
    if statement.missed is not None and count != statement.count:
        raise statement.missed()


def _refusal(statement: Statement, failure: Failure) -> Exception:
    return failure if statement.refused is None else statement.refused(failure)


def _without_rows(error: BulkWriteError) -> BulkWriteError:
    """Return an error without the rows that were written, which are nobody's concern, and many megabytes."""
    failures = [
        {key: value for key, value in one.items() if key != "op"} for one in error.details["writeErrors"]
    ]
    return BulkWriteError({**error.details, "writeErrors": failures})


def _failure(failures: list[dict[str, Any]], *, single: bool) -> Failure:
    if not single:
        return BulkWriteError({"writeErrors": failures, "writeConcernErrors": []})
    first = failures[0]
    kind = DuplicateKeyError if first["code"] == DUPLICATE_KEY else WriteError
    return kind(first["errmsg"], first["code"], first)
