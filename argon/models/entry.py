"""The write-ahead log's entries, one kind per operation.

The hot path writes raw BSON (see :mod:`argon.wal.log`); this model is what
an entry must satisfy, what the API returns, and what the tests hold the log
against.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from bson import ObjectId
from pydantic import BaseModel, ConfigDict, Field, model_validator


class Operation(StrEnum):
    """What an entry did."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"

    CREATE_PROJECT = "create_project"
    DELETE_PROJECT = "delete_project"
    EDIT_PROJECT = "edit_project"
    CREATE_BRANCH = "create_branch"
    RENAME_BRANCH = "rename_branch"
    DELETE_BRANCH = "delete_branch"
    UNDELETE_BRANCH = "undelete_branch"
    MIGRATE_BRANCH = "migrate_branch"
    EDIT_BRANCH = "edit_branch"
    CREATE_TAG = "create_tag"
    DELETE_TAG = "delete_tag"
    MERGE = "merge"
    REVERT = "revert"
    CHERRY_PICK = "cherry_pick"
    RESET = "reset"
    CHECKPOINT = "checkpoint"
    PUBLISH = "publish"

    CREATE_COLLECTION = "create_collection"
    MODIFY_COLLECTION = "modify_collection"
    RENAME_COLLECTION = "rename_collection"
    DROP_COLLECTION = "drop_collection"
    CREATE_INDEX = "create_index"
    DROP_INDEX = "drop_index"


TAG_OPERATIONS = frozenset({Operation.CREATE_TAG, Operation.DELETE_TAG})
DOCUMENT_OPERATIONS = frozenset({Operation.INSERT, Operation.UPDATE, Operation.DELETE})
DDL_OPERATIONS = frozenset(
    {
        Operation.CREATE_COLLECTION,
        Operation.MODIFY_COLLECTION,
        Operation.RENAME_COLLECTION,
        Operation.DROP_COLLECTION,
        Operation.CREATE_INDEX,
        Operation.DROP_INDEX,
    }
)
MARK_OPERATIONS = frozenset({Operation.MERGE, Operation.REVERT, Operation.CHERRY_PICK, Operation.RESET})
"""What tells of the commit that it ends; they have no rows."""
_HAS_POST_IMAGE = frozenset({Operation.INSERT, Operation.UPDATE}) | (
    DDL_OPERATIONS - {Operation.DROP_COLLECTION}
)


class WALEntry(BaseModel):
    """One logical change.

    Attributes:
        lsn: Log sequence number, unique and increasing over the project's log.
        timestamp: The server's clock, never earlier than the branch's previous entry.
        project_id: The project.
        branch_id: The line that this entry continues: that of the branch whose id it is, or of one that
            a large commit moved there; the project's own id for entries about the project as a whole.
        prev_lsn: The head of the branch that the writer had seen; None for the
            record of the branch's creation, which stands outside its line.
        operation: What was done.
        space: Namespace within the branch (documents and DDL).
        collection: Logical collection name (documents and DDL).
        document_id: The ``_id`` as it is, of whatever BSON type.
        document: The post-image.
        old_document: The pre-image; left to the version rows where both images
            do not fit in one entry.
        touched: Which fields an update named, for change events; None where that is not
            known (see :mod:`argon.rewrite.touched`).
        born: The LSN at which the document was first inserted, where the log was compacted and this entry
            is the first that is left of it.
        commit: The last LSN of the commit that the entry became visible with.
        author: Who made the commit.
        message: Why.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid", frozen=True)

    lsn: int = Field(gt=0)
    timestamp: datetime
    project_id: ObjectId
    branch_id: ObjectId
    prev_lsn: int | None = Field(default=None, ge=0)
    operation: Operation
    space: str | None = None
    collection: str | None = None
    document_id: Any = None
    document: Mapping[str, Any] | None = None
    old_document: Mapping[str, Any] | None = None
    touched: list[str] | None = None
    born: int | None = Field(default=None, gt=0)
    commit: int
    author: str | None = None
    message: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.prev_lsn is not None and self.prev_lsn >= self.lsn:
            raise ValueError(f"prev_lsn {self.prev_lsn} is not below lsn {self.lsn}")
        if self.commit < self.lsn:
            raise ValueError(f"commit {self.commit} ends before lsn {self.lsn}")
        if self.operation in DOCUMENT_OPERATIONS | DDL_OPERATIONS and not (self.space and self.collection):
            raise ValueError(f"{self.operation} names no space and collection")
        if (self.document is not None) != (self.operation in _HAS_POST_IMAGE | _CONTROL_WITH_DOCUMENT):
            raise ValueError(f"{self.operation} with document {self.document!r}")
        if self.operation in TAG_OPERATIONS | {Operation.EDIT_PROJECT} and self.branch_id != self.project_id:
            raise ValueError(f"{self.operation} stands on the line of a branch, not on the project's own")
        if self.operation in TAG_OPERATIONS:
            _check_tag(self)
        return self

    @classmethod
    def from_bson(cls, stored: Mapping[str, Any]) -> Self:
        """Read an entry as it is stored.

        Args:
            stored: The document of ``wal_log``.

        Returns:
            The entry, its timestamp exact to the microsecond.
        """
        fields = {key: value for key, value in stored.items() if key not in ("_id", "micros", "old_fields")}
        if "old_fields" in stored:
            old = stored["old_fields"]
            fields["old_document"] = {key: old.get(key, value) for key, value in stored["document"].items()}
        moment: datetime = fields["timestamp"]
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        fields["timestamp"] = moment + timedelta(microseconds=stored.get("micros", 0))
        fields.setdefault("commit", fields["lsn"])
        if fields.get("collection") is not None:
            fields.setdefault("space", "default")
        return cls(**fields)


_CONTROL_WITH_DOCUMENT = MARK_OPERATIONS | frozenset(
    {
        Operation.CREATE_PROJECT,
        Operation.CREATE_BRANCH,
        Operation.RENAME_BRANCH,
        Operation.UNDELETE_BRANCH,
        Operation.EDIT_BRANCH,
        Operation.EDIT_PROJECT,
        Operation.CREATE_TAG,
        Operation.DELETE_TAG,
        Operation.PUBLISH,
    }
)


def _check_tag(entry: WALEntry) -> None:
    about = entry.document or {}
    if not isinstance(about.get("name"), str) or not isinstance(about.get("branch_id"), ObjectId):
        raise ValueError(f"{entry.operation} names no tag and branch: {dict(about)!r}")
    lsn = about.get("lsn")
    if not isinstance(lsn, int) or not 0 < lsn < entry.lsn:
        raise ValueError(f"{entry.operation} names LSN {lsn!r}, which is not one before its own")
