# Generated from argon/aio/comparing.py by tools/async_to_sync.py: edit that.

"""Comparing states of a project, two or three at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from argon.errors import Conflict
from argon.io import Operation, run
from argon.merging.base import merge_base
from argon.merging.diff import Diff
from argon.merging.diff3 import Diff3
from argon.merging.progress import Watcher
from argon.merging.results import BranchDiffResult, DiffEntry, SchemaChange
from argon.merging.states import as_stored
from argon.merging.three_way import ThreeWayDiff, ThreeWayEntry, ThreeWaySchema
from argon.models import ProjectRecord
from argon.models.recorded import Recorded

if TYPE_CHECKING:
    from argon.engine.engine import Engine
    from argon.timetravel.place import Place


T = TypeVar("T")


class Comparing(Recorded[ProjectRecord]):
    """The part of a project that compares its states."""

    if TYPE_CHECKING:

        @property
        def engine(self) -> Engine:
            """The engine that serves it."""

        @property
        def client(self) -> Any:
            """The client that serves it."""

        def _place(self, where: Any) -> Place: ...

    def diff(
        self,
        a: Any,
        b: Any,
        space: str | None = None,
        collection: str | None = None,
        filter: Mapping[str, Any] | None = None,
        *,
        ids: Iterable[Any] | None = None,
        progress: Watcher | None = None,
    ) -> BranchDiffResult:
        """Compare two states of the project; it costs what was written since their lines parted.

        Args:
            a: A branch, its name, ``branch@POINT``, or a point of ``main``.
            b: The other state, from which what is added comes.
            space: Look at this space only.
            collection: Look at this collection only.
            filter: Tell only of documents that match this query in one of the states, and of no
                definitions of collections.
            ids: Tell only of the documents with these ``_id``, and of no definitions; it costs what they do.
            progress: Is told how far it is, by a :class:`~argon.merging.progress.MergeProgress`.

        Returns:
            The differences.

        Raises:
            BranchNotFound: There is no such branch.
            PointNotFound: The point is outside the branch's history.
            UnsupportedOperation: One is a classic branch, without a history.
        """
        diff = self._diff(a, b, space, collection, filter, ids, progress)
        return diff.result([change for change in _each(diff.next)])

    def iter_diff(
        self,
        a: Any,
        b: Any,
        space: str | None = None,
        collection: str | None = None,
        filter: Mapping[str, Any] | None = None,
        *,
        ids: Iterable[Any] | None = None,
        progress: Watcher | None = None,
    ) -> Iterator[DiffEntry | SchemaChange]:
        """Like :meth:`diff`, difference by difference, however many there are."""
        diff = self._diff(a, b, space, collection, filter, ids, progress)
        for change in _each(diff.next):
            yield change

    def diff3(
        self,
        ours: Any,
        theirs: Any,
        base: Any = None,
        *,
        space: str | None = None,
        collection: str | None = None,
        filter: Mapping[str, Any] | None = None,
        ids: Iterable[Any] | None = None,
        progress: Watcher | None = None,
    ) -> ThreeWayDiff:
        """Tell what each of two sides changed since a common base, and where that collides.

        It is what a merge of ``theirs`` into ``ours`` would look at, and it costs
        what both have written since the base.

        Args:
            ours: A branch, its name, ``branch@POINT``, or a point of ``main``.
            theirs: The other side.
            base: What both are compared with; by default the merge base.
            space: Look at this space only.
            collection: Look at this collection only, by any of its names.
            filter: Tell only of documents that match this query in one of the states, and of no
                definitions of collections.
            ids: Tell only of the documents with these ``_id``, and of no definitions.
            progress: Is told how far it is, by a :class:`~argon.merging.progress.MergeProgress`.

        Returns:
            What differs, each thing with the side that changed it.

        Raises:
            BranchNotFound: There is no such branch.
            PointNotFound: The point is outside the branch's history.
            Conflict: The two have no history in common.
            UnsupportedOperation: One is a classic branch, without a history.
        """
        diff = self._diff3(ours, theirs, base, space, collection, filter, ids, progress)
        return diff.result([change for change in _each(diff.next)])

    def iter_diff3(
        self,
        ours: Any,
        theirs: Any,
        base: Any = None,
        *,
        space: str | None = None,
        collection: str | None = None,
        filter: Mapping[str, Any] | None = None,
        ids: Iterable[Any] | None = None,
        progress: Watcher | None = None,
    ) -> Iterator[ThreeWayEntry | ThreeWaySchema]:
        """Like :meth:`diff3`, difference by difference, however many there are."""
        diff = self._diff3(ours, theirs, base, space, collection, filter, ids, progress)
        for change in _each(diff.next):
            yield change

    def _diff(
        self,
        a: Any,
        b: Any,
        space: str | None,
        collection: str | None,
        query: Mapping[str, Any] | None,
        ids: Iterable[Any] | None,
        watcher: Watcher | None,
    ) -> Diff:
        first, second = self._place(a), self._place(b)
        narrowed: dict[str, Any] = {
            "space": space,
            "collection": collection,
            "query": query,
            "watcher": watcher,
        }
        return Diff(self.engine, first, second, ids=self._ids(ids), **narrowed)

    def _diff3(
        self,
        ours: Any,
        theirs: Any,
        base: Any,
        space: str | None,
        collection: str | None,
        query: Mapping[str, Any] | None,
        ids: Iterable[Any] | None,
        watcher: Watcher | None,
    ) -> Diff3:
        mine, other = self._place(ours), self._place(theirs)
        if base is None:
            origin = run(merge_base(self.engine, mine, other))
            if origin is None:
                raise Conflict(f"{str(mine)!r} and {str(other)!r} have no history in common: give a base")
        else:
            origin = self._place(base)
        narrowed: dict[str, Any] = {
            "space": space,
            "collection": collection,
            "query": query,
            "watcher": watcher,
        }
        return Diff3(self.engine, origin, mine, other, ids=self._ids(ids), **narrowed)

    def _ids(self, ids: Iterable[Any] | None) -> list[Any] | None:
        return None if ids is None else [as_stored(one, self.client.codec_options) for one in ids]


def _each(next_page: Callable[[], Operation[list[T] | None]]) -> Iterator[T]:
    while (page := run(next_page())) is not None:
        for one in page:
            yield one
