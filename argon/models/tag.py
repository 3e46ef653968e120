"""A tag: a name for a branch at an LSN."""

from __future__ import annotations

from datetime import datetime

from bson import ObjectId
from pydantic import BaseModel, ConfigDict, Field


class TagRecord(BaseModel):
    """A document of ``tags``.

    Attributes:
        id: The tag's id.
        project_id: Its project.
        name: Unique among the project's tags.
        branch_id: The branch that it was made on, which may have been deleted since.
        lsn: The last LSN of the branch's history that it names.
        tagger: Who made it.
        message: Why.
        created_at: Server time.
        created_lsn: The LSN of the record of its creation.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, populate_by_name=True, extra="ignore")

    id: ObjectId = Field(alias="_id")
    project_id: ObjectId
    name: str
    branch_id: ObjectId
    lsn: int
    tagger: str | None = None
    message: str | None = None
    created_at: datetime
    created_lsn: int
