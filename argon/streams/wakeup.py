"""Waiting for the log to grow, without asking again and again.

A change stream of the server's on ``wal_log`` tells that something came; what
came is then read from the log itself. So nothing is lost when this stream
fails, falls behind the oplog or has to be opened anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bson import ObjectId
from pymongo.errors import OperationFailure, PyMongoError

from argon.io import Operation
from argon.wal.log import LOG

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_DEFAULT_AWAIT = 1.0
"""Seconds for which the server waits where no ``max_await_time_ms`` is given."""
_LAST_OF_COMMIT = {"$eq": ["$fullDocument.lsn", {"$ifNull": ["$fullDocument.commit", "$fullDocument.lsn"]}]}


class Wakeup:
    """Tells when a branch's line grows.

    Args:
        engine: The engine.
        branch: The branch; None for every branch there is.
        max_await_time_ms: How long to wait at most.
    """

    def __init__(self, engine: Engine, branch: ObjectId | None, max_await_time_ms: int | None) -> None:
        self._engine = engine
        self._branch = branch
        self._max_await_time_ms = max_await_time_ms
        self._stream: Any = None
        self.patience = _DEFAULT_AWAIT if max_await_time_ms is None else max_await_time_ms / 1000

    def wait_for(self, seconds: float) -> None:
        """Set how long to wait at most, from the next wait on."""
        self.patience = seconds
        self._max_await_time_ms = round(seconds * 1000)

    @property
    def ready(self) -> bool:
        """Whether whatever is committed from now on will be noticed."""
        return self._stream is not None

    def open(self) -> Operation[None]:
        """Begin to listen; the log must be read once more before the first wait."""
        # Not every driver opens the stream at once, so it is told from when on:
        # what a majority has by now is seen by whoever reads after this.
        hello = yield self._engine.client.get_database("admin").command("hello")
        since = hello.get("lastWrite", {}).get("majorityOpTime", {}).get("ts")
        # A writer's claim of the head, which has no LSN, is inserted too, and removed by its own commit.
        entry: dict[str, Any] = {
            "operationType": "insert",
            "fullDocument.lsn": {"$exists": True},
            "$expr": _LAST_OF_COMMIT,
        }
        if self._branch is not None:
            entry["fullDocument.branch_id"] = self._branch
        self._stream = yield self._engine.raw[LOG].watch(
            [{"$match": entry}, {"$project": {"b": "$fullDocument.branch_id", "l": "$fullDocument.lsn"}}],
            max_await_time_ms=self._max_await_time_ms,
            start_at_operation_time=since,
        )

    def wait(self, known: Callable[[ObjectId, int], bool]) -> Operation[tuple[ObjectId, int] | None]:
        """Wait until a branch has grown, or for as long as was asked.

        Args:
            known: Tells whether an LSN of a branch has been read already.

        Returns:
            The line that has grown and the last LSN of the commit, or None if nothing came.
        """
        deadline = time.monotonic() + self.patience
        while True:
            try:
                change = yield self._stream.try_next()
            except OperationFailure:
                # It fell behind the oplog, or the server has forgotten it.
                yield from self.close()
                return None
            if change is None:
                return None
            if not known(change["b"], int(change["l"])):
                return change["b"], int(change["l"])
            if time.monotonic() > deadline:
                return None

    def close(self) -> Operation[None]:
        """Stop listening."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        try:
            yield stream.close()
        except PyMongoError:
            # The server forgets the cursor by itself.
            return
