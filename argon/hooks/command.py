"""Running a stored hook: a command on this machine, which says by its exit code whether it agrees."""

from __future__ import annotations

import os
import subprocess
import tempfile

from argon.hooks.proposal import Proposal
from argon.models.project import HookRecord

_SAID = 2000
"""Characters of what a command says that stand in the error."""


def run_command(hook: HookRecord, proposal: Proposal) -> str | None:
    """Run a stored hook.

    Args:
        hook: The hook.
        proposal: What it is asked about. It finds this in its environment, and the changes on its stdin as
            NDJSON, in the order in which they would stand in the log.

    Returns:
        Why it refuses; None where it agrees.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as changes:
        changes.writelines(proposal.lines())
        changes.flush()
        changes.seek(0)
        try:
            done = subprocess.run(
                hook.command,
                stdin=changes,
                capture_output=True,
                text=True,
                errors="replace",
                env=os.environ | _environment(proposal),
                check=False,
            )
        except OSError as error:
            return f"{hook.command[0]!r} cannot be run here: {error.strerror or error}"
    if done.returncode == 0:
        return None
    said = done.stderr.strip() or done.stdout.strip()
    return said[-_SAID:] or f"exit code {done.returncode}"


def _environment(proposal: Proposal) -> dict[str, str]:
    given = {
        "ARGON_PROJECT": proposal.project,
        "ARGON_BRANCH": proposal.branch,
        "ARGON_HOOK": proposal.event,
        "ARGON_HOOK_AUTHOR": proposal.author,
        "ARGON_HOOK_MESSAGE": proposal.message,
        "ARGON_HOOK_SOURCE": proposal.source,
        "ARGON_HOOK_SOURCE_LSN": proposal.source_lsn,
        "ARGON_HOOK_BASE_LSN": proposal.base_lsn,
    }
    return {name: str(value) for name, value in given.items() if value is not None}
