"""The past of a branch's documents: their versions, who set what, and when something went wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from argon.aio._world import settle
from argon.history.bisect import Bisect
from argon.history.blame import blame
from argon.history.document import History
from argon.history.results import BisectResult, DocumentVersion, FieldBlame, Verdict
from argon.io import run_async
from argon.merging.states import as_stored
from argon.models import BranchRecord
from argon.models.recorded import Recorded
from argon.wal.log import DEFAULT_SPACE

if TYPE_CHECKING:
    from argon.aio.branch import AsyncBranch
    from argon.aio.database import AsyncWALDatabase
    from argon.aio.project import AsyncProject
    from argon.engine.engine import Engine
    from argon.timetravel.place import Place


class AsyncPast(Recorded[BranchRecord]):
    """The part of a branch that looks back."""

    if TYPE_CHECKING:

        @property
        def engine(self) -> Engine:
            """The engine that serves it."""

        @property
        def client(self) -> Any:
            """The client that serves it."""

        @property
        def project(self) -> AsyncProject:
            """The project it belongs to."""

        async def require(self, flag: str) -> None:
            """Check a feature flag."""

    async def history(
        self,
        collection: str,
        document_id: Any,
        *,
        at: Any = None,
        limit: int | None = None,
        space: str = DEFAULT_SPACE,
    ) -> AsyncIterator[DocumentVersion]:
        """Yield all versions of a document, newest first, inherited ones included.

        It goes back over deletions and insertions anew, and follows the
        collection through its names; before it comes what was dropped under its
        name. It costs what the document has versions, however long the log.

        Args:
            collection: The collection's name, or the last name of one that is gone.
            document_id: The document's ``_id``.
            at: The point from which to look back; by default the head.
            limit: At most so many.
            space: The collection's namespace.

        Raises:
            PointNotFound: The point is outside the branch's history.
            UnsupportedOperation: It is a classic branch, without a history.
        """
        place = await self._moment(at)
        versions = History(
            self.engine, place, collection, as_stored(document_id, self.client.codec_options), space
        )
        left = limit
        while left != 0 and (version := await run_async(versions.next())) is not None:
            left = None if left is None else left - 1
            yield version

    async def blame(
        self, collection: str, document_id: Any, *, at: Any = None, space: str = DEFAULT_SPACE
    ) -> list[FieldBlame]:
        """Tell for every field of a document which entry gave it its value.

        Args:
            collection: The collection's name.
            document_id: The document's ``_id``.
            at: The point at which the document is looked at; by default the head.
            space: The collection's namespace.

        Returns:
            The innermost fields, in the document's order; an array is one value.

        Raises:
            NotFound: The document is not there.
            PointNotFound: The point is outside the branch's history.
            UnsupportedOperation: It is a classic branch, without a history.
        """
        place = await self._moment(at)
        return await run_async(
            blame(self.engine, place, collection, as_stored(document_id, self.client.codec_options), space)
        )

    async def bisect(
        self,
        good: Any,
        bad: Any = None,
        *,
        test: Callable[[AsyncWALDatabase[Any]], Any],
        on_test: Callable[[int, int], None] | None = None,
    ) -> BisectResult:
        """Find the first bad commit by halving: n commits take at most log2(n) + 2 tests.

        Args:
            good: A point at which all was well.
            bad: A later point at which it is not; by default the head.
            test: Is given the branch as it was at a commit, to read from, and returns True where
                that is good, False where it is bad, or a :class:`~argon.history.results.Verdict`.
                What it raises ends the search.
            on_test: Is told before every test its LSN, and how many commits there are to search.

        Returns:
            The commit, or those among which it is where some could not be tested.

        Raises:
            Conflict: The test does not find the good state good, or the bad one bad.
            InvalidPoint: The points are not an older and a newer one of the same line.
            PointNotFound: A point is outside the branch's history.
        """
        search = Bisect(self.engine, await self._moment(good), await self._moment(bad))
        await run_async(search.begin())
        branch = self._branch_of(search.bad)
        while (lsn := search.next()) is not None:
            if on_test is not None:
                on_test(lsn, search.left)
            search.tell(lsn, as_verdict(await settle(test(self._database(branch, lsn)))))
        return await run_async(search.result())

    async def _moment(self, at: Any) -> Place:
        await self.require("wal_time_travel")
        return await self.project._place(self if at is None else at, self)

    def _branch_of(self, place: Place) -> AsyncBranch:
        from argon.aio.branch import AsyncBranch

        return AsyncBranch(self.project, place.branch).seen_through(self.client)

    def _database(self, branch: AsyncBranch, lsn: int) -> AsyncWALDatabase[Any]:
        from argon.aio.database import AsyncWALDatabase

        return AsyncWALDatabase[Any](branch).at(lsn=lsn)


def as_verdict(said: Any) -> Verdict:
    """Read what a test returned.

    Raises:
        TypeError: It is neither a bool nor a verdict.
    """
    if isinstance(said, bool):
        return Verdict.GOOD if said else Verdict.BAD
    if isinstance(said, Verdict):
        return said
    raise TypeError(f"the test returned {said!r}: return True (good), False (bad) or a Verdict")
