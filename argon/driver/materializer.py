# Generated from argon/aio/materializer.py by tools/async_to_sync.py: edit that.

"""Replaying the log, as applications do it."""

from __future__ import annotations

from argon.driver.argon import Argon
from argon.driver.branch import Branch
from argon.driver.project import Project
from argon.io import run
from argon.materializer.replay import State, replay
from argon.wal.log import DEFAULT_SPACE


class Materializer:
    """Turns a branch, a collection and an LSN into documents by replaying the log.

    Args:
        source: Where the log is: an :class:`argon.Argon`, a project or a branch.
    """

    def __init__(self, source: Argon | Project | Branch) -> None:
        self._engine = source.engine

    def replay(
        self, branch: Branch, collection: str, lsn: int | None = None, space: str = DEFAULT_SPACE
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
        return run(replay(self._engine, branch.record, collection, lsn, space))
