# Generated from argon/aio/undoing.py by tools/async_to_sync.py: edit that.

"""Taking back what was done to a branch, as applications do it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, overload

from pymongo.errors import InvalidOperation

from argon.classic.branches import create_branch
from argon.errors import InvalidPoint
from argon.io import run
from argon.merging.progress import Watcher
from argon.merging.strategy import Strategy
from argon.models import BranchRecord
from argon.models.recorded import Recorded
from argon.points import as_point
from argon.timetravel.resolve import resolve
from argon.undoing.change import StateChange
from argon.undoing.cherry_pick import CherryPick
from argon.undoing.reset import Reset, Undo, parent_of
from argon.undoing.results import ChangeInfo
from argon.undoing.revert import Revert

if TYPE_CHECKING:
    from argon.driver.branch import Branch
    from argon.driver.project import Project
    from argon.engine.engine import Engine
    from argon.engine.handle import Handle
    from argon.timetravel.place import Place


class Undoing(Recorded[BranchRecord]):
    """The part of a branch that takes back, and picks.

    Each of these is one commit that goes forward: the log keeps what was there, and a backup branch keeps the
    state before under a name.
    """

    if TYPE_CHECKING:
        _project: Project

        @property
        def engine(self) -> Engine:
            """The engine that serves it."""

        @property
        def handle(self) -> Handle:
            """The branch's head, for operations."""

        def _found(self) -> None: ...

        def require(self, flag: str) -> None:
            """Check a feature flag for this branch."""

    def revert(
        self,
        lsn: int | None = None,
        to_lsn: int | None = None,
        author: str | None = None,
        *,
        strategy: Strategy = "strict",
        preview: bool = False,
        message: str | None = None,
        progress: Watcher | None = None,
    ) -> ChangeInfo:
        """Take back one commit, or those of a range, and keep what was written since.

        Args:
            lsn: An LSN of the commit; inside a commit it stands for the whole of it.
            to_lsn: An LSN of the last commit of a range.
            author: Take back this author's commits only: those of the range, or without ``to_lsn`` those from
                ``lsn`` on, or without either all that were made on this branch.
            strategy: What becomes of later writes that depend on it: the revert is refused (``strict``), they
                stay (``ours``), or they are taken back, too (``theirs``); or as for :meth:`merge`, the source
                being what was there before.
            preview: Tell what would be done, and do nothing.
            message: Why.
            progress: Is told how far it is, by a :class:`~argon.merging.progress.MergeProgress`.

        Returns:
            What was done, with the name of the backup branch.

        Raises:
            RevertConflict: Later writes depend on it; the error has the list, and nothing was written.
            PointNotFound: There is no such commit in the branch's history.
            DuplicateKeyError: A unique index would not hold.
            WriteError: A validator refuses a document.
            UnsupportedOperation: It is a classic branch, without a history.
        """
        if lsn is None and (author is None or to_lsn is not None):
            raise InvalidPoint("say what to revert: lsn=, lsn= and to_lsn= for a range, or author=")
        self._found()
        change = Revert(self.handle, self._project.record, lsn, to_lsn, author, strategy=strategy)
        return self._changed(change, preview, message, None, progress)

    def undo(
        self,
        n: int = 1,
        *,
        preview: bool = False,
        message: str | None = None,
        author: str | None = None,
        progress: Watcher | None = None,
    ) -> ChangeInfo:
        """Take back the last commit of this branch; done again, it takes back the undoing.

        Args:
            n: Take back so many commits, in one step; the undoing of it is one commit.
            preview: Tell what would be done, and do nothing.
            message: Why.
            author: Who; by default who commits elsewhere.
            progress: Is told how far it is, by a :class:`~argon.merging.progress.MergeProgress`.

        Returns:
            What was done, with the name of the backup branch.

        Raises:
            UnsupportedOperation: So many commits were not made on the branch itself, or it is a classic one.
            InvalidOperation: ``n`` is less than 1.
            Conflict: Somebody else committed meanwhile.
        """
        self._found()
        change = Undo(self.handle, self._project.record, n)
        return self._changed(change, preview, message, author, progress)

    def cherry_pick(
        self,
        source: Any,
        lsn: int | None = None,
        to_lsn: int | None = None,
        *,
        strategy: Strategy = "strict",
        preview: bool = False,
        message: str | None = None,
        author: str | None = None,
        progress: Watcher | None = None,
    ) -> ChangeInfo:
        """Bring single commits of another branch into this one.

        Args:
            source: A branch, its name, or ``branch@POINT`` for the commit at that point.
            lsn: An LSN of the commit; by default the point, or the last commit of the branch.
            to_lsn: An LSN of the last commit of a range.
            strategy: What settles conflicts, as for :meth:`merge`.
            preview: Tell what would be done, and do nothing.
            message: Why.
            author: Who; by default who commits elsewhere.
            progress: Is told how far it is, by a :class:`~argon.merging.progress.MergeProgress`.

        Returns:
            What was done, with the name of the backup branch.

        Raises:
            MergeConflict: Both branches changed the same thing; the error has the list, nothing was written.
            BranchNotFound: There is no such branch.
            PointNotFound: It has no such commit.
            DuplicateKeyError: A unique index would not hold.
            WriteError: A validator refuses a document.
            UnsupportedOperation: One of them is a classic branch, without a history.
        """
        self._found()
        place = self._place_of(source)
        change = CherryPick(self.handle, self._project.record, place, lsn, to_lsn, strategy)
        return self._changed(change, preview, message, author, progress)

    def reset(
        self,
        to: Any = None,
        *,
        to_parent: bool = False,
        preview: bool = False,
        message: str | None = None,
        author: str | None = None,
        progress: Watcher | None = None,
    ) -> ChangeInfo:
        """Let the branch be what another point is: documents, collections, indexes, validators, all of it.

        Args:
            to: A point of this branch, ``branch@POINT``, a branch or its name, or a tag.
            to_parent: In place of ``to``: the head of the branch that this one was made from.
            preview: Tell what would be done, and do nothing.
            message: Why.
            author: Who; by default who commits elsewhere.
            progress: Is told how far it is, by a :class:`~argon.merging.progress.MergeProgress`.

        Returns:
            What was done, with the name of the backup branch.

        Raises:
            PointNotFound: The point is outside the branch's history.
            BranchNotFound: There is no such branch; ``main`` has no parent.
            UnsupportedOperation: One of them is a classic branch, without a history.
        """
        if (to is None) == (not to_parent):
            raise InvalidPoint("say what to reset to: either to= with a point or a branch, or to_parent=True")
        self._found()
        place = self._place_of(self._parent() if to_parent else to)
        change = Reset(self.handle, self._project.record, place)
        return self._changed(change, preview, message, author, progress)

    @overload
    def restore(
        self,
        lsn: int | None = None,
        time: datetime | None = None,
        name: str | None = None,
        *,
        ago: timedelta | None = None,
        tag: str | None = None,
        in_place: Literal[False] = False,
        author: str | None = None,
        message: str | None = None,
    ) -> Branch: ...

    @overload
    def restore(
        self,
        lsn: int | None = None,
        time: datetime | None = None,
        name: None = None,
        *,
        ago: timedelta | None = None,
        tag: str | None = None,
        in_place: Literal[True],
        author: str | None = None,
        message: str | None = None,
        progress: Watcher | None = None,
    ) -> ChangeInfo: ...

    def restore(
        self,
        lsn: int | None = None,
        time: datetime | None = None,
        name: str | None = None,
        *,
        ago: timedelta | None = None,
        tag: str | None = None,
        in_place: bool = False,
        author: str | None = None,
        message: str | None = None,
        progress: Watcher | None = None,
    ) -> Branch | ChangeInfo:
        """Make a new branch that begins where this one was at a moment; nothing is copied.

        Args:
            lsn: After the entry with this LSN.
            time: At this moment; it must have a time zone.
            name: The new branch's name; by default ``main-lsn-42`` or ``main-restore-42``,
                with the LSN that was found.
            ago: So long ago.
            tag: At this tag.
            in_place: Make no new branch, but let this one be what it was, as :meth:`reset` does.
            author: Who does it; by default whoever commits through this branch.
            message: Why; by default what is restored.
            progress: Is told how far a restore in place is; a new branch takes no time.

        Returns:
            The new branch; in place, what was done.

        Raises:
            PointNotFound: The point is outside the branch's history.
            BranchExists: The name is taken.
            FeatureDisabled: ``wal_time_travel`` is off.
            UnsupportedOperation: It is a classic branch, without a history.
        """
        self.require("wal_time_travel")
        point = as_point(lsn=lsn, time=time, ago=ago, tag=tag)
        if in_place:
            if name is not None:
                raise InvalidOperation(
                    f"a restore in place makes no branch to be named {name!r}: leave out name= or in_place="
                )
            return self.reset(point, message=message, author=author, progress=progress)
        found = run(resolve(self.engine, self._record, point))
        if name is None:
            name = f"{self.name}-{'lsn' if lsn is not None else 'restore'}-{found.lsn}"
        message = message or f"restore {self.name} at LSN {found.lsn}"
        project, author = self._project.record, author or self._project.author
        made = create_branch(
            self.engine, project, found.branch, name, found.lsn, author=author, message=message
        )
        return self._project._holding(run(made))

    def _parent(self) -> Any:
        return run(parent_of(self.engine, self._record))

    def _place_of(self, where: Any) -> Place:
        return self._project._place(where, self)

    def _changed(
        self,
        change: StateChange,
        preview: bool,
        message: str | None,
        author: str | None,
        progress: Watcher | None,
    ) -> ChangeInfo:
        change.watch(progress)
        if preview:
            return run(change.preview())
        return run(change.land(author=author, message=message))
