"""The feature flags in force, from all their sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from argon.catalog.tables import FEATURES
from argon.features import FLAGS, Flags, FlagsInForce, FlagValue, Rollout
from argon.io import run

if TYPE_CHECKING:
    from pymongo.collection import Collection

    from argon_cli.context import Context


def stored_flags(context: Context) -> Collection[dict[str, Any]]:
    """Return the collection that holds the flags of the database."""
    return context.client[context.settings.database][FEATURES]


def flags_in_force(context: Context) -> Flags:
    """Read the flags of the environment, the database and the file."""
    return run(FlagsInForce(stored_flags(context)).current())


def describe(flags: Flags) -> list[dict[str, Any]]:
    """Tell of each flag what the command line shows of it."""
    return [
        {
            "flag": flag,
            "value": plain(flags.setting(flag).value),
            "source": flags.source(flag),
            "meaning": meaning,
        }
        for flag, meaning in FLAGS.items()
    ]


def plain(value: FlagValue) -> bool | dict[str, Any]:
    """Write a flag's value as JSON holds it."""
    return value.as_document() if isinstance(value, Rollout) else value
