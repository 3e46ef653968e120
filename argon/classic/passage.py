"""Where a call on a branch goes: to rows and log, or to a physical database."""

from __future__ import annotations

from argon.engine.handle import Handle
from argon.engine.rules import admit
from argon.errors import Conflict, UnsupportedOperation
from argon.io import Operation
from argon.wal.log import DEFAULT_SPACE


def physical_of(handle: Handle, *, writes: bool) -> Operation[str | None]:
    """Return the physical database that a call passes through to.

    Another process may have migrated the branch; that is seen within the read
    bound, and the call then goes to the log.

    Args:
        handle: The branch.
        writes: Whether the call may write.

    Returns:
        The database's name; None for a branch in the log.

    Raises:
        BranchNotFound: The branch was deleted.
        Conflict: The call may write, and the branch is being migrated.
        BranchProtected: It may write, the branch is protected, and the handle does not force.
    """
    if handle.line.in_log:
        return None
    record = yield from (handle.line.opened() if writes else handle.line.current())
    if record is None or record.kind == "wal":
        return None
    if writes and record.migrating is not None:
        raise Conflict(
            f"the branch {record.name!r} takes no writes while it is migrated into the log; if its migration "
            f"was interrupted, run 'argon branch migrate {record.name}' again"
        )
    if writes:
        yield from admit(handle.line, force=handle.force)
    return record.physical


def check_space(branch: str, space: str) -> None:
    """Refuse to look into a space of a physical database, which has none.

    Raises:
        UnsupportedOperation: It is another space than the default one.
    """
    if space != DEFAULT_SPACE:
        raise UnsupportedOperation(
            f"the classic branch {branch!r} is a physical database, without a space {space!r}: turn it into "
            f"a branch in the log with 'argon branch migrate {branch}'"
        )
