"""A POINT as typed by the user, and as the keyword arguments of the Python API."""

from __future__ import annotations

from typing import Any, NamedTuple

import click
from click.core import ParameterSource

from argon.errors import InvalidName, InvalidPoint
from argon.points import Ago, Lsn, Point, Tag, Time, parse_branch_point, parse_point


class Place(NamedTuple):
    """A point in time and, where the user named one, the branch to see it on."""

    branch: str | None
    point: Point


def read_point(ctx: click.Context, param: click.Parameter, text: str | None) -> Place | None:
    """Read any form of POINT, ``branch@POINT`` included; what is none is told the forms there are."""
    if text is None:
        return None
    try:
        return Place(*parse_branch_point(text)) if "@" in text else Place(None, parse_point(text))
    except (InvalidPoint, InvalidName) as error:
        from_environment = param.name and ctx.get_parameter_source(param.name) is ParameterSource.ENVIRONMENT
        where = f"{param.envvar} in the environment: " if from_environment else ""
        raise click.BadParameter(f"{where}{error}", ctx, param) from error


def arguments(point: Point) -> dict[str, Any]:
    """Return a point as the one keyword argument that ``at()`` and ``restore()`` take."""
    match point:
        case Lsn(lsn):
            return {"lsn": lsn}
        case Time(time):
            return {"time": time}
        case Ago(ago):
            return {"ago": ago}
        case Tag(name):
            return {"tag": name}
