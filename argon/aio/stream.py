"""PyMongo's change stream, fed from the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from bson.codec_options import CodecOptions
from pymongo.asynchronous.change_stream import AsyncChangeStream
from pymongo.errors import ConnectionFailure, PyMongoError

from argon.io import run_async
from argon.streams.decode import decode_event
from argon.streams.feed import Feed, Watch

if TYPE_CHECKING:
    from argon.engine.engine import Engine

D = TypeVar("D", bound=Any)


class AsyncWALChangeStream(AsyncChangeStream[D]):
    """See :class:`pymongo.asynchronous.change_stream.AsyncChangeStream`.

    Args:
        engine: The engine.
        watch: What is watched, and how.
        codec_options: How events are decoded.
    """

    def __init__(self, engine: Engine, watch: Watch, codec_options: CodecOptions[Any]) -> None:
        # Not AsyncChangeStream.__init__: there is no cursor of the server's behind it.
        self._feed = Feed(engine, watch)
        self._orig_codec_options = codec_options
        self._timeout = None
        self._closed = False

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
