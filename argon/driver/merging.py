# Generated from argon/aio/merging.py by tools/async_to_sync.py: edit that.

"""A branch among others: what is compared and merged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pymongo.errors import InvalidOperation

from argon.io import run
from argon.merging.merge import Merge, merge_of_plan
from argon.merging.pending.finish import Reason, keep
from argon.merging.plan import MergePlan
from argon.merging.progress import Watcher
from argon.merging.results import BranchDiffResult, MergeInfo
from argon.merging.strategy import Strategy
from argon.models import BranchRecord
from argon.models.recorded import Recorded

if TYPE_CHECKING:
    from argon.driver.project import Project
    from argon.engine.engine import Engine
    from argon.engine.handle import Handle


class Merging(Recorded[BranchRecord]):
    """The part of a branch that has to do with other branches."""

    if TYPE_CHECKING:
        _project: Project

        @property
        def engine(self) -> Engine:
            """The engine that serves it."""

        @property
        def handle(self) -> Handle:
            """The branch's head, for operations."""

        def _found(self) -> None: ...

    def diff(
        self,
        other: Any,
        space: str | None = None,
        collection: str | None = None,
        filter: Mapping[str, Any] | None = None,
        *,
        ids: Iterable[Any] | None = None,
        progress: Watcher | None = None,
    ) -> BranchDiffResult:
        """Compare this branch with another state, which may be a point of its own past.

        Args:
            other: A branch, its name, ``branch@POINT``, or a point of this branch.
            space: Look at this space only.
            collection: Look at this collection only.
            filter: Tell only of documents that match this query in one of the states, and of no
                definitions of collections.
            ids: Tell only of the documents with these ``_id``, and of no definitions; it costs what they do.
            progress: Is told how far it is, by a :class:`~argon.merging.progress.MergeProgress`.

        Returns:
            The differences: what is added is there in ``other``.
        """
        self._found()
        place = self._project._place(other, self)
        return self._project.diff(self, place, space, collection, filter, ids=ids, progress=progress)

    def check_merge(
        self,
        source: Any,
        strategy: Strategy = "strict",
        propagate_deletes: bool = True,
        message: str | None = None,
        author: str | None = None,
    ) -> None:
        """Ask the hooks about a merge, and write nothing; the arguments are those of :meth:`merge`.

        Raises:
            MergeConflict: Both sides changed the same thing.
            HookRefused: A hook does not agree.
        """
        self._found()
        place = self._project._place(source, self)
        merge = Merge(self.handle, place, strategy, deletes=propagate_deletes)
        run(merge.judge(author=author, message=message))

    def merge(
        self,
        source: Any,
        strategy: Strategy = "strict",
        propagate_deletes: bool = True,
        preview: bool = False,
        message: str | None = None,
        author: str | None = None,
        keep_conflicts: bool = False,
        *,
        progress: Watcher | None = None,
    ) -> MergeInfo | MergePlan:
        """Bring into this branch what a source changed since they last met, in one commit.

        Args:
            source: A branch, its name, ``branch@POINT``, or a :class:`MergePlan` that a
                preview returned, which brings its own strategy.
            strategy: What settles conflicts; see :mod:`argon.merging.strategy`.
            propagate_deletes: Whether documents and collections that the source deleted go here, too.
            preview: Compute the merge and write nothing.
            message: Why.
            author: Who; by default who commits elsewhere.
            keep_conflicts: Where there are conflicts, keep them in the database in place of failing, and
                write nothing else: :meth:`resolve` and :meth:`merge_continue` finish the merge.
            progress: Is told how far it is, by a :class:`~argon.merging.progress.MergeProgress`.

        Returns:
            What was done, or the conflicts that were kept; the plan, for a preview.

        Raises:
            MergeConflict: Both sides changed the same thing; the error has the list, and nothing was written.
            MergePending: A merge into this branch is pending already, and conflicts would be kept.
            MergeOutdated: The branch has moved such that a plan would do something else now.
            HookRefused: A hook does not agree (see :mod:`argon.hooks`).
            DuplicateKeyError: A unique index of this branch would not hold.
            WriteError: A validator of this branch refuses a document.
        """
        self._found()
        if isinstance(source, MergePlan):
            merge = run(merge_of_plan(self.handle, source, progress))
            if keep_conflicts:
                raise InvalidOperation("a plan that has conflicts cannot be done: merge its source instead")
        else:
            place = self._project._place(source, self)
            options: dict[str, Any] = {"deletes": propagate_deletes, "watcher": progress}
            merge = Merge(self.handle, place, strategy, **options)
            if keep_conflicts and not preview:
                told = Reason(author, message)
                return run(keep(self.handle, place, strategy, told, **options))
        if preview:
            return run(merge.preview())
        return run(merge.land(author=author, message=message))
