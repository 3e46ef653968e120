"""Merge strategies as typed: one for all, for a collection, or for a field of it."""

from __future__ import annotations

from typing import Any

import click

STRATEGIES = ("strict", "last_writer_wins", "ours", "theirs")
HELP = (
    "Who wins where both sides changed the same thing: nobody [strict], the target (ours), or the source "
    "(theirs, last_writer_wins). COLLECTION=… and COLLECTION:FIELD=… choose for a part; give it repeatedly."
)


def read_strategies(ctx: click.Context, param: click.Parameter, texts: tuple[str, ...]) -> Any:
    """Read ``theirs``, ``users=ours`` and ``users:address.city=theirs`` into one strategy."""
    rest, whole, fields = "strict", dict[str, str](), dict[str, dict[str, str]]()
    for text in texts:
        where, _, name = text.rpartition("=")
        if name not in STRATEGIES or text.startswith("="):
            message = f"{text!r} is no strategy; write [COLLECTION[:FIELD]=]STRATEGY, one of "
            raise click.BadParameter(message + ", ".join(STRATEGIES), ctx, param)
        collection, colon, field = where.partition(":")
        if not where:
            rest = name
        elif colon:
            fields.setdefault(collection, {})[field] = name
        else:
            whole[collection] = name
    if not whole and not fields:
        return rest
    inner = {name: {**paths, "*": whole.get(name, rest)} for name, paths in fields.items()}
    return {**whole, **inner, "*": rest}
