"""``argon doctor``: find out what is wrong and how to mend it."""

from __future__ import annotations

import click

from argon_cli.checkup import FAIL, WARN, checkup
from argon_cli.context import Context, pass_context
from argon_cli.failures import FAILED
from argon_cli.options import global_options
from argon_cli.output import Column

COLUMNS = (Column("check", key=True), Column("state", key=True), Column("found"))


@click.command("doctor")
@global_options
@click.pass_context
@pass_context
def doctor(context: Context, ctx: click.Context) -> None:
    """Find out what is wrong and how to mend it.

    Leaves with 1 where a check fails; a warning is none.
    """
    found = checkup(context)
    context.output.records((check._asdict() for check in found), COLUMNS, empty="")
    if context.output.for_people:
        for check in found:
            if check.mend:
                context.output.note(f"{check.check}: {check.mend}")
        wrong = sum(check.state == FAIL for check in found)
        doubtful = sum(check.state == WARN for check in found)
        context.output.note(
            "all is well" if not wrong + doubtful else f"{wrong} failed, {doubtful} to look at"
        )
    if any(check.state == FAIL for check in found):
        ctx.exit(FAILED)
