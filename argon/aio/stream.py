"""PyMongo's change stream, fed from the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pymongo.asynchronous.change_stream import AsyncChangeStream
from pymongo.errors import ConnectionFailure, PyMongoError

from argon.io import run_async
from argon.streams.decode import decode_event
from argon.streams.feed import Feed
from argon.streams.watch import Watch

if TYPE_CHECKING:
    from argon.engine.engine import Engine

D = TypeVar("D", bound=Any)


class AsyncWALChangeStream(AsyncChangeStream[D]):
    """See :class:`pymongo.asynchronous.change_stream.AsyncChangeStream`.

    Args:
        engine: The engine.
        watch: What is watched, and how.
        target: The collection or database that is watched; for a client ``admin``, as PyMongo has it.
        options: The arguments of ``watch()``, all of them, by PyMongo's names.
    """

    def __init__(self, engine: Engine, watch: Watch, target: Any, options: Mapping[str, Any]) -> None:
        super().__init__(target, **options)
        pipeline = watch.pipeline.encoded(self._orig_codec_options)
        self._feed = Feed(engine, replace(watch, pipeline=pipeline))
        self._timeout = None

    async def open(self) -> Self:
        """Begin: what is committed from now on, or after the token, will be told of."""
        await run_async(self._feed.open())
        self._resume_token = self._feed.token
        return self

    async def try_next(self) -> D | None:
        """See :meth:`pymongo.asynchronous.change_stream.AsyncChangeStream.try_next`."""
        if self._closed:
            return None
        try:
            event = await run_async(self._feed.advance())
        except BaseException as error:
            # After a passing error of the network the next call goes on where this one began.
            passing = isinstance(error, ConnectionFailure) or (
                isinstance(error, PyMongoError) and error.timeout
            )
            if not passing:
                await self.close()
            raise
        self._resume_token = self._feed.token
        if not self._feed.alive:
            await self.close()
        return None if event is None else decode_event(event, self._orig_codec_options)

    async def close(self) -> None:
        """See :meth:`pymongo.asynchronous.change_stream.AsyncChangeStream.close`."""
        self._closed = True
        await run_async(self._feed.close())
