"""Claiming a classic branch for a run of its migration, and letting it be in the log afterwards."""

from __future__ import annotations

from bson import ObjectId
from pymongo import ReturnDocument

from argon.catalog.lookup import BranchTable
from argon.errors import UnsupportedOperation
from argon.io import Operation
from argon.models import BranchRecord
from argon.models.entry import Operation as Kind


class Migrations(BranchTable):
    """The part of a project's branches that has to do with migrating classic ones."""

    def begin_migration(self, branch: BranchRecord) -> Operation[BranchRecord]:
        """Close a classic branch to writes, and claim it for one run of its migration.

        Raises:
            UnsupportedOperation: It is no classic branch any more.
        """
        claimed = yield self._table.find_one_and_update(
            {"_id": branch.id, "status": "active", "kind": "classic"},
            {"$set": {"migrating": ObjectId()}},
            return_document=ReturnDocument.AFTER,
        )
        if claimed is None:
            raise UnsupportedOperation(
                f"the branch {branch.name!r} is no classic branch: there is nothing to migrate"
            )
        return BranchRecord.model_validate(claimed)

    def finish_migration(
        self, branch: BranchRecord, *, author: str | None = None, message: str | None = None
    ) -> Operation[BranchRecord]:
        """Let a branch be in the log from here on.

        Args:
            branch: The record that :meth:`begin_migration` gave.
            author: Who migrates it.
            message: Why.

        Raises:
            BranchNotFound: Another run, or a deletion, came between.
        """
        change = {"kind": "wal", "migrating": None}
        return (yield from self._control(branch, Kind.MIGRATE_BRANCH, change, author=author, message=message))

    def give_up_migration(self, branch: BranchRecord) -> Operation[bool]:
        """Open a classic branch to writes again, as it was.

        Args:
            branch: The record that :meth:`begin_migration` gave.

        Returns:
            False if another run had taken over, which goes on.
        """
        reopened = yield self._table.update_one(
            {"_id": branch.id, "migrating": branch.migrating}, {"$set": {"migrating": None}}
        )
        return bool(reopened.matched_count)
