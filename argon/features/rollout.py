"""A flag that is on for a part of the branches."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from argon.names import check_project_name

Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
ProjectName = Annotated[str, AfterValidator(check_project_name)]  # a slip must not mean "nowhere" in silence
ProjectNames = Annotated[tuple[ProjectName, ...], Field(strict=False)]  # a list, in YAML and JSON


class Rollout(BaseModel):
    """A flag that is on where all its conditions hold.

    Attributes:
        enabled: Off switches the flag off everywhere.
        projects: The projects it is on in; None means all of them.
        percent: The share of branches, of those projects, that it is on for.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    enabled: bool = True
    projects: ProjectNames | None = None
    percent: Percent = 100

    def includes(self, project: str, branch: str | None) -> bool:
        """Decide for a branch, or for a project as such.

        Args:
            project: The project.
            branch: The branch, or None where none is concerned.

        Returns:
            Whether the flag is on; once on, a larger percentage keeps it on.
        """
        if not self.enabled or (self.projects is not None and project not in self.projects):
            return False
        return position(project, branch) < self.percent

    def as_document(self) -> dict[str, Any]:
        """Write the rollout as YAML, JSON and the database hold it."""
        document = self.model_dump(exclude_none=True)
        return document | {"projects": list(self.projects)} if self.projects is not None else document


def position(project: str, branch: str | None) -> float:
    """Place a branch on the scale of percentages, the same on every machine.

    The flag has no part in it: the flags build on one another, so at equal
    percentages they are on for the same branches.

    Args:
        project: The project.
        branch: The branch, or None for the project as such.

    Returns:
        At least 0 and less than 100.
    """
    digest = hashlib.sha256(f"{project}@{branch or ''}".encode()).digest()
    return int.from_bytes(digest[:4]) * 100 / 2**32
