"""``argon gc``: let go of history that is older than its retention and not held by anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from argon_cli.complete import projects
from argon_cli.context import Context, pass_context
from argon_cli.failures import explain
from argon_cli.options import global_options
from argon_cli.output import counted
from argon_cli.progress import progress as bar

if TYPE_CHECKING:
    from pymongo.errors import PyMongoError

    from argon.gc.report import GCReport, Progress

_KIB = 1024


@click.command("gc")
@global_options
@click.argument("project", required=False, shell_complete=projects)
@click.option("--all", "everything", is_flag=True, help="All projects, deleted ones too.")
@click.option("--dry-run", is_flag=True, help="Only show what would go.")
@click.option("--watch", is_flag=True, help="Go on until it is stopped, once in --every.")
@click.option("--every", metavar="PERIOD", help="How long to wait between two rounds of --watch [1h].")
@pass_context
def gc(
    context: Context, project: str | None, everything: bool, dry_run: bool, watch: bool, every: str | None
) -> None:
    """Let go of the history of a project [the one in use] that is older than its retention.

    What a branch shows now stays, and so does what a tag, a fork or the next
    merge needs. Deleted branches can be brought back until their retention has
    passed. It may run beside other work, and be stopped at any moment.
    """
    if project and everything:
        raise click.UsageError("name a project or give --all, not both")
    if watch and dry_run:
        raise click.UsageError("--watch lets go of history again and again; --dry-run shows it once")
    if every is not None and not watch:
        raise click.UsageError("--every goes with --watch")
    pause = _period(every) if every else context.settings.gc_interval
    if not watch:
        _print(context, _collect(context, project, everything=everything, dry_run=dry_run))
        return
    from argon import GCService

    def collect(progress: Progress) -> Sequence[GCReport]:
        return _collect(context, project, progress, everything=everything)

    def print_error(error: PyMongoError, seconds: float) -> None:
        context.output.note(f"{explain(error)[0]}; trying again in {seconds:,.0f} s")

    GCService(collect, every=pause, on_round=partial(_print, context), on_error=print_error).run()


def _collect(
    context: Context,
    project: str | None,
    progress: Progress | None = None,
    *,
    everything: bool,
    dry_run: bool = False,
) -> Sequence[GCReport]:
    shown = "looking for what has expired" if dry_run else "letting go of what has expired"
    with bar(shown, counted="versions") as show:

        def step(phase: str, rows: int) -> None:
            show(rows, rows)
            if progress is not None:
                progress(phase, rows)

        if everything:
            reports: Sequence[GCReport] = context.argon.gc(dry_run, progress=step)
            return reports
        chosen = context.argon.project(project) if project else context.project
        return [chosen.gc(dry_run, progress=step)]


def _print(context: Context, reports: Sequence[GCReport]) -> None:
    if context.output.for_people:
        for report in reports:
            context.output.note(_told(report))
    elif len(reports) == 1:
        context.output.record(describe(reports[0]))
    else:
        context.output.records((describe(report) for report in reports), (), empty="")


def _told(report: GCReport) -> str:
    """Tell in words what went."""
    amounts: tuple[tuple[int, Callable[[int], str]], ...] = (
        (report.rows, lambda n: f"{counted(n, 'version')} of documents ({bytes_shown(report.row_bytes)})"),
        (report.entries, lambda n: f"{_entries(n)} of the log ({bytes_shown(report.entry_bytes)})"),
        (len(report.branches), lambda n: f"{n} deleted branch{'' if n == 1 else 'es'}"),
        (len(report.stores), lambda n: counted(n, "physical collection")),
        (len(report.indexes), lambda n: f"{n} physical index{'' if n == 1 else 'es'}"),
        (len(report.databases), lambda n: counted(n, "physical database")),
    )
    parts = [tell(number) for number, tell in amounts if number]
    verb = "would let go of" if report.dry_run else "let go of"
    if not parts:
        return f"{report.project}: there is nothing to let go of"
    return f"{report.project}: {verb} {', '.join(parts)}"


def _entries(number: int) -> str:
    return f"{number:,} entr{'y' if number == 1 else 'ies'}"


def describe(report: GCReport) -> dict[str, Any]:
    """Tell of a collection what the command line shows of it."""
    told = {key: value for key, value in vars(report).items() if key not in ("progress", "horizons")}
    return {**told, "horizons": [asdict(one) for one in report.horizons]}


def bytes_shown(number: int) -> str:
    """Write a number of bytes for a person."""
    size = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < _KIB:
            return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"
        size /= _KIB
    return f"{size:,.1f} TiB"


def _period(text: str) -> float:
    from argon.periods import read_period

    try:
        return read_period(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--every") from None
