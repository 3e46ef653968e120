"""How long history is kept: a period for each branch, otherwise its project's, otherwise the settings'."""

from __future__ import annotations

from argon.models import BranchRecord, ProjectRecord


def period_of(branch: BranchRecord, project: ProjectRecord, default: float) -> float:
    """Return for how many seconds the history of a branch is kept.

    Args:
        branch: The branch.
        project: Its project.
        default: What counts where neither says anything.
    """
    for said in (branch.retention, project.retention):
        if said is not None:
            return said
    return default
