"""Evaluation on scratch copies: the server's own semantics for whatever rows cannot do in place.

The documents are copied into a scratch collection inside a transaction that
is always rolled back. So the user's filter, update and projection run
unchanged, with MongoDB's own results and messages, and nothing is ever
stored: the collection stays empty.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import bson
from pymongo.errors import BulkWriteError, CollectionInvalid, OperationFailure, PyMongoError

from argon.engine.source import NO_STORE
from argon.io import Operation, World
from argon.models import CollectionRecord, IndexRecord
from argon.wal.orphans import close_session, open_session
from argon.wal.transactions import DISCARDED, Transactions, backoff, may_pass

_RULES = ("validator", "validationLevel", "validationAction", "collation")
_ALREADY_THERE = 48


class Scratch:
    """Runs bodies on scratch collections.

    Args:
        client: Of the driver in use.
        database: The database that holds everything, decoding to raw BSON.
        world: Threads or an event loop.
        transactions: Rids the way of what dead clients have left in it.
    """

    def __init__(self, client: Any, database: Any, world: World, transactions: Transactions) -> None:
        self._client = client
        self._database = database
        self._world = world
        self._transactions = transactions
        self._made: set[str] = set()

    def evaluate(
        self,
        record: CollectionRecord | None,
        documents: Sequence[Mapping[str, Any]],
        body: Callable[[Any, Any], Operation[Any]],
    ) -> Operation[Any]:
        """Run a body on copies of documents, then forget them.

        Also an open transaction's documents are evaluated apart from it: it would hold the copies
        against other writers until its end, and an error would end it.

        Args:
            record: The collection whose validator and collation shall apply.
            documents: The copies; the validator does not see them come in.
            body: Takes the scratch collection and the session to pass on.

        Returns:
            What the body returns.
        """
        return (yield from self._discarded((yield from self.collection(record)), documents, body))

    def double(
        self, index: IndexRecord, collation: Mapping[str, Any], document: Mapping[str, Any]
    ) -> Operation[tuple[str, dict[str, Any]]]:
        """Learn what the server says of two documents that have the same key in a unique index.

        With a collation, it tells the key as the collation has it, which nobody else can make.

        Args:
            index: The index.
            collation: Its collation, or that of its collection.
            document: A document with the key, without ``_id``.

        Returns:
            The physical namespace of which it speaks, and the error's document.
        """
        definition = {"key": dict(index.key), "name": index.name, "collation": collation}
        name = f"scratch_{hashlib.sha256(bson.encode(definition)).hexdigest()[:16]}"
        if name not in self._made:
            yield self._database[name].create_index(
                list(index.key), name=index.name, unique=True, collation=collation
            )
            self._made.add(name)

        def body(copies: Any, session: Any) -> Operation[dict[str, Any]]:
            try:
                yield copies.insert_many([{"_id": n, **document} for n in range(2)], session=session)
            except BulkWriteError as error:
                return dict(error.details["writeErrors"][0])
            raise AssertionError(f"two documents like {document!r} have no key in common in {index.name!r}")

        details = yield from self._discarded(self._database[name], [], body)
        return f"{self._database.name}.{name}", details

    def _discarded(
        self, scratch: Any, documents: Sequence[Mapping[str, Any]], body: Callable[[Any, Any], Operation[Any]]
    ) -> Operation[Any]:
        began = time.monotonic()
        for pause in backoff():
            session = yield from open_session(self._client, self._world)
            try:
                yield session.start_transaction(**DISCARDED)
                try:
                    if documents:
                        yield scratch.insert_many(documents, bypass_document_validation=True, session=session)
                    return (yield from body(scratch, session))
                finally:
                    if session.in_transaction:
                        yield session.abort_transaction()
            except PyMongoError as error:
                # Two writers who evaluate the same document meet here.
                if not may_pass(error, began):
                    raise
                last = error
            finally:
                yield from close_session(session, self._world)
            yield self._world.sleep(pause)
            yield from self._transactions.unblock(began)
        raise last

    def nothing(self, record: CollectionRecord | None) -> Operation[Any]:
        """Return a collection in which an operation finds nothing, missing if the user's is.

        The server looks less closely at what is asked of a missing one.
        """
        if record is None:
            return self._database[NO_STORE]
        return (yield from self.collection(None))

    def collection(self, record: CollectionRecord | None) -> Operation[Any]:
        """Return the scratch collection with a collection's rules; it is always empty."""
        rules = (
            {} if record is None else {key: record.options[key] for key in _RULES if key in record.options}
        )
        name = "scratch"
        if rules:
            name += "_" + hashlib.sha256(bson.encode(rules)).hexdigest()[:16]
        if name not in self._made:
            try:
                yield self._database.create_collection(name, check_exists=False, **rules)
            except CollectionInvalid:
                pass
            except OperationFailure as error:
                if error.code != _ALREADY_THERE:
                    raise
            self._made.add(name)
        return self._database[name]
