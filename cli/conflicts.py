"""How conflicts and pending merges are told of on the command line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from argon_cli.commands.diff import shown, sides
from argon_cli.output import counted, iso, to_cell
from argon_cli.space import shown_name

if TYPE_CHECKING:
    from argon import Branch
    from argon.merging.pending.kept import KeptConflict, PendingMerge
    from argon.merging.results import ConflictEntry

SIDES = {"base": "base_value", "source": "source_value", "target": "target_value"}


def describe_conflict(conflict: ConflictEntry) -> dict[str, Any]:
    """Tell of a conflict what programs get; what a side does not have is left out."""
    about: dict[str, Any] = {"space": conflict.space, "collection": conflict.collection}
    identity = {"definition": True} if conflict.definition else {"id": conflict.id}
    return {**about, **identity, "path": conflict.path, **sides(conflict, tuple(SIDES.values()))}


def describe_kept(conflict: KeptConflict) -> dict[str, Any]:
    """Tell of a conflict of a pending merge what programs get."""
    told = {"number": conflict.number, "state": conflict.state, **describe_conflict(conflict)}
    if conflict.choice is None:
        return told
    when = conflict.resolved_at and iso(conflict.resolved_at)
    value = sides(conflict, ("value",))
    return told | {"choice": conflict.choice, **value, "by": conflict.resolved_by, "at": when}


def print_conflicts(conflicts: Iterable[ConflictEntry], sides: Iterable[str] = SIDES) -> None:
    """Print conflicts for people, with all their values.

    Args:
        conflicts: The conflicts.
        sides: What to call the values at the base, on the source and on the target.
    """
    for each in conflicts:
        about = "" if each.definition else f" {to_cell(each.id) if each.id is not None else 'null'}"
        click.secho(
            f"! {shown_name(each.space, each.collection)}{about} {each.path or '(document)'}",
            fg="red",
            bold=True,
        )
        for side, name in zip(sides, SIDES.values(), strict=True):
            click.echo(f"      {side}: {shown(getattr(each, name))}")


def resolution(conflict: KeptConflict) -> str | None:
    """Say in words what becomes of a conflict."""
    return f"value {shown(conflict.value)}" if conflict.choice == "value" else conflict.choice


def pending(branch: Branch) -> Any:
    """Tell of the pending merge of a branch."""
    found = None if branch.kind != "wal" else branch.pending_merge()
    return found and describe_pending(found)


def describe_pending(merge: PendingMerge) -> dict[str, Any]:
    """Tell of a pending merge."""
    return {"source": merge.source, "open": merge.open, "resolved": merge.resolved}


def pending_text(told: dict[str, Any] | None) -> str | None:
    """Say in words what :func:`pending` tells."""
    if told is None:
        return None
    if not told["open"]:
        return f"{told['source']}, all conflicts resolved; 'argon merge --continue' finishes it"
    return f"{told['source']}, {counted(told['open'], 'open conflict')}; 'argon conflicts' lists them"
