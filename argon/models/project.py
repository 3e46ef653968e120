"""A project: a database under version control."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from bson import ObjectId
from pydantic import BaseModel, ConfigDict, Field


class ProjectRecord(BaseModel):
    """A document of ``projects``.

    Attributes:
        id: The project's id.
        name: Unique among live projects.
        status: A deleted project keeps its record and loses its name.
        created_at: Server time.
        deleted_at: Server time of the deletion.
        next_lsn: The next LSN that nobody was given yet.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, populate_by_name=True, extra="ignore")

    id: ObjectId = Field(alias="_id")
    name: str
    status: Literal["active", "pending_delete"] = "active"
    created_at: datetime
    deleted_at: datetime | None = None
    next_lsn: int = 1
