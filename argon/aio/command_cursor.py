"""A cursor that a command has begun, and that further commands read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pymongo.asynchronous.command_cursor import AsyncCommandCursor

if TYPE_CHECKING:
    from bson.codec_options import CodecOptions
    from pymongo.asynchronous.database import AsyncDatabase

D = TypeVar("D", bound=Any)


class AsyncWALCommandCursor(AsyncCommandCursor[D]):
    """See :class:`pymongo.asynchronous.command_cursor.AsyncCommandCursor`.

    Args:
        database: Where the command ran.
        begun: The field ``cursor`` of its reply.
        codec_options: How documents are decoded.
    """

    def __init__(
        self, database: AsyncDatabase[Any], begun: Mapping[str, Any], codec_options: CodecOptions[Any]
    ) -> None:
        # PyMongo's own part knows of no cursor on the server, and so never asks for it.
        super().__init__(database["$cmd"], {**begun, "id": 0}, None)
        self._wal_database: Any = database
        self._codec_options = codec_options
        self._name = str(begun["ns"]).removeprefix(f"{database.name}.")
        self._number = int(begun["id"])
        self._killed = not self._number

    @property
    def cursor_id(self) -> int | None:
        """See :attr:`pymongo.asynchronous.command_cursor.AsyncCommandCursor.cursor_id`."""
        return self._number

    async def _refresh(self) -> int:
        if self._data or self._killed:
            return len(self._data)
        size = {"batchSize": self._batch_size} if self._batch_size else {}
        reply = await self._wal_database.command(
            "getMore", self._number, collection=self._name, codec_options=self._codec_options, **size
        )
        self._number = int(reply["cursor"]["id"])
        self._killed = not self._number
        self._data.extend(reply["cursor"]["nextBatch"])
        return len(self._data)

    async def close(self) -> None:
        """See :meth:`pymongo.asynchronous.command_cursor.AsyncCommandCursor.close`."""
        number, self._number, self._killed = self._number, 0, True
        if number:
            await self._wal_database.command("killCursors", self._name, cursors=[number])

    def __del__(self) -> None:
        # What nobody reads is forgotten after a while.
        return
