"""What users type to choose documents: filters, sort orders, fields, ids."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click
from bson import ObjectId

from argon_cli.extjson import BadExtendedJSON, parse
from argon_cli.points import read_point

_DIRECTIONS = {"": 1, "1": 1, "asc": 1, "-1": -1, "desc": -1}


_EXAMPLE = """a filter is JSON like '{"age": {"$gt": 3}}'"""


def read_filter(ctx: click.Context, param: click.Parameter, text: str | None) -> dict[str, Any] | None:
    """Read a filter in relaxed extended JSON; where it does not parse, point at the place."""
    return _read(ctx, param, text, "filter", _EXAMPLE)


def read_document(ctx: click.Context, param: click.Parameter, text: str | None) -> dict[str, Any] | None:
    """Read a document in relaxed extended JSON; where it does not parse, point at the place."""
    return _read(ctx, param, text, "document", """a document is JSON like '{"ticket": 7}'""")


def _read(
    ctx: click.Context, param: click.Parameter, text: str | None, kind: str, example: str
) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        document = parse(text)
    except BadExtendedJSON as error:
        raise click.BadParameter(f"{error}; {example}", ctx, param) from error
    if not isinstance(document, dict):
        raise click.BadParameter(f"{text!r} is no {kind}; {example}", ctx, param)
    return document


def read_sort(ctx: click.Context, param: click.Parameter, text: str | None) -> list[tuple[str, int]] | None:
    """Read a sort order like ``age:-1,name``, fields in their order."""
    if text is None:
        return None
    order = []
    for part in text.split(","):
        field, _, direction = part.strip().partition(":")
        if not field or direction not in _DIRECTIONS:
            message = f"{part!r} is no sort key; write FIELD, FIELD:1 or FIELD:-1, with commas between"
            raise click.BadParameter(message, ctx, param)
        order.append((field, _DIRECTIONS[direction]))
    return order


def read_fields(ctx: click.Context, param: click.Parameter, text: str | None) -> list[str] | None:
    """Read names of fields like ``name,address.city``, in their order."""
    if text is None:
        return None
    names = [part.strip() for part in text.split(",")]
    if not all(names):
        raise click.BadParameter(f"{text!r} names an empty field; write FIELD,FIELD", ctx, param)
    return names


def projection(fields: list[str] | None) -> dict[str, int] | None:
    """Return the projection that yields exactly these fields; all without any."""
    if not fields:
        return None
    return {**({} if "_id" in fields else {"_id": 0}), **dict.fromkeys(fields, 1)}


def parse_id(text: str) -> Any:
    """Read a document's id as typed: 24 hex digits, extended JSON, or else a string."""
    if re.fullmatch(r"[0-9a-fA-F]{24}", text):
        return ObjectId(text)
    try:
        return parse(text)
    except BadExtendedJSON:
        return text


def query_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the arguments COLLECTION and FILTER, and ``--at``."""
    for decorate in (
        click.option(
            "--at",
            callback=read_point,
            envvar="ARGON_AT",
            metavar="POINT",
            help="The point of the past to look at [now, or ARGON_AT].",
        ),
        click.argument("filter_", metavar="[FILTER]", callback=read_filter, required=False),
        click.argument("collection"),
    ):
        command = decorate(command)
    return command
