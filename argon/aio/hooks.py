"""The hooks of a project and of a branch: what may refuse a commit or a merge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from argon.engine import stored_hooks
from argon.hooks.proposal import Event
from argon.hooks.registry import Judge
from argon.io import run_async
from argon.models import BranchRecord, ProjectRecord
from argon.models.project import HookRecord
from argon.models.recorded import Recorded

if TYPE_CHECKING:
    from bson import ObjectId

    from argon.engine.engine import Engine

J = TypeVar("J", bound=Judge)


class AsyncHooks(Recorded[ProjectRecord]):
    """The part of a project that has to do with its hooks."""

    if TYPE_CHECKING:

        @property
        def engine(self) -> Engine:
            """The engine that serves it."""

        @property
        def author(self) -> str | None:
            """Who commits."""

    def on_commit(self, branches: str = "*") -> Callable[[J], J]:
        """Return a decorator for what is asked before each commit through this Argon.

        Args:
            branches: A pattern of names of branches.
        """
        return self._on("pre-commit", branches)

    def on_merge(self, branches: str = "*") -> Callable[[J], J]:
        """Return a decorator for what is asked before each merge through this Argon.

        Args:
            branches: A pattern of names of branches into which is merged.
        """
        return self._on("pre-merge", branches)

    def _on(self, event: Event, branches: str) -> Callable[[J], J]:
        def register(hook: J) -> J:
            self.engine.hooks.add(event, self.id, branches, hook)
            return hook

        return register

    async def add_hook(
        self,
        event: Event,
        command: Sequence[str],
        branches: str = "*",
        *,
        name: str | None = None,
        author: str | None = None,
        message: str | None = None,
    ) -> HookRecord:
        """Store a command that every process has to ask, and has to be told to run (``run_hooks``).

        Args:
            event: ``pre-merge`` or ``pre-commit``.
            command: The program and its arguments; no shell reads it.
            branches: A pattern of names of branches.
            name: Its name; by default one that is free, such as ``pre-merge-1``.
            author: Who stores it; by default whoever commits through this project.
            message: Why.

        Raises:
            Conflict: There is a hook of this name.
            InvalidName: The name or the pattern is none.
            ValueError: There is no such event, or no command.
        """
        record, hook = await run_async(
            stored_hooks.add(
                self.engine,
                self._record,
                event,
                command,
                branches,
                name=name,
                author=author or self.author,
                message=message,
            )
        )
        self._record = record
        return hook

    async def hooks(self) -> list[HookRecord]:
        """Return the stored hooks, in the order in which they are asked, read anew."""
        return (await run_async(self.engine.branches(self._record).project())).hooks

    async def remove_hook(
        self, hook: str | Callable[..., Any], *, author: str | None = None, message: str | None = None
    ) -> None:
        """Ask a hook no more.

        Args:
            hook: The name of a stored one, or a callable that this process has registered.
            author: Who removes it; by default whoever commits through this project.
            message: Why.

        Raises:
            NotFound: There is none.
        """
        if not isinstance(hook, str):
            stored_hooks.forget(self.engine, hook)
            return
        said = {"author": author or self.author, "message": message}
        self._record = await run_async(stored_hooks.remove(self.engine, self._record, hook, **said))


class AsyncBranchHooks(Recorded[BranchRecord]):
    """The part of a branch that has to do with its hooks."""

    if TYPE_CHECKING:

        @property
        def engine(self) -> Engine:
            """The engine that serves it."""

        @property
        def project_id(self) -> ObjectId:
            """The project's id."""

    def on_commit(self, hook: J) -> J:
        """Ask a callable before each commit to the branch through this Argon; see :mod:`argon.hooks`.

        Args:
            hook: Gets a :class:`argon.hooks.Proposal`; it raises, or returns why not, to refuse.

        Returns:
            The callable, so that this serves as a decorator; ``project.remove_hook(hook)`` ends it.
        """
        self.engine.hooks.add("pre-commit", self.project_id, self.id, hook)
        return hook

    def on_merge(self, hook: J) -> J:
        """Ask a callable before each merge into the branch through this Argon; see :meth:`on_commit`."""
        self.engine.hooks.add("pre-merge", self.project_id, self.id, hook)
        return hook
