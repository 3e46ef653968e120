"""Everything Argon raises on its own account.

::

    pymongo.errors.PyMongoError
    └── ArgonError
        ├── InvalidName             (also PyMongo's InvalidName and ValueError)
        │                           a name breaks the rule that the message states
        ├── InvalidPoint            (also ValueError)  text or value that is no point in time
        ├── InvalidSettings         (also PyMongo's ConfigurationError and ValueError)
        │                           a setting or flag is wrong; names its source and the mend
        ├── NotFound                what was named does not exist
        │   ├── ProjectNotFound
        │   ├── BranchNotFound
        │   ├── SpaceNotFound       a branch has no collections in this space
        │   ├── MergeNotFound       no merge is pending on a branch, or none was planned by a name
        │   └── PointNotFound       a point outside a branch's history; names the valid range
        │       ├── TagNotFound     no tag has this name; names those there are
        │       └── HistoryExpired  a point older than what is still held; names the oldest LSN
        ├── Conflict                what was asked collides with what is there
        │   ├── ProjectExists
        │   ├── BranchExists
        │   ├── TagExists
        │   ├── BranchProtected
        │   ├── BranchHasChildren
        │   ├── HookRefused         a hook, or the lack of one that could run, stands against a write
        │   ├── SpaceProtected      the default space cannot be deleted
        │   ├── SpaceNotEmpty       a space holds documents; deleting it must be forced
        │   ├── MergeConflict       both sides changed the same thing; carries the list of conflicts
        │   │   └── RevertConflict  later writes depend on what was to be taken back; the same list
        │   ├── MergeOutdated       a planned merge would do something else by now
        │   └── MergePending        a branch has a merge that waits to be finished or aborted
        ├── ReadOnlyView            (also InvalidOperation)  a write to a view of the past
        ├── FeatureDisabled         a feature flag is off; names the flag
        ├── UnsupportedOperation    (also InvalidOperation)  names what to use in its place
        ├── CorruptHistory          log and rows disagree, or an entry breaks the log's rules
        └── ServerError             the MongoDB server cannot be used
            ├── StandaloneServer    not a replica set; says how to make it one
            └── EmbeddedServerError the embedded mongod could not be found, started or stopped

Errors about documents (duplicate keys, failed updates, bad queries) are
PyMongo's own classes with MongoDB's own codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymongo import errors as pymongo_errors
from pymongo.errors import InvalidOperation, PyMongoError


class ArgonError(PyMongoError):
    """Base of every error that Argon raises on its own account."""


class InvalidName(ArgonError, pymongo_errors.InvalidName, ValueError):
    """A project, branch, tag, space or collection name breaks its rule."""


class InvalidPoint(ArgonError, ValueError):
    """A value or text cannot be read as a point in time."""


class InvalidSettings(ArgonError, pymongo_errors.ConfigurationError, ValueError):
    """A setting or feature flag is unknown or has a value it cannot have."""


class NotFound(ArgonError):
    """Something that was named does not exist."""


class ProjectNotFound(NotFound):
    """No project has this name."""


class BranchNotFound(NotFound):
    """No live branch has this name."""


class SpaceNotFound(NotFound):
    """A branch has no collections in this space."""


class MergeNotFound(NotFound):
    """No merge into the branch is pending, or none was planned by this name."""


class PointNotFound(NotFound):
    """A point lies outside the history that a branch can see."""


class TagNotFound(PointNotFound):
    """No tag of the project has this name."""


class HistoryExpired(PointNotFound):
    """A point is older than the oldest LSN still held."""


class Conflict(ArgonError):
    """What was asked collides with what is already there."""


class ProjectExists(Conflict):
    """A project of this name exists already."""


class BranchExists(Conflict):
    """A live branch of this name exists already."""


class TagExists(Conflict):
    """A tag of this name exists already."""


class BranchProtected(Conflict):
    """The branch may not be deleted or renamed, or takes no writes unless they are forced."""


class BranchHasChildren(Conflict):
    """The branch has live children; deleting it must be forced."""


class SpaceProtected(Conflict):
    """The default space cannot be deleted."""


class SpaceNotEmpty(Conflict):
    """A space holds documents; deleting it must be forced."""


class HookRefused(Conflict):
    """A hook refuses a commit or a merge, or could not be asked; nothing was written."""


class MergeConflict(Conflict):
    """Both sides of a merge changed the same thing differently; nothing was written.

    Args:
        message: What collides.
        conflicts: Every conflict, a :class:`~argon.merging.results.ConflictEntry` each.
    """

    def __init__(self, message: str, conflicts: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.conflicts = list(conflicts)


class RevertConflict(MergeConflict):
    """Later writes depend on what was to be reverted; nothing was written."""


class MergeOutdated(Conflict):
    """The target has moved such that a planned merge would do something else now."""


class MergePending(Conflict):
    """A merge into the branch is pending, and there can be only one."""


class ReadOnlyView(ArgonError, InvalidOperation):
    """A write was asked of a view of the past, which is read-only."""


class FeatureDisabled(ArgonError):
    """A feature flag that this operation needs is off."""


class UnsupportedOperation(ArgonError, InvalidOperation):
    """MongoDB can do this and a branch cannot; the message names what to use."""


class CorruptHistory(ArgonError):
    """The log and the version rows disagree, or an entry breaks the log's rules."""


class ServerError(ArgonError):
    """The MongoDB server cannot be used as it is."""


class StandaloneServer(ServerError):
    """The server is no replica set, so it has no transactions."""


class EmbeddedServerError(ServerError):
    """The embedded ``mongod`` could not be found, started or stopped."""
