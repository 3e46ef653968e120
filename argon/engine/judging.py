"""Asking hooks before a commit or a merge is written.

Callables are asked in the process that registered them; commands that are
stored with the project run where somebody commits or merges, and a process
that is not told to run them does neither.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from bson import ObjectId

from argon.errors import HookRefused, UnsupportedOperation
from argon.hooks.command import run_command
from argon.hooks.proposal import Event, Proposal, ProposedChange, proposed
from argon.hooks.registry import Registered
from argon.io import LoopWorld, Operation
from argon.models import BranchRecord
from argon.models.project import HookRecord
from argon.wal.change import Change, LargePlan, Plan, Planner

if TYPE_CHECKING:
    from argon.engine.engine import Engine

Hook: TypeAlias = Registered | HookRecord

_judged: ContextVar[frozenset[ObjectId]] = ContextVar("branches that a hook judges now", default=frozenset())


def hooks_of(engine: Engine, event: Event, branch: BranchRecord) -> Operation[list[Hook]]:
    """Return the hooks that judge an event on a branch, as far as this process knows the stored ones."""
    found: list[Hook] = [*engine.hooks.of(event, branch)]
    project = yield from engine.rules.of(branch.project_id)
    if project is not None:
        found += [
            hook for hook in project.hooks if hook.event == event and fnmatchcase(branch.name, hook.branches)
        ]
    return found


def judge(engine: Engine, hooks: Iterable[Hook], proposal: Proposal) -> Operation[None]:
    """Ask hooks about what would be written.

    Raises:
        HookRefused: One refuses; the others behind it were not asked. Or it is a command, and this process
            does not run any.
    """
    for hook in hooks:
        if isinstance(hook, Registered):
            reason = yield from _ask(engine, hook, proposal)
        elif not engine.run_hooks:
            raise HookRefused(
                f"{_what(proposal)} was not written: the hook {hook.name!r} has to agree, and this process "
                "runs no stored hooks; look at them with 'argon hook list', and set ARGON_RUN_HOOKS=1"
            )
        else:
            reason = yield engine.world.call(partial(run_command, hook, proposal))
        if reason is not None:
            raise HookRefused(f"{_what(proposal)} was refused by the hook {hook.name!r}: {reason}")


def guarded(
    engine: Engine, branch: BranchRecord, planner: Planner, author: str | None, message: str | None
) -> Operation[Planner]:
    """Let the hooks that judge commits on a branch see what a planner comes to, before it is committed.

    Raises:
        UnsupportedOperation: It is such a hook that wants to write to the branch, which waits for it.
    """
    if branch.id in _judged.get():
        raise UnsupportedOperation(
            f"a pre-commit hook cannot write to the branch {branch.name!r} that it judges, for the commit "
            "waits for it: write to another branch"
        )
    hooks = yield from hooks_of(engine, "pre-commit", branch)
    if not hooks:
        return planner

    def ask(proposal: Proposal) -> Operation[None]:
        token = _judged.set(_judged.get() | {branch.id})
        try:
            yield from judge(engine, hooks, proposal)
        finally:
            _judged.reset(token)

    def plan(snapshot: Any, careful: bool) -> Operation[Plan]:
        made = yield from planner(snapshot, careful)
        about = partial(Proposal, "pre-commit", snapshot.project, branch.name, author, message)
        if isinstance(made, LargePlan):
            return _guarded_large(made, lambda changes: ask(about(changes)))

        def check(session: Any) -> Operation[None]:
            if made.check is not None:
                yield from made.check(session)
            changes = proposed(made.changes)
            if changes:
                yield from ask(about(changes))

        return replace(made, check=check)

    return plan


def _guarded_large(made: LargePlan, ask: Callable[[list[ProposedChange]], Operation[None]]) -> Plan:
    """Let hooks see all that is written of a large commit, before it is published."""
    seen: list[ProposedChange] = []

    def pages() -> Operation[list[Change]]:
        page = yield from made.pages()
        seen.extend(proposed(page))
        return page

    def look(hidden: Any) -> Operation[None]:
        if made.inspect is not None:
            yield from made.inspect(hidden)
        yield from ask(seen)

    return replace(made, pages=pages, inspect=look)


def merge_proposal(
    project: str,
    branch: BranchRecord,
    changes: Sequence[Change],
    *,
    author: str | None,
    message: str | None,
    source: str,
    source_lsn: int,
    base_lsn: int,
) -> Proposal:
    """Put together what hooks are asked about a merge."""
    about = (project, branch.name, author, message, proposed(changes))
    return Proposal("pre-merge", *about, source, source_lsn, base_lsn)


def _ask(engine: Engine, hook: Registered, proposal: Proposal) -> Operation[str | None]:
    try:
        reply = hook.judge(proposal)
        if inspect.isawaitable(reply):
            if not isinstance(engine.world, LoopWorld):
                raise TypeError("it is a coroutine function, which argon.aio alone can await")
            reply = yield reply
    except HookRefused as refused:
        return str(refused)
    except Exception as error:
        return str(error) or type(error).__name__
    if reply is None or reply is True:
        return None
    return "it does not agree" if reply is False else str(reply)


def _what(proposal: Proposal) -> str:
    if proposal.source is not None:
        return f"the merge of {proposal.source!r} into {proposal.branch!r}"
    return f"the commit to {proposal.branch!r}"
