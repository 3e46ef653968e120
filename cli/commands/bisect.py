"""``argon bisect``: find the first bad commit by halving."""

from __future__ import annotations

import operator
import os
import re
import subprocess
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from argon_cli.commands.diff import describe as describe_change
from argon_cli.commands.diff import print_changes
from argon_cli.context import Context, pass_context
from argon_cli.failures import Failed
from argon_cli.options import global_options
from argon_cli.output import counted, iso
from argon_cli.points import Place, read_point
from argon_cli.progress import is_watched
from argon_cli.query import read_filter
from argon_cli.space import DEFAULT, space_option

if TYPE_CHECKING:
    from argon import Branch, WALDatabase
    from argon.history.results import BisectResult, Verdict

    Test = Callable[[WALDatabase[Any]], Any]

_SKIPPED = 125
_LAST_BAD = 127
"""Exit codes of a command as ``git bisect run`` takes them."""
_PEOPLE_READ = 20
_NAMED = 10
_COMPARE = {
    "": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def read_expected(ctx: click.Context, param: click.Parameter, text: str) -> tuple[str, int]:
    """Read how many documents a good state has: ``none``, ``some``, ``100``, ``>=100``."""
    words = {"none": ("", 0), "some": (">", 0)}
    if text in words:
        return words[text]
    found = re.fullmatch(r"(|=|!=|<|<=|>|>=)\s*(\d+)", text)
    if found is None:
        raise click.BadParameter(
            f"{text!r} is neither none, some nor a count like 100 or '>=100'", ctx, param
        )
    return found[1], int(found[2])


@click.command("bisect")
@global_options
@click.option("--good", callback=read_point, metavar="POINT", required=True, help="Where all was well.")
@click.option("--bad", callback=read_point, metavar="POINT", help="Where it is not [now].")
@space_option("The space of the collection [default].")
@click.option("-c", "--collection", metavar="NAME", help="The collection to query.")
@click.option("--filter", "query", callback=read_filter, metavar="FILTER", help="What to look for.")
@click.option(
    "--expect",
    callback=read_expected,
    default="none",
    metavar="COUNT",
    help="How many documents a good state has: none, some, 100, '>=100' … [none].",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@pass_context
def bisect(
    context: Context,
    good: Place,
    bad: Place | None,
    collection: str | None,
    query: dict[str, Any] | None,
    expect: tuple[str, int],
    command: tuple[str, ...],
) -> None:
    """Find the first bad commit between a good and a bad point, in few steps.

    A query decides (--collection, --filter, --expect), or a COMMAND after --
    that ends with 0 where a state is good, 125 where it cannot be tested and
    another code up to 127 where it is bad. The command finds the state in
    ARGON_PROJECT, ARGON_BRANCH and ARGON_AT, which 'argon find', 'count' and
    'export' in it look at:

    argon bisect --good 2h -- sh -c 'test $(argon count users) -gt 100'
    """
    if bool(command) == bool(collection):
        raise click.UsageError("what decides? name a --collection to query, or a command after '--'")
    branch = context.branch(bad.branch if bad else None)
    older = f"{good.branch}@{good.point}" if good.branch else good.point
    runs = Runs(context, branch, command)
    test: Test = runs.test if command else _by_query(context, collection or "", query, expect)
    found = branch.bisect(good=older, bad=bad.point if bad else None, test=test, on_test=runs.begin)
    _tell(context, branch, found)


def _by_query(
    context: Context, collection: str, query: dict[str, Any] | None, expect: tuple[str, int]
) -> Test:
    sign, number = expect
    space = context.flags.space or DEFAULT

    def test(db: WALDatabase[Any]) -> bool:
        # One more than the number is enough to tell.
        count = db.space(space)[collection].count_documents(query or {}, limit=number + 1)
        return bool(_COMPARE[sign](count, number))

    return test


class Runs:
    """Lets a command decide.

    Args:
        context: What the command line works on.
        branch: The branch that is searched.
        command: The command with its arguments.
    """

    def __init__(self, context: Context, branch: Branch, command: tuple[str, ...]) -> None:
        self._command = command
        self._lsn = 0
        self._environment = {
            **os.environ,
            "ARGON_MONGODB_URI": context.uri,
            "ARGON_DATABASE": context.settings.database,
            "ARGON_PROJECT": branch.project_name,
            "ARGON_BRANCH": branch.name,
        }

    def begin(self, lsn: int, left: int) -> None:
        """Take note of the state that is about to be tested."""
        _show(lsn, left)
        self._lsn = lsn

    def test(self, _db: WALDatabase[Any]) -> Verdict:
        """Run the command and read its exit code."""
        from argon.history.results import Verdict

        environment = {**self._environment, "ARGON_AT": str(self._lsn)}
        # What the command prints is for people: stdout holds the result alone.
        code = subprocess.run(self._command, env=environment, stdout=2, check=False).returncode
        if code == _SKIPPED:
            return Verdict.SKIP
        if not 0 <= code <= _LAST_BAD:
            raise Failed(
                f"{self._command[0]!r} ended with {code} at LSN {self._lsn}, and decides nothing: "
                "0 is good, 125 cannot be tested, another code up to 127 is bad"
            )
        return Verdict.BAD if code else Verdict.GOOD


def _show(lsn: int, left: int) -> None:
    if is_watched():
        click.secho(f"testing LSN {lsn}, {counted(left, 'commit')} to search", err=True, dim=True)


def _tell(context: Context, branch: Branch, found: BisectResult) -> None:
    record: dict[str, Any] = {
        "lsn": found.lsn,
        "good_lsn": found.good_lsn,
        "candidates": found.candidates,
        "commits": found.commits,
        "steps": [{"lsn": step.lsn, "verdict": str(step.verdict)} for step in found.steps],
    }
    if found.lsn is None:
        if not context.output.for_people:
            context.output.record(record)
        named = ", ".join(str(lsn) for lsn in islice(found.candidates, _NAMED))
        more = "" if len(found.candidates) <= _NAMED else f" and {len(found.candidates) - _NAMED} more"
        raise Failed(f"states that could not be tested hide which commit it is: one of LSN {named}{more}")
    places = (f"{branch.name}@{found.good_lsn}", f"{branch.name}@{found.lsn}")
    changes = iter(branch.project.iter_diff(*places))
    about = {
        "time": None if found.time is None else iso(found.time),
        "branch": found.branch,
        "author": found.author,
        "message": found.message,
        "operations": dict(found.operations),
    }
    if not context.output.for_people:
        context.output.record({**record, **about, "changes": list(map(describe_change, changes))})
        return
    click.secho(f"first bad commit: LSN {found.lsn}", fg="red", bold=True)
    by = f" by {found.author}" if found.author else ""
    click.echo(f"  {about['time'] or '(no longer in the log)'} on {found.branch or '?'}{by}")
    if found.message:
        click.echo(f"  {found.message}")
    print_changes(islice(changes, _PEOPLE_READ))
    if next(changes, None) is not None:
        context.output.note(
            f"the first {_PEOPLE_READ} changes are shown; 'argon diff {' '.join(places)}' shows all"
        )
