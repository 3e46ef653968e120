"""``argon branch set-default``, ``protect``, ``unprotect``, ``protected``: rules for a project's branches."""

from __future__ import annotations

import click

from argon_cli.complete import branches
from argon_cli.context import Context, pass_context
from argon_cli.options import global_options, message_option
from argon_cli.output import Column


@click.command("set-default")
@global_options
@click.argument("name", shell_complete=branches)
@message_option
@pass_context
def set_default(context: Context, name: str, message: str | None) -> None:
    """Choose the branch that is meant where none is named; it cannot be deleted."""
    context.project.set_default_branch(name, message=message)
    context.output.done(
        f"{name} is now the default branch of {context.project.name}", {"default_branch": name}
    )


@click.command("protect")
@global_options
@click.argument("pattern")
@message_option
@pass_context
def protect(context: Context, pattern: str, message: str | None) -> None:
    """Protect the branches whose names match a PATTERN, such as 'release/*'.

    Writes, merges, renaming and deletion are then refused unless --force is
    given. Branches made later are protected, too.
    """
    context.project.set_protected(pattern, message=message)
    matching = _matching(context, pattern)
    found = ", ".join(matching) if matching else "no branch as yet"
    context.output.done(f"protected {pattern}: {found}", {"pattern": pattern, "branches": matching})


@click.command("unprotect")
@global_options
@click.argument("pattern")
@message_option
@pass_context
def unprotect(context: Context, pattern: str, message: str | None) -> None:
    """Take the protection by a PATTERN away."""
    matching = _matching(context, pattern)
    context.project.unset_protected(pattern, message=message)
    context.output.done(f"no longer protected: {pattern}", {"pattern": pattern, "branches": matching})


@click.command("protected")
@global_options
@pass_context
def protected(context: Context) -> None:
    """List the patterns of protected branches, and what they match."""
    patterns = context.project.protected()
    names = [each.name for each in context.project.branches()] if patterns else []
    found = [(each, _filtered(names, each)) for each in patterns]
    people = context.output.for_people
    records = ({"pattern": each, "branches": ", ".join(match) if people else match} for each, match in found)
    columns = (Column("pattern", key=True), Column("branches"))
    context.output.records(records, columns, empty="no branch is protected; 'argon branch protect PATTERN'")


def _matching(context: Context, pattern: str) -> list[str]:
    return _filtered([each.name for each in context.project.branches()], pattern)


def _filtered(names: list[str], pattern: str) -> list[str]:
    from fnmatch import fnmatchcase

    return [name for name in names if fnmatchcase(name, pattern)]
