"""The hooks that this process has registered, and those that are stored with a project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from bson import ObjectId

from argon.hooks.proposal import Event, Proposal
from argon.models import BranchRecord

Judge = Callable[[Proposal], Any]
"""Looks at a proposal: raises, or returns why not, to refuse it. With ``argon.aio`` it may be a coroutine."""


@dataclass(frozen=True)
class Registered:
    """A callable of this process.

    Attributes:
        event: What it judges.
        project_id: Of which project.
        branches: A pattern of names of branches, or one branch's id.
        judge: The callable.
    """

    event: Event
    project_id: ObjectId
    branches: str | ObjectId
    judge: Judge

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return str(getattr(self.judge, "__name__", None) or repr(self.judge))

    def concerns(self, event: Event, branch: BranchRecord) -> bool:
        """Whether it judges an event on a branch."""
        if self.event != event or self.project_id != branch.project_id:
            return False
        if isinstance(self.branches, str):
            return fnmatchcase(branch.name, self.branches)
        return self.branches == branch.id


class Hooks:
    """The callables that this process has registered, in their order."""

    def __init__(self) -> None:
        self._registered: list[Registered] = []

    def add(self, event: Event, project_id: ObjectId, branches: str | ObjectId, judge: Judge) -> None:
        """Let a callable judge from now on.

        Raises:
            TypeError: It is none.
        """
        if not callable(judge):
            raise TypeError(f"a hook is a callable that takes a proposal, not {judge!r}")
        self._registered = [*self._registered, Registered(event, project_id, branches, judge)]

    def remove(self, judge: Judge) -> bool:
        """Let a callable judge no more; tell whether it did."""
        left = [each for each in self._registered if each.judge is not judge]
        found = len(left) < len(self._registered)
        self._registered = left
        return found

    def of(self, event: Event, branch: BranchRecord) -> list[Registered]:
        """Return the callables that judge an event on a branch."""
        return [each for each in self._registered if each.concerns(event, branch)]
