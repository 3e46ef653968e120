"""Pydantic models of what is stored: log entries, projects, branches, collections."""

from argon.models.branch import BranchRecord, BranchStatus
from argon.models.collection import CollectionRecord, IndexRecord
from argon.models.entry import DDL_OPERATIONS, DOCUMENT_OPERATIONS, Operation, WALEntry
from argon.models.project import ProjectRecord
from argon.models.tag import TagRecord

__all__ = [
    "DDL_OPERATIONS",
    "DOCUMENT_OPERATIONS",
    "BranchRecord",
    "BranchStatus",
    "CollectionRecord",
    "IndexRecord",
    "Operation",
    "ProjectRecord",
    "TagRecord",
    "WALEntry",
]
