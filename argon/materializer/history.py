"""Projects and branches as their control entries tell them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bson
from bson import ObjectId
from bson.codec_options import CodecOptions, DatetimeConversion
from pydantic import BaseModel

from argon.catalog.records import lineage_from
from argon.models import DDL_OPERATIONS, BranchRecord, ProjectRecord, TagRecord, WALEntry
from argon.models.entry import Operation as Kind

_PLAIN: CodecOptions[dict[str, Any]] = CodecOptions(
    tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
"""As records are read."""
_COMPARED = (
    "name",
    "number",
    "kind",
    "status",
    "parent_id",
    "base_lsn",
    "created_lsn",
    "ddl_lsn",
    "lineage",
    "line_id",
    "description",
    "metadata",
    "expires_at",
    "retention",
)
_COMPARED_OF_PROJECT = ("default_branch", "protected", "hooks", "retention")
_COMPARED_OF_TAG = ("branch_id", "lsn", "tagger", "message", "created_lsn")


class History:
    """What the control entries of one project come to.

    Args:
        project: The project's record, for its id.
        known: The branches' records: what a branch inherits, where its parent's creation was collected.

    Attributes:
        branches: The lines by id, as the log has them: a branch as it was while it wrote on the line
            that it began with, and the hidden branches of large commits.
        tags: The tags by name, as the log has them.
        project_name: The project's name.
        project_status: Whether it was deleted.
        project_rules: What else its record says, as far as it was ever said.
    """

    def __init__(self, project: ProjectRecord, known: Mapping[ObjectId, BranchRecord]) -> None:
        self._project_id = project.id
        self._known = known
        self.branches: dict[ObjectId, BranchRecord] = {}
        self.tags: dict[str, TagRecord] = {}
        self.project_name: str | None = None
        self.project_status = "active"
        self.project_rules: dict[str, Any] = {}
        self._lines: dict[ObjectId, ObjectId] = {}
        self._owners: dict[ObjectId, ObjectId] = {}
        self._begun: set[ObjectId] = set()

    def apply(self, entry: WALEntry) -> None:
        """Take note of an entry, whatever it is.

        Args:
            entry: The next one in the order of LSNs.
        """
        if entry.branch_id == self._project_id:
            self._apply_to_project(entry)
        elif entry.operation == Kind.CREATE_BRANCH:
            self._create(entry)
        elif entry.operation == Kind.PUBLISH:
            self._publish(entry)
        elif entry.branch_id in self.branches:
            branch_id = self._owners.get(entry.branch_id, entry.branch_id)
            # What a large commit defines counts once it is published.
            if self.branches[branch_id].status != "hidden":
                self._note(branch_id, _change(entry))

    def record(self, branch_id: ObjectId) -> BranchRecord | None:
        """Return a branch as its record should be, on the line to which large commits have moved it."""
        branch, line = self.branches.get(branch_id), self.branches.get(self._lines.get(branch_id, branch_id))
        if branch is None or line is None or branch is line:
            return branch
        return branch.model_copy(update={"number": line.number, "line": line.id, "lineage": line.lineage})

    def begun(self, line_id: ObjectId) -> bool:
        """Whether a line began as that of a large commit."""
        return line_id in self._begun

    def adopt(self, record: BranchRecord) -> None:
        """Take a branch as its record has it, because the log has lost its creation."""
        self.branches.setdefault(record.id, record)

    def _apply_to_project(self, entry: WALEntry) -> None:
        if entry.operation == Kind.CREATE_PROJECT and entry.document is not None:
            self.project_name = entry.document["name"]
        if entry.operation == Kind.DELETE_PROJECT:
            self.project_status = "pending_delete"
        if entry.operation == Kind.EDIT_PROJECT:
            self.project_rules |= _decoded(entry.document)
        about: Any = entry.document
        if entry.operation == Kind.CREATE_TAG:
            self.tags[about["name"]] = TagRecord(
                _id=ObjectId(),  # the log does not tell it, and nobody refers to it
                project_id=entry.project_id,
                name=about["name"],
                branch_id=about["branch_id"],
                lsn=int(about["lsn"]),
                tagger=entry.author,
                message=entry.message,
                created_at=entry.timestamp,
                created_lsn=entry.lsn,
            )
        if entry.operation == Kind.DELETE_TAG:
            self.tags.pop(about["name"], None)

    def _note(self, branch_id: ObjectId, change: dict[str, Any]) -> None:
        if change:
            self.branches[branch_id] = self.branches[branch_id].model_copy(update=change)

    def _publish(self, entry: WALEntry) -> None:
        about: Any = entry.document
        branch_id, line_id = about["_id"], about["line"]
        if branch_id in self.branches and line_id in self.branches:
            self._lines[branch_id], self._owners[line_id] = line_id, branch_id
            self._note(branch_id, {"ddl_lsn": int(about["commit"])})
            self._note(line_id, {"status": "published"})

    def _create(self, entry: WALEntry) -> None:
        about: Any = entry.document
        parent_id = about["parent_id"]
        parent = self.branches.get(self._lines.get(parent_id, parent_id))
        known = self._known.get(entry.branch_id)
        hidden = bool(about.get("hidden"))
        if hidden:
            self._begun.add(entry.branch_id)
        base = int(about["base_lsn"])
        self.branches[entry.branch_id] = BranchRecord(
            _id=entry.branch_id,
            project_id=entry.project_id,
            name=about["name"],
            number=about["number"],
            kind=about["kind"],
            parent_id=about["parent_id"],
            base_lsn=base,
            created_lsn=entry.lsn,
            lineage=lineage_from(parent, base) if parent else known.lineage if known else [],
            created_at=entry.timestamp,
            expires_at=_decoded(about).get("expires_at"),
            status="hidden" if hidden else "active",
        )


def differences(logged: BranchRecord, stored: BranchRecord) -> list[str]:
    """Say where a branch's record is not what the log says.

    Args:
        logged: The branch as the log has it.
        stored: Its record.
    """
    return _differences(_COMPARED, logged, stored)


def rule_differences(logged: dict[str, Any], stored: ProjectRecord) -> list[str]:
    """Say where the rules in a project's record are not what the log says.

    Args:
        logged: What the log says, as far as it says anything.
        stored: The project's record.
    """
    expected = ProjectRecord(_id=stored.id, name=stored.name, created_at=stored.created_at, **logged)
    return _differences(_COMPARED_OF_PROJECT, expected, stored)


def tag_differences(logged: dict[str, TagRecord], stored: dict[str, TagRecord]) -> list[str]:
    """Say where a project's tags are not what the log says.

    Args:
        logged: The tags as the log has them.
        stored: Their records.
    """
    found = [
        f"the tag {name!r} has a record, and the log does not have its creation"
        for name in stored.keys() - logged.keys()
    ]
    found += [f"the tag {name!r} has no record" for name in logged.keys() - stored.keys()]
    for name in logged.keys() & stored.keys():
        wrong = _differences(_COMPARED_OF_TAG, logged[name], stored[name])
        found += [f"the record of the tag {name!r} is wrong: {difference}" for difference in wrong]
    return sorted(found)


def _differences(fields: tuple[str, ...], logged: Any, stored: Any) -> list[str]:
    found = []
    for field in fields:
        expected, actual = getattr(logged, field), getattr(stored, field)
        if expected != actual:
            found.append(f"{field} is {_shown(actual)}, and by the log it is {_shown(expected)}")
    return found


def _change(entry: WALEntry) -> dict[str, Any]:
    if entry.operation in DDL_OPERATIONS:
        return {"ddl_lsn": entry.commit}
    if entry.operation == Kind.DELETE_BRANCH:
        return {"status": "pending_delete"}
    if entry.operation == Kind.MIGRATE_BRANCH:
        return {"kind": "wal"}
    if entry.operation == Kind.EDIT_BRANCH and entry.document is not None:
        return _decoded(entry.document)
    if entry.operation in (Kind.RENAME_BRANCH, Kind.UNDELETE_BRANCH):
        name = {} if entry.document is None else {"name": entry.document["name"]}
        expires = {"expires_at": None} if entry.operation == Kind.UNDELETE_BRANCH else {}
        return {"status": "active", **name, **expires}
    return {}


def _decoded(document: Any) -> dict[str, Any]:
    return bson.decode(bson.encode(document), _PLAIN)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return str([each.model_dump() if isinstance(each, BaseModel) else each for each in value])
    return repr(value)
