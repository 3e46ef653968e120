"""A branch with a merge that waits for decisions, and the merges that were planned for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from argon.io import run_async
from argon.merging.pending.finish import Reason, abort, finish
from argon.merging.pending.kept import KeptConflict, PendingMerge
from argon.merging.pending.plans import delete_plan, load_plan, plans, save_plan
from argon.merging.pending.resolve import Which, choice_of, conflicts, numbers_of, pending_merge, resolve
from argon.merging.plan import MergePlan
from argon.merging.progress import Watcher
from argon.merging.results import MISSING, MergeInfo
from argon.models import BranchRecord
from argon.models.recorded import Recorded

if TYPE_CHECKING:
    from argon.engine.handle import Handle


class AsyncConflicts(Recorded[BranchRecord]):
    """The part of a branch that has to do with merges that are not finished yet."""

    if TYPE_CHECKING:

        @property
        def handle(self) -> Handle:
            """The branch's head, for operations."""

        async def _found(self) -> None: ...

    async def pending_merge(self) -> PendingMerge | None:
        """Return the merge into this branch that waits for its conflicts to be resolved, if there is one."""
        await self._found()
        return await run_async(pending_merge(self.handle))

    async def conflicts(
        self,
        state: str | None = None,
        *,
        space: str | None = None,
        collection: str | None = None,
        document_id: Any = MISSING,
        path: str | None = None,
    ) -> list[KeptConflict]:
        """Return the conflicts of the pending merge, in the order of their numbers.

        Args:
            state: Only the ``open`` or the ``resolved`` ones.
            space: Only those in this space.
            collection: Only those in this collection.
            document_id: Only those in this document.
            path: Only those at this path; an empty one for documents as a whole.

        Raises:
            MergeNotFound: No merge is pending.
        """
        await self._found()
        which = Which(None, state, space, collection, document_id, path)
        return await run_async(conflicts(self.handle, which))

    async def resolve(
        self,
        conflict: int | KeptConflict | Iterable[int | KeptConflict] | None = None,
        take: str | None = None,
        *,
        value: Any = MISSING,
        delete: bool = False,
        space: str | None = None,
        collection: str | None = None,
        document_id: Any = MISSING,
        path: str | None = None,
    ) -> int:
        """Say what shall become of conflicts of the pending merge, one or many; it can be said anew.

        The branch stays as it is until :meth:`merge_continue`.

        Args:
            conflict: Its number, or what :meth:`conflicts` returned, or several of these; without
                them all open conflicts that the other arguments describe.
            take: ``ours`` (this branch), ``theirs`` (the source) or ``base``.
            value: Becomes of the field or document, in place of ``take``.
            delete: Lets the field, document or definition go, in place of ``take``.
            space: Only conflicts in this space.
            collection: Only conflicts in this collection.
            document_id: Only conflicts in this document.
            path: Only conflicts at this path; an empty one for documents as a whole.

        Returns:
            How many conflicts were resolved.

        Raises:
            MergeNotFound: No merge is pending, or it has no such conflict.
            InvalidOperation: That cannot become of one of them; none was resolved.
        """
        await self._found()
        choice = choice_of(take, value, delete)
        numbers = None if conflict is None else numbers_of(conflict)
        which = Which(numbers, None, space, collection, document_id, path)
        return await run_async(resolve(self.handle, which, choice, value))

    async def merge_continue(
        self, message: str | None = None, author: str | None = None, *, progress: Watcher | None = None
    ) -> MergeInfo:
        """Finish the pending merge, in one commit.

        The source stays as it was when the merge began. Where this branch has moved meanwhile, the
        resolutions of conflicts that are the same still count, and what has changed is open anew.

        Args:
            message: Why; by default what was given when the merge began.
            author: Who; by default who began it.
            progress: Is told how far it is, by a :class:`~argon.merging.progress.MergeProgress`.

        Returns:
            What was done.

        Raises:
            MergeNotFound: No merge is pending.
            MergeConflict: Conflicts are open; the error has the list, and nothing was written.
            DuplicateKeyError: A unique index of this branch would not hold; the merge stays pending.
            WriteError: A validator of this branch refuses a document; the merge stays pending.
        """
        await self._found()
        return await run_async(finish(self.handle, Reason(author, message), progress))

    async def merge_abort(self) -> None:
        """Give up the pending merge; this branch was never touched by it.

        Raises:
            MergeNotFound: No merge is pending.
        """
        await self._found()
        await run_async(abort(self.handle))

    async def save_plan(self, name: str, plan: MergePlan) -> None:
        """Store the plan of a merge into this branch under a name, in place of one that had it.

        Raises:
            InvalidName: It is no name.
            InvalidOperation: Its strategy has a callable, or it is for another branch.
        """
        await self._found()
        await run_async(save_plan(self.handle, name, plan))

    async def plan(self, name: str) -> MergePlan:
        """Return the plan of this name, for :meth:`merge`.

        Raises:
            MergeNotFound: There is none.
        """
        await self._found()
        return await run_async(load_plan(self.handle, name))

    async def plans(self) -> dict[str, MergePlan]:
        """Return the plans that were stored, by their names; they have no lists of changes."""
        await self._found()
        return await run_async(plans(self.handle))

    async def delete_plan(self, name: str) -> None:
        """Forget a plan.

        Raises:
            MergeNotFound: There is none of this name.
        """
        await self._found()
        await run_async(delete_plan(self.handle, name))
