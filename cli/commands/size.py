"""``argon size``: what branches, collections and history take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from argon_cli.commands.gc import bytes_shown
from argon_cli.complete import branches
from argon_cli.context import Context, pass_context
from argon_cli.options import global_options
from argon_cli.output import Column

if TYPE_CHECKING:
    from argon.gc.size import Amount, BranchSize

_STATUS = {"active": "", "hidden": " (a large commit, not published)"}
_AMOUNTS = ("documents", "own", "inherited", "history", "log")
COLUMNS = (
    Column("branch", key=True),
    Column("collection", optional=True),
    Column("documents", key=True, right=True),
    Column("live", right=True),
    Column("own", right=True),
    Column("inherited", right=True),
    Column("history", right=True),
    Column("log", right=True, optional=True),
)


@click.command("size")
@global_options
@click.argument("branch", required=False, shell_complete=branches)
@click.option("--collections", is_flag=True, help="Tell the collections of all branches apart.")
@pass_context
def size(context: Context, branch: str | None, collections: bool) -> None:
    """Show what the branches of the project take, or the collections of one BRANCH.

    Own documents and history (past versions) are bytes of BSON, which are compressed on
    disk; inherited documents take nothing on the branch itself. Every version is
    read once.
    """
    output = context.output
    if branch is not None:
        measured = [context.branch(branch).size()]
        whole = None
    else:
        whole = context.project.size()
        measured = whole.branches
    if not output.for_people:
        record: dict[str, Any] = {"branches": [describe(each) for each in measured]}
        if whole is not None:
            record |= {
                "project": whole.project,
                "bytes": whole.bytes,
                "indexes_on_disk": whole.indexes,
                "documents_on_disk": whole.storage,
            }
        output.record(record if whole is not None else record["branches"][0])
        return
    rows = [row for each in measured for row in _rows(each, apart=collections or branch is not None)]
    output.records(rows, COLUMNS, empty="there is no branch in the log")
    if whole is not None:
        output.note(
            f"{bytes_shown(whole.bytes)} of BSON in all; on disk the documents with their history take "
            f"{bytes_shown(whole.storage)}, their indexes {bytes_shown(whole.indexes)}"
        )


def describe(item: BranchSize) -> dict[str, Any]:
    """Tell of a branch what the command line shows of its size."""
    return {
        "branch": item.branch,
        "status": item.status,
        "bytes": item.bytes,
        **{name: _amount(getattr(item, name)) for name in _AMOUNTS},
        "collections": [
            {
                "space": one.space,
                "collection": one.name,
                **{name: _amount(getattr(one, name)) for name in _AMOUNTS[:-1]},
            }
            for one in item.collections
        ],
    }


def _rows(item: BranchSize, *, apart: bool) -> Iterator[dict[str, Any]]:
    for one in item.collections if apart else ():
        gone = "(of no collection that is here now)"
        name = gone if one.name is None else one.name
        shown = f"{one.space}/{name}" if one.space not in ("", "default") else name
        yield {"branch": item.branch, "collection": shown, **_cells(one)}
    whole = {"collection": "(all)"} if apart else {}
    log = {"log": bytes_shown(item.log.bytes)}
    name = item.branch + _STATUS.get(item.status, " (deleted)")
    yield {"branch": name, **whole, **_cells(item), **log}


def _cells(item: Any) -> dict[str, Any]:
    return {
        "documents": item.documents.count,
        "live": bytes_shown(item.documents.bytes),
        **{name: bytes_shown(getattr(item, name).bytes) for name in ("own", "inherited", "history")},
    }


def _amount(amount: Amount) -> dict[str, int]:
    return {"count": amount.count, "bytes": amount.bytes}
