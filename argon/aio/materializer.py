"""Replaying the log, as applications do it."""

from __future__ import annotations

from argon.aio.argon import AsyncArgon
from argon.aio.branch import AsyncBranch
from argon.aio.project import AsyncProject
from argon.io import run_async
from argon.materializer.replay import State, replay
from argon.wal.log import DEFAULT_SPACE


class AsyncMaterializer:
    """Turns a branch, a collection and an LSN into documents by replaying the log.

    Args:
        source: Where the log is: an :class:`argon.aio.AsyncArgon`, a project or a branch.
    """

    def __init__(self, source: AsyncArgon | AsyncProject | AsyncBranch) -> None:
        self._engine = source.engine

    async def replay(
        self, branch: AsyncBranch, collection: str, lsn: int | None = None, space: str = DEFAULT_SPACE
    ) -> State:
        """Rebuild a collection as it was.

        Args:
            branch: The branch; a deleted one will do.
            collection: The collection's name at that moment.
            lsn: The moment; by default the branch's head.
            space: The collection's space.

        Returns:
            The documents by :func:`argon.versions.ids.id_key` of their ids;
            none where there was no such collection, or a view.

        Raises:
            PointNotFound: The LSN is outside the branch's history.
            CorruptHistory: The log contradicts itself; the message names the entry.
        """
        return await run_async(replay(self._engine, branch.record, collection, lsn, space))
