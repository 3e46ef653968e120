"""``aggregate`` that begins with ``$changeStream``: a cursor that the log fills."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from argon.commands.held import cursor_of, keep
from argon.commands.request import Command, Reply, Request
from argon.engine.errors import command_error
from argon.io import Operation
from argon.streams.arguments import watch_branch, watch_projects
from argon.streams.feed import Feed
from argon.streams.watch import Watch

if TYPE_CHECKING:
    from argon.engine.engine import Engine

ALL = "$cmd.aggregate"
"""What stands for the collection where a whole database is asked."""

_NAMES = {
    "fullDocument": "full_document",
    "fullDocumentBeforeChange": "full_document_before_change",
    "resumeAfter": "resume_after",
    "showExpandedEvents": "show_expanded_events",
    "startAfter": "start_after",
    "startAtOperationTime": "start_at_operation_time",
}


class Changes:
    """A change stream between two commands, held as other cursors are.

    Args:
        feed: The stream, which has begun.
        namespace: What is watched.
    """

    def __init__(self, feed: Feed, namespace: str) -> None:
        self._feed = feed
        self.namespace = namespace
        self.used = 0.0

    @property
    def done(self) -> bool:
        """Whether the stream has come to its end."""
        return not self._feed.alive

    def token(self) -> Mapping[str, Any]:
        """Return where a stream that goes on from here would begin."""
        return self._feed.token

    def more(self, size: int | None, patience: float | None) -> Operation[list[Any]]:
        """Return the next events, those that are there, or the first that comes in time."""
        events: list[Any] = []
        if patience is not None:
            self._feed.wait_for(patience)
        while self._feed.alive and (size is None or len(events) < size):
            if events and not self._feed.ready:
                break
            event = yield from self._feed.advance()
            if event is None:
                break
            events.append(event)
        return events

    def close(self) -> Operation[None]:
        """Give up what the server holds for the stream."""
        yield from self._feed.close()


def is_stream(pipeline: Any) -> bool:
    """Whether a pipeline asks for a change stream."""
    return isinstance(pipeline, list) and bool(pipeline) and "$changeStream" in pipeline[0]


def is_stream_on_all(pipeline: Any) -> bool:
    """Whether a pipeline asks for a change stream on everything that there is."""
    if not is_stream(pipeline):
        return False
    asked = pipeline[0]["$changeStream"]
    return isinstance(asked, Mapping) and bool(asked.get("allChangesForCluster"))


def watch_options(command: Command) -> dict[str, Any]:
    """Return what ``watch()`` would have been asked for, by PyMongo's names."""
    given, *stages = command["pipeline"]
    options = {_NAMES[name]: value for name, value in given["$changeStream"].items() if name in _NAMES}
    size = (command.get("cursor") or {}).get("batchSize")
    return {
        **options,
        "pipeline": stages,
        "collation": command.get("collation") or None,
        "batch_size": size or None,
    }


def open_stream(request: Request, name: str | None, command: Command) -> Operation[Reply]:
    """Begin a change stream on a branch, or on one of its collections."""
    watch = watch_branch(request.handle, request.database, request.space, name, watch_options(command))
    return (yield from _begun(request.handle.line.engine, watch, request.namespace(name or ALL), command))


def open_stream_on_all(engine: Engine, space: str, command: Command) -> Operation[Reply]:
    """Begin a change stream on the default branches of all projects."""
    return (yield from _begun(engine, watch_projects(space, watch_options(command)), f"admin.{ALL}", command))


def _begun(engine: Engine, watch: Watch, namespace: str, command: Command) -> Operation[Reply]:
    check_read_concern(command)
    feed = Feed(engine, watch)
    yield from feed.open()
    changes = Changes(feed, namespace)
    yield from feed.look()
    size = (command.get("cursor") or {}).get("batchSize")
    batch = (yield from changes.more(size, None)) if feed.ready and size != 0 else []
    return cursor_of("firstBatch", batch, keep(engine, changes), changes)


def check_read_concern(command: Command) -> None:
    """Refuse what no change stream can be read with.

    Raises:
        OperationFailure: The read concern is not ``majority``.
    """
    level = (command.get("readConcern") or {}).get("level", "majority")
    if level != "majority":
        text = (
            f"$changeStream cannot run with a readConcern other than 'majority'. Current readConcern: {level}"
        )
        raise command_error({"code": 72, "codeName": "InvalidOptions", "errmsg": text})
