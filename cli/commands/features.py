"""``argon features``: list, set and unset feature flags."""

from __future__ import annotations

import click

from argon.features import parse_flag_value, store_flag, unset_flag
from argon.io import run
from argon_cli.context import Context, pass_context
from argon_cli.flags import describe, flags_in_force, plain, stored_flags
from argon_cli.lazy import NounGroup
from argon_cli.options import global_options
from argon_cli.output import Column, to_json

COLUMNS = (Column("flag", key=True), Column("value"), Column("source"), Column("meaning"))


@global_options
@click.group(cls=NounGroup, aliases={"ls": "list"})
def features() -> None:
    """List, set and unset feature flags."""


@features.command("list")
@global_options
@pass_context
def list_(context: Context) -> None:
    """Show each flag, its value and where that comes from."""
    context.output.records(describe(flags_in_force(context)), COLUMNS, empty="there are no flags")


@features.command("set")
@global_options
@click.argument("flag")
@click.argument("value")
@pass_context
def set_(context: Context, flag: str, value: str) -> None:
    """Set a flag for every process that uses this database.

    VALUE is true, false, or a rollout: '{"enabled":true,"projects":["shop"],"percent":25}'
    """
    parsed = parse_flag_value(flag, value)
    run(store_flag(stored_flags(context), flag, parsed))
    _report(context, flag)


@features.command("unset")
@global_options
@click.argument("flag")
@pass_context
def unset(context: Context, flag: str) -> None:
    """Forget the value in the database, so that the file or the default counts."""
    if not run(unset_flag(stored_flags(context), flag)):
        context.output.note(f"the database held no value of {flag}")
    _report(context, flag)


def _report(context: Context, flag: str) -> None:
    flags = flags_in_force(context)
    setting = flags.setting(flag)
    value = plain(setting.value)
    message = f"{flag} is {to_json(value)} (from the {setting.source})"
    context.output.done(message, {"flag": flag, "value": value, "source": setting.source})
    if flag in flags.stored and setting.source != flags.stored[flag].source:
        context.output.note(f"{setting.source} goes before the database in this process")
