"""The entry point: the ``argon`` group, its commands, and what becomes of their errors."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any

import click

from argon_cli.context import Context
from argon_cli.failures import BROKEN_PIPE, INTERRUPTED, report
from argon_cli.lazy import Lazy, LazyGroup
from argon_cli.options import global_options

COMMANDS = {
    "demo": Lazy("argon_cli.commands.demo:demo", "Take the guided tour on real data."),
    "use": Lazy("argon_cli.commands.use:use", "Choose the project and branch to work on."),
    "project": Lazy("argon_cli.commands.project:project", "Create, list, show and delete projects."),
    "branch": Lazy("argon_cli.commands.branch:branch", "Create, list, restore and delete branches."),
    "tag": Lazy("argon_cli.commands.tag:tag", "Name points of the history."),
    "space": Lazy("argon_cli.commands.space:space", "List, show and delete the spaces of a branch."),
    "log": Lazy("argon_cli.commands.log:log", "Show what was written, newest first."),
    "diff": Lazy("argon_cli.commands.diff:diff", "Show what differs between two branches or points."),
    "hook": Lazy("argon_cli.commands.hook:hook", "Have commands check merges and commits."),
    "merge": Lazy("argon_cli.commands.merge:merge", "Bring into a branch what another one changed."),
    "plan": Lazy("argon_cli.commands.plan:plan", "List, show and delete merges that were planned."),
    "history": Lazy("argon_cli.commands.history:history", "Show all versions of a document."),
    "blame": Lazy("argon_cli.commands.history:blame", "Show who gave each field of a document its value."),
    "bisect": Lazy("argon_cli.commands.bisect:bisect", "Find the first bad commit by halving."),
    "conflicts": Lazy("argon_cli.commands.conflicts:conflicts", "List and settle the conflicts of a merge."),
    "undo": Lazy("argon_cli.commands.undo:undo", "Take back the last commit."),
    "revert": Lazy("argon_cli.commands.undo:revert", "Take back earlier commits, and keep what came after."),
    "cherry-pick": Lazy("argon_cli.commands.undo:cherry_pick", "Bring one commit of another branch."),
    "find": Lazy("argon_cli.commands.find:find", "Query a collection, now or at any point of the past."),
    "count": Lazy("argon_cli.commands.find:count", "Count the documents of a collection."),
    "import": Lazy("argon_cli.commands.import_:import_", "Load a JSON, CSV or BSON file."),
    "export": Lazy("argon_cli.commands.export:export", "Write a collection to a JSON, CSV or BSON file."),
    "status": Lazy("argon_cli.commands.status:status", "Show what is in use, and where it comes from."),
    "doctor": Lazy("argon_cli.commands.doctor:doctor", "Find out what is wrong and how to mend it."),
    "verify": Lazy("argon_cli.commands.verify:verify", "Hold the log against the stored versions."),
    "gc": Lazy("argon_cli.commands.gc:gc", "Let go of history that is older than its retention."),
    "size": Lazy("argon_cli.commands.size:size", "Show what branches, collections and history take."),
    "features": Lazy("argon_cli.commands.features:features", "List, set and unset feature flags."),
    "server": Lazy("argon_cli.commands.server:server", "Start and stop the embedded MongoDB server."),
    "completion": Lazy("argon_cli.commands.completion:completion", "Print the completion script of a shell."),
}
ALIASES = {
    "projects": "project",
    "branches": "branch",
    "tags": "tag",
    "plans": "plan",
    "hooks": "hook",
    "spaces": "space",
    "conflict": "conflicts",
    "feature": "features",
    "servers": "server",
}


class RootGroup(LazyGroup):
    """The ``argon`` command itself: turns every error into one line and an exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command line and leave with its exit code; never with a traceback."""
        kwargs["standalone_mode"] = False
        try:
            code = super().main(*args, **kwargs)
            sys.stdout.flush()
        except click.Abort as abort:  # at a question
            if isinstance(abort.__context__, KeyboardInterrupt):
                code = INTERRUPTED
            else:
                code = report(click.UsageError("nothing was done: no answer was given"))
        except KeyboardInterrupt:
            code = INTERRUPTED
        except BrokenPipeError:
            _silence_stdout()
            code = BROKEN_PIPE
        except Exception as error:
            code = report(error)
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; interrupts and broken pipes are ended more quietly than Click does."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            return INTERRUPTED
        except BrokenPipeError:
            _silence_stdout()
            return BROKEN_PIPE


def _silence_stdout() -> None:
    """Let the interpreter's last flush of a broken stdout go nowhere."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("argon")
    except PackageNotFoundError:
        number = "(not installed)"
    click.echo(f"argon {number}")
    ctx.exit()


def _root() -> RootGroup:
    @click.group(
        cls=RootGroup,
        lazy=COMMANDS,
        aliases=ALIASES,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        epilog="New here? 'argon demo' shows it all on real data in a minute. "
        "The options above are understood after a command's name, too.",
    )
    @click.option(
        "--version",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_print_version,
        help="Show the version.",
    )
    @click.pass_context
    def argon(ctx: click.Context) -> None:
        """Branches and time travel for MongoDB.

        A POINT in time is an LSN (123), a time (2026-11-21T10:00:00Z), an age
        (15m, 2h, 3d), a tag, or BRANCH@POINT.
        """
        ctx.ensure_object(Context)

    return global_options(argon, hidden=False)


cli = _root()


def main() -> None:
    """Run the command line of this process and end it."""
    try:
        cli.main(prog_name="argon")
    except SystemExit as end:
        if "pymongo" in sys.modules:
            _end_at_once(end.code)
        raise


def _end_at_once(code: Any) -> None:
    """Leave without waiting for PyMongo's threads, which take half a second to notice the end.

    By now every connection is closed and the output is out.
    """
    with suppress(OSError, ValueError):  # broken or closed: nothing is left to say
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
