"""Write statements of a transaction, as the commands that the server takes.

A driver's own methods wrap each command in what a transaction has no use for
(retries, batches, bulk results), and a commit is little else than statements.
See "Insert", "Update" and "Delete" in the MongoDB manual's database commands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bson.codec_options import CodecOptions
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError, WriteError

from argon.io import Operation

DUPLICATE_KEY = 11000
MAX_MESSAGE = 8 * 1024 * 1024
"""Bytes; what is larger is left to the driver, which knows how to split it."""
# An error's text may cut a value of the user's in the middle of a character.
_REPLY: CodecOptions[dict[str, Any]] = CodecOptions(unicode_decode_error_handler="replace")


def insert(
    collection: Any, documents: Sequence[Mapping[str, Any]], session: Any, *, size: int
) -> Operation[None]:
    """Insert documents that have an ``_id``.

    Args:
        collection: Where.
        documents: What.
        session: The transaction's session.
        size: About how many bytes they have.

    Raises:
        WriteError: The server refused a single document.
        BulkWriteError: It refused one of several.
    """
    if size <= MAX_MESSAGE:
        yield from _run(collection, {"insert": collection.name, "documents": list(documents)}, session)
    elif len(documents) == 1:
        yield collection.insert_one(documents[0], session=session)
    else:
        yield collection.insert_many(documents, session=session)


def update(
    collection: Any, updates: Sequence[tuple[dict[str, Any], dict[str, Any]]], session: Any, *, size: int
) -> Operation[int]:
    """Update one document for each pair of a filter and an update.

    Args:
        collection: Where.
        updates: The pairs.
        session: The transaction's session.
        size: About how many bytes they have.

    Returns:
        How many documents matched.

    Raises:
        WriteError: The server refused a single update.
        BulkWriteError: It refused one of several.
    """
    if size <= MAX_MESSAGE:
        statements = [{"q": query, "u": change} for query, change in updates]
        return (yield from _run(collection, {"update": collection.name, "updates": statements}, session))
    done = yield collection.bulk_write([UpdateOne(*pair) for pair in updates], session=session)
    return int(done.matched_count)


def delete(collection: Any, filters: Sequence[Mapping[str, Any]], session: Any) -> Operation[int]:
    """Delete one document for each filter.

    Args:
        collection: Where.
        filters: Which.
        session: The transaction's session.

    Returns:
        How many documents were deleted.
    """
    deletes = [{"q": query, "limit": 1} for query in filters]
    return (yield from _run(collection, {"delete": collection.name, "deletes": deletes}, session))


def _run(collection: Any, command: dict[str, Any], session: Any) -> Operation[int]:
    reply = yield collection.database.command(command, codec_options=_REPLY, session=session)
    failures = reply.get("writeErrors")
    if failures:
        _, statements = command.values()
        raise _failure(failures, single=len(statements) == 1)
    return int(reply["n"])


def _failure(failures: list[dict[str, Any]], *, single: bool) -> WriteError | BulkWriteError:
    if not single:
        return BulkWriteError({"writeErrors": failures, "writeConcernErrors": []})
    first = failures[0]
    kind = DuplicateKeyError if first["code"] == DUPLICATE_KEY else WriteError
    return kind(first["errmsg"], first["code"], first)
