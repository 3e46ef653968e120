"""What a project and a branch have in common: a record in the catalogue."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

from bson import ObjectId

from argon.models import BranchRecord, ProjectRecord

R = TypeVar("R", bound=BranchRecord | ProjectRecord)


class Recorded(Generic[R]):
    """Something that the catalogue holds under a name.

    Args:
        record: Its record.
    """

    def __init__(self, record: R) -> None:
        self._record = record

    @property
    def record(self) -> R:
        """What the catalogue holds of it."""
        return self._record

    @property
    def name(self) -> str:
        """Its name."""
        return self._record.name

    @property
    def id(self) -> ObjectId:
        """Its id, which stays when it is renamed."""
        return self._record.id

    @property
    def created_at(self) -> datetime:
        """When it was made, by the server's clock."""
        return self._record.created_at
