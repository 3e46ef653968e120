"""A branch's record: what it inherits, how it is stored, and how its creation stands in the log."""

from __future__ import annotations

from typing import Any

from bson import Int64

from argon.errors import BranchNotFound
from argon.models import BranchRecord
from argon.models.branch import Ancestor
from argon.models.entry import Operation as Kind
from argon.versions.layout import raw
from argon.wal.log import Entry, encode

MAIN = "main"
"""The branch that a project begins with."""


def lineage_from(parent: BranchRecord, base_lsn: int) -> list[Ancestor]:
    """Return the lineage of a branch that leaves ``parent`` at ``base_lsn``.

    A level of which nothing can be seen, because the point lies before it
    began, is left out.
    """
    chain = [Ancestor(id=parent.line_id, number=parent.number, fork=base_lsn)]
    chain += [
        ancestor.model_copy(update={"fork": min(ancestor.fork, base_lsn)}) for ancestor in parent.lineage
    ]
    forks = [ancestor.fork for ancestor in parent.lineage]
    while len(chain) > 1 and base_lsn <= forks.pop(0):
        chain.pop(0)
    return chain


def birth(record: BranchRecord, author: str | None, message: str | None) -> dict[str, Any]:
    """Lay out the record of a branch's creation, which stands outside its line."""
    about: dict[str, Any] = {
        "name": record.name,
        "number": record.number,
        "kind": record.kind,
        "parent_id": record.parent_id,
        "base_lsn": Int64(record.base_lsn),
    }
    if record.expires_at is not None:
        about["expires_at"] = record.expires_at
    if record.status == "hidden":
        about["hidden"] = True
    return encode(
        [Entry(Kind.CREATE_BRANCH, document=raw(about))],
        project_id=record.project_id,
        branch_id=record.id,
        prev_lsn=None,
        lsns=[record.created_lsn],
        moment=record.created_at,
        author=author,
        message=message,
    )[0]


def stored(record: BranchRecord) -> dict[str, Any]:
    """Return a branch record as its document."""
    document = record.model_dump(by_alias=True)
    for key in ("base_lsn", "created_lsn", "ddl_lsn", "horizon_lsn"):
        document[key] = Int64(document[key])
    for ancestor in document["lineage"]:
        ancestor["fork"] = Int64(ancestor["fork"])
    return document


def gone(record: BranchRecord) -> BranchNotFound:
    """Build the error for a branch that was deleted, or whose time is over."""
    back = f"bring it back with 'argon branch undelete {record.name}'"
    if record.expires_at is not None and (
        record.deleted_at is None or record.expires_at <= record.deleted_at
    ):
        when = record.expires_at.isoformat().replace("+00:00", "Z")
        return BranchNotFound(f"the branch {record.name!r} expired at {when}: {back}")
    return BranchNotFound(f"the branch {record.name!r} was deleted: {back}")
