"""A three-way diff as the command line shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from argon_cli.output import Column, counted, to_cell
from argon_cli.space import shown_name

if TYPE_CHECKING:
    from argon.merging.three_way import ThreeWayEntry, ThreeWaySchema

    Change = ThreeWayEntry | ThreeWaySchema

SIDES = ("base", "ours", "theirs")
COLUMNS = (
    Column("space", optional=True),
    Column("collection", key=True),
    *(
        Column(side, key=True, right=True)
        for side in ("ours", "theirs", "both", "merged", "conflict", "schema")
    ),
)
_SIGNS = {
    "ours": ("<", "green"),
    "theirs": (">", "yellow"),
    "both": ("=", "cyan"),
    "merged": ("~", "blue"),
    "conflict": ("!", "red"),
}

_TOLD = {"ours": ("base", "ours"), "theirs": ("base", "theirs"), "both": ("base", "ours")}
"""Of which states a document is shown: what a side has left as it was is not repeated."""


def describe(change: Change, sides: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Tell of a difference what programs get; what a state does not have is left out.

    Args:
        change: The difference.
        sides: Takes something with values for each state, and their names; gives those there are.
    """
    from argon.merging.three_way import ThreeWayEntry

    about: dict[str, Any] = {"side": str(change.side), "space": change.space, "collection": change.collection}
    if not isinstance(change, ThreeWayEntry):
        return {"kind": "schema", **about, "path": change.path, **sides(change, SIDES)}
    documents = {name: getattr(change, name) for name in SIDES}
    told = {name: document for name, document in documents.items() if document is not None}
    fields = [{"path": each.path, "side": str(each.side), **sides(each, SIDES)} for each in change.fields]
    return {"kind": "document", **about, "id": change.id, **told, **({"fields": fields} if fields else {})}


def count(changes: Iterable[Change]) -> Iterator[dict[str, Any]]:
    """Count differences by collection, documents by the side that changed them."""
    from argon.merging.three_way import ThreeWayEntry

    for (space, collection), group in groupby(changes, key=lambda change: (change.space, change.collection)):
        counts = dict.fromkeys([*_SIGNS, "schema"], 0)
        for change in group:
            counts[str(change.side) if isinstance(change, ThreeWayEntry) else "schema"] += 1
        yield {"space": space, "collection": collection, **counts}


def print_changes(changes: Iterable[Change], shown: Callable[[Any], str]) -> int:
    """Print differences for people, collection by collection.

    Args:
        changes: The differences.
        shown: Writes a value of one state.

    Returns:
        How many there are.
    """
    from argon.merging.three_way import ThreeWayEntry

    number = 0
    for (space, collection), group in groupby(changes, key=lambda change: (change.space, change.collection)):
        click.secho(shown_name(space, collection), bold=True)
        for change in group:
            number += 1
            if not isinstance(change, ThreeWayEntry):
                _line(str(change.side), f"{change.path}: {_values(change, shown)}", indent=2)
            elif change.fields:
                inside = counted(len(change.fields), "field")
                _line(str(change.side), f"{to_cell(change.id)} ({change.side}, {inside})", indent=2)
                for each in change.fields:
                    path = each.path or "(order of fields)"
                    _line(str(each.side), f"{path}: {_values(each, shown)}", indent=6)
            else:
                _line(str(change.side), f"{to_cell(change.id)} ({change.side})", indent=2)
                for name in _TOLD.get(str(change.side), SIDES):
                    document = getattr(change, name)
                    click.echo(f"      {name}: {'(none)' if document is None else to_cell(document)}")
    return number


def _line(side: str, text: str, *, indent: int) -> None:
    sign, colour = _SIGNS[side]
    click.secho(f"{' ' * indent}{sign} {text}", fg=colour)


def _values(change: Any, shown: Callable[[Any], str]) -> str:
    """Show what became of a value, by the same rule."""
    side = str(change.side)
    if side in ("ours", "both"):
        return f"{shown(change.base)} -> {shown(change.ours)}"
    if side == "theirs":
        return f"{shown(change.base)} -> {shown(change.theirs)}"
    return f"{shown(change.base)} -> ours {shown(change.ours)}, theirs {shown(change.theirs)}"
