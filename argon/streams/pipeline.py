"""The user's pipeline, evaluated by the server on events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from argon.io import Operation
from argon.streams.errors import FATAL, refusal
from argon.wal.log import LOG

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_CHUNK = 4 * 1024 * 1024
"""Bytes of events sent at once; a command takes 16 MiB, and larger events go alone."""


@dataclass(frozen=True)
class Pipeline:
    """Stages on events.

    Attributes:
        stages: As the user gave them.
        collation: For comparisons of strings.
        options: Of ``$changeStream``, in the server's own names.
    """

    stages: Sequence[Mapping[str, Any]] = ()
    collation: Mapping[str, Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def encoded(self, codec_options: CodecOptions[Any]) -> Self:
        """Return the same stages with their values encoded as the user's codecs have it.

        Args:
            codec_options: Of what is watched.

        Raises:
            InvalidDocument: There is a value in them that cannot be encoded.
        """
        raw = RawBSONDocument(bson.encode({"stages": list(self.stages)}, codec_options=codec_options))
        return replace(self, stages=raw["stages"])

    def check(self, engine: Engine) -> Operation[None]:
        """Let the server refuse what it would refuse in a change stream of its own.

        Raises:
            OperationFailure: A stage is wrong or has no place in a change stream,
                or an option has a value that it cannot have.
        """
        aggregate: dict[str, Any] = {
            "aggregate": LOG,
            "pipeline": [{"$changeStream": dict(self.options)}, *self.stages],
            "cursor": {},
        }
        if self.collation is not None:
            aggregate["collation"] = self.collation
        yield engine.plain.command({"explain": aggregate, "verbosity": "queryPlanner"})

    def apply(self, engine: Engine, events: Sequence[Mapping[str, Any]]) -> Operation[list[Any]]:
        """Run events through the stages.

        Args:
            engine: The engine.
            events: Events with their resume tokens.

        Returns:
            What comes out, in order.

        Raises:
            OperationFailure: A stage failed, or took the token from an event.
        """
        if not self.stages:
            return list(events)
        tokens = {event["_id"]["_data"] for event in events}
        result: list[Any] = []
        for chunk in _chunks(events):
            documents = [{"$literal": event} for event in chunk]
            options = {} if self.collation is None else {"collation": self.collation}
            cursor = yield engine.raw.aggregate([{"$documents": documents}, *self.stages], **options)
            result += yield cursor.to_list(None)
        for event in result:
            token = event.get("_id")
            if not isinstance(token, Mapping) or token.get("_data") not in tokens or len(token) != 1:
                raise _token_lost(token)
        return result


def _chunks(events: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    chunk: list[Mapping[str, Any]] = []
    size = 0
    for event in events:
        length = len(bson.encode(event))
        if chunk and size + length > _CHUNK:
            yield chunk
            chunk, size = [], 0
        chunk.append(event)
        size += length
    if chunk:
        yield chunk


def _token_lost(found: Any) -> Exception:
    return refusal(
        FATAL,
        "Encountered an event whose _id field, which contains the resume token, was modified by the "
        "pipeline. Modifying the _id field of an event makes it impossible to resume the stream from that "
        "point. Only transformations that retain the unmodified _id field are allowed. "
        f"Found: {found!r}",
    )
