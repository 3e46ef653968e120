"""``argon verify``: hold the log against the stored versions."""

from __future__ import annotations

from typing import Any

import click

from argon.materializer import Problem, VerifyReport
from argon_cli.complete import projects
from argon_cli.context import Context, pass_context
from argon_cli.failures import FAILED
from argon_cli.options import global_options
from argon_cli.output import Column
from argon_cli.progress import progress

COLUMNS = (
    Column("kind", key=True),
    Column("branch", optional=True),
    Column("collection", optional=True),
    Column("lsn", key=True, right=True, optional=True),
    Column("document_id", key=True, optional=True),
    Column("message"),
)


@click.command("verify")
@global_options
@click.argument("project", required=False, shell_complete=projects)
@click.option("--rebuild", is_flag=True, help="Build the stored versions anew from the log, then verify.")
@click.pass_context
@pass_context
def verify(context: Context, ctx: click.Context, project: str | None, rebuild: bool) -> None:
    """Hold the log of a project [the one in use] against its stored versions.

    Reads every entry and every version, and changes nothing. Leaves with 1
    where they disagree.
    """
    chosen = context.argon.project(project) if project else context.project
    if rebuild:
        context.confirm(f"Build all stored versions of project {chosen.name} anew from its log?")
        with progress(f"rebuilding {chosen.name}", counted="versions written") as show:
            built = chosen.rebuild(lambda entries, rows: show(entries, rows))
        context.output.note(f"built {built.rows:,} versions anew from {built.entries:,} entries")
    with progress(f"verifying {chosen.name}", counted="entries and versions read") as show:
        report = chosen.verify(lambda entries, rows: show(entries, entries + rows))
    _print(context, report)
    if not report.ok:
        ctx.exit(FAILED)


def _print(context: Context, report: VerifyReport) -> None:
    problems = [describe(problem) for problem in report.problems]
    read = f"{report.entries:,} entries, {report.rows:,} versions up to LSN {report.head_lsn}"
    if not context.output.for_people:
        context.output.record(
            {
                "project": report.project,
                "ok": report.ok,
                "head_lsn": report.head_lsn,
                "entries": report.entries,
                "versions": report.rows,
                "problem_count": report.problem_count,
                "problems": problems,
            }
        )
    elif report.ok:
        context.output.note(f"log and versions of {report.project} agree: {read}")
    else:
        context.output.records(problems, COLUMNS, empty="")
        left_out = report.problem_count - len(problems)
        more = f" ({left_out:,} more are not shown)" if left_out else ""
        context.output.note(
            f"{report.problem_count:,} disagreements{more} in {read}; "
            "where the log is sound, 'argon verify --rebuild' mends the versions"
        )


def describe(problem: Problem) -> dict[str, Any]:
    """Tell of a problem what the command line shows of it."""
    return {
        "kind": str(problem.kind),
        "branch": problem.branch,
        "collection": problem.collection,
        "lsn": problem.lsn,
        "document_id": problem.document_id,
        "message": problem.message,
    }
