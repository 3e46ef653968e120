"""``--space``: the space of a branch that a command about data works in."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

from argon.errors import InvalidName
from argon_cli.complete import spaces
from argon_cli.context import Context

if TYPE_CHECKING:
    from argon import WALDatabase

DEFAULT = "default"


def read_space(ctx: click.Context, param: click.Parameter, name: str | None) -> str | None:
    """Read the name of a space; what is none is told the rule."""
    from argon.names import check_space_name

    try:
        return None if name is None else check_space_name(name)
    except InvalidName as error:
        raise click.BadParameter(str(error), ctx, param) from error


def space_option(text: str = "The space to work in [default].") -> Callable[[Any], Any]:
    """Give a command the option ``--space``, which :meth:`Context.data` goes by.

    Args:
        text: Its help.
    """

    def remember(ctx: click.Context, param: click.Parameter, name: str | None) -> None:
        ctx.find_root().ensure_object(Context).flags.space = read_space(ctx, param, name)

    return click.option(
        "--space",
        metavar="NAME",
        callback=remember,
        expose_value=False,
        shell_complete=spaces,
        help=text,
    )


def shown_name(space: str | None, collection: str) -> str:
    """Name a collection, with its space where that is not the default one."""
    return collection if space in (None, DEFAULT) else f"{space}/{collection}"


def missing(database: WALDatabase[Any], collection: str) -> str:
    """Say of a collection that is not there what may have been meant.

    Args:
        database: Where it was looked for.
        collection: Its name.
    """
    here, there = database.current_space, database.list_spaces()
    if here not in there:
        near = get_close_matches(here, there, n=1)
        return f"there is no space {here!r}; {_meant(near, there)}"
    where = "" if here == DEFAULT else f" in the space {here!r}"
    for space in there:
        if space != here and collection in database.space(space).list_collection_names():
            return f"there is no collection {collection!r}{where}; there is one with --space {space}"
    names = database.list_collection_names()
    near = get_close_matches(collection, names, n=1)
    return f"there is no collection {collection!r}{where}; {_meant(near, sorted(names))}"


def _meant(near: list[str], known: list[str]) -> str:
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known) or 'none yet'}"
