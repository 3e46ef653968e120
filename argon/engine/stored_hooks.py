"""Storing hooks with a project, for every process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, get_args

from argon.engine.rules import edit
from argon.errors import Conflict, NotFound
from argon.hooks.proposal import Event
from argon.io import Operation
from argon.models import ProjectRecord
from argon.models.project import HookRecord
from argon.names import check_branch_pattern, check_tag_name

if TYPE_CHECKING:
    from argon.engine.engine import Engine


def add(
    engine: Engine,
    project: ProjectRecord,
    event: Event,
    command: Sequence[str],
    branches: str,
    *,
    name: str | None,
    author: str | None,
    message: str | None,
) -> Operation[tuple[ProjectRecord, HookRecord]]:
    """Store a command as a hook.

    Raises:
        Conflict: There is a hook of this name.
        InvalidName: The name or the pattern is none.
        ValueError: There is no such event, or no command.
    """
    if event not in get_args(Event):
        raise ValueError(f"there is no event {event!r} to ask before: there are {', '.join(get_args(Event))}")
    if isinstance(command, str) or not command or not all(isinstance(word, str) for word in command):
        raise ValueError(f"a command is a list of a program and its arguments, not {command!r}")
    check_branch_pattern(branches)
    if name is not None:
        check_tag_name(name)

    def change(record: ProjectRecord) -> dict[str, Any]:
        taken = {hook.name for hook in record.hooks}
        if name in taken:
            raise Conflict(f"the project {record.name!r} has a hook {name!r} already: choose another name")
        free = next(text for number in count(1) if (text := f"{event}-{number}") not in taken)
        hook = HookRecord(
            name=name or free, event=event, branches=branches, command=list(command), author=author
        )
        return {"hooks": [each.model_dump() for each in [*record.hooks, hook]]}

    record = yield from edit(engine, project, change, author, message)
    return record, record.hooks[-1]


def remove(
    engine: Engine, project: ProjectRecord, name: str, *, author: str | None, message: str | None
) -> Operation[ProjectRecord]:
    """Remove a stored hook.

    Raises:
        NotFound: There is none of this name.
    """

    def change(record: ProjectRecord) -> dict[str, Any]:
        left = [hook for hook in record.hooks if hook.name != name]
        if len(left) == len(record.hooks):
            names = ", ".join(hook.name for hook in record.hooks) or "none"
            raise NotFound(f"the project {record.name!r} has no hook {name!r}; it has: {names}")
        return {"hooks": [hook.model_dump() for hook in left]}

    return (yield from edit(engine, project, change, author, message))


def forget(engine: Engine, hook: Callable[..., Any]) -> None:
    """Ask a callable of this process no more.

    Raises:
        NotFound: It was not registered.
    """
    if not engine.hooks.remove(hook):
        raise NotFound(f"{hook!r} is not registered as a hook here")
