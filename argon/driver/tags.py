# Generated from argon/aio/tags.py by tools/async_to_sync.py: edit that.

"""The tags of a project, as applications make and look them up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from argon.io import run
from argon.models import ProjectRecord, TagRecord
from argon.models.recorded import Recorded
from argon.names import check_tag_name

if TYPE_CHECKING:
    from argon.engine.engine import Engine
    from argon.timetravel.place import Place


class Tags(Recorded[ProjectRecord]):
    """The part of a project that has to do with its tags."""

    if TYPE_CHECKING:

        @property
        def engine(self) -> Engine:
            """The engine that serves it."""

        @property
        def author(self) -> str | None:
            """Who commits."""

        def _place(self, where: Any) -> Place: ...

    def create_tag(
        self, name: str, at: Any = None, *, message: str | None = None, author: str | None = None
    ) -> TagRecord:
        """Give a point of a branch's history a name, which stands for it wherever a point is taken.

        Args:
            name: The tag's name, which must not read as an LSN, a time or an age.
            at: A branch, its name, a point of the default branch, ``branch@POINT``, or another tag;
                by default the head of the default branch.
            message: Why.
            author: Who; by default whoever commits through this project.

        Returns:
            The tag.

        Raises:
            TagExists: The name is taken.
            InvalidName: It is no name for a tag.
            PointNotFound: The point is outside the branch's history.
            BranchNotFound: There is no such branch.
            UnsupportedOperation: It is a classic branch, without a history.
        """
        check_tag_name(name)
        if at is None:
            at = run(self.engine.branches(self._record).default())
        place = self._place(at)
        made = self.engine.tags(self._record).create(
            name, place.branch.id, place.lsn, author=author or self.author, message=message
        )
        return run(made)

    def tags(self) -> list[TagRecord]:
        """Return the tags, oldest first."""
        return run(self.engine.tags(self._record).list())

    def tag(self, name: str) -> TagRecord:
        """Return a tag.

        Raises:
            TagNotFound: There is none of this name.
        """
        return run(self.engine.tags(self._record).get(name))

    def delete_tag(self, name: str, *, author: str | None = None, message: str | None = None) -> None:
        """Delete a tag; what it named stays as it is.

        Args:
            name: The tag's name.
            author: Who; by default whoever commits through this project.
            message: Why.

        Raises:
            TagNotFound: There is none of this name.
        """
        deleted = self.engine.tags(self._record).delete(name, author=author or self.author, message=message)
        run(deleted)
