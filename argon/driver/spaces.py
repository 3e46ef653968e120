# Generated from argon/aio/spaces.py by tools/async_to_sync.py: edit that.

"""Spaces: the namespaces of a branch, each with collections of its own."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Self, TypeVar

from argon.classic.passage import physical_of
from argon.driver.database_handle import DatabaseHandle
from argon.engine import spaces
from argon.engine.current_space import entered
from argon.io import run
from argon.names import check_space_name
from argon.wal.log import DEFAULT_SPACE

D = TypeVar("D", bound=Any)


class Spaces(DatabaseHandle[D]):
    """The part of a database that has to do with the branch's spaces."""

    def space(self, name: str) -> Self:
        """Return the same branch, at the same moment, with the collections of a space.

        A space needs no making: like a collection, it is there from the first write on.

        Args:
            name: The space; ``default`` is the one that everything is in unless another is named.

        Returns:
            A database whose collections, commands and streams are those of the space alone.

        Raises:
            InvalidName: The name breaks the rule for spaces.
        """
        return self._with_handle(self._handle, space=check_space_name(name))

    def in_space(self, name: str) -> AbstractContextManager[Self]:
        """Work in a space for a block: within it, this handle's collections are those of the space.

        ::

            with db.in_space("tool-results"):
                db.runs.find_one()

        This holds for the thread or task that the block runs in, and for tasks begun
        inside it; others that use the handle stay where they are. Blocks may be nested.
        Collections and cursors that were had before or inside the block keep their space.

        Args:
            name: The space.

        Returns:
            What ``with`` takes; it gives the handle that :meth:`space` returns.

        Raises:
            InvalidName: The name breaks the rule for spaces.
        """
        return entered(self, self.space(name), name)

    def list_spaces(self) -> list[str]:
        """Return the spaces that have collections: ``default`` first, which is always there, then by age.

        Argon's own spaces, ``_system_…``, are not shown.
        """
        if run(physical_of(self._handle, writes=False)) is not None:
            return [DEFAULT_SPACE]
        return run(spaces.list_spaces(self._handle))

    def delete_space(self, name: str, force: bool = False) -> None:
        """Drop all collections of a space in one commit; the past and other branches keep them.

        Args:
            name: The space.
            force: Drop collections that hold documents, too.

        Raises:
            InvalidName: The name breaks the rule for spaces.
            SpaceProtected: It is ``default``.
            SpaceNotFound: It has no collections.
            SpaceNotEmpty: A collection holds documents, and ``force`` was not given.
            ReadOnlyView: This is a view of the past.
        """
        run(spaces.delete_space(self._handle, name, force=force))
