"""A project: a database under version control."""

from __future__ import annotations

from datetime import datetime
from fnmatch import fnmatchcase
from typing import Literal

from bson import ObjectId
from pydantic import BaseModel, ConfigDict, Field


class HookRecord(BaseModel):
    """A command that is stored with a project and asked before something is written.

    Attributes:
        name: Unique among the project's.
        event: What it judges.
        branches: A pattern of names of branches.
        command: The program and its arguments.
        author: Who stored it.
    """

    name: str
    event: Literal["pre-commit", "pre-merge"]
    branches: str
    command: list[str]
    author: str | None = None


class ProjectRecord(BaseModel):
    """A document of ``projects``.

    Attributes:
        id: The project's id.
        name: Unique among live projects.
        status: A deleted project keeps its record and loses its name.
        created_at: Server time.
        deleted_at: Server time of the deletion.
        next_lsn: The next LSN that nobody was given yet.
        default_branch: The branch that is meant where none is named; None for ``main``.
        protected: Patterns of names of branches that take no writes and are not deleted.
        hooks: Commands that are asked before something is written.
        retention: Seconds for which its branches keep their history; None for as long as the settings say.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, populate_by_name=True, extra="ignore")

    id: ObjectId = Field(alias="_id")
    name: str
    status: Literal["active", "pending_delete"] = "active"
    created_at: datetime
    deleted_at: datetime | None = None
    next_lsn: int = 1
    default_branch: ObjectId | None = None
    protected: list[str] = []
    hooks: list[HookRecord] = []
    retention: float | None = None

    def protecting(self, name: str) -> str | None:
        """Return the first pattern that protects a branch of this name; None where it is not protected."""
        return next((pattern for pattern in self.protected if fnmatchcase(name, pattern)), None)
