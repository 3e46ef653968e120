"""What protects a branch: one of its project's patterns."""

from __future__ import annotations

from argon.errors import BranchProtected
from argon.models import BranchRecord, ProjectRecord


def refuse_protected(project: ProjectRecord, branch: BranchRecord) -> None:
    """Refuse to change, rename or delete a protected branch.

    Raises:
        BranchProtected: One of the project's patterns protects it.
    """
    pattern = project.protecting(branch.name)
    if pattern is not None:
        raise BranchProtected(
            f"the branch {branch.name!r} is protected by the pattern {pattern!r} and takes no changes: write "
            "to another branch, force it (--force; WALDatabase(branch, force=True)), or "
            f"take the protection away with 'argon branch unprotect \"{pattern}\"'"
        )
