"""What the log tells of an entry besides its images: who, when, where and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bson import Int64, ObjectId
from pymongo.read_concern import ReadConcern

from argon.io import Operation
from argon.wal.log import LOG, moment_of

if TYPE_CHECKING:
    from argon.engine.engine import Engine

_FIELDS = {"document": 0, "old_document": 0, "old_fields": 0}


class Entries:
    """Looks entries of a project up, one seek each.

    Args:
        engine: The engine.
        project_id: The project.
    """

    def __init__(self, engine: Engine, project_id: ObjectId) -> None:
        self._engine = engine
        self._log = engine.plain[LOG].with_options(read_concern=ReadConcern("majority"))
        self._project_id = project_id
        self._names: dict[ObjectId, str | None] = {}

    def find(self, lsn: int) -> Operation[Mapping[str, Any]]:
        """Return an entry as stored, without images; nothing where the log no longer has it."""
        found = yield self._log.find_one({"_id": {"p": self._project_id, "l": Int64(lsn)}}, _FIELDS)
        return found or {}

    def credits(self, entry: Mapping[str, Any], lsn: int) -> Operation[dict[str, Any]]:
        """Tell when an entry was written, on which branch, by whom and why.

        Args:
            entry: The entry.
            lsn: Its LSN, also where there is no such entry any more.
        """
        if not entry:
            return {"commit": lsn}
        return {
            "time": moment_of(entry),
            "branch": (yield from self._branch(entry["branch_id"])),
            "author": entry.get("author"),
            "message": entry.get("message"),
            "commit": int(entry.get("commit", lsn)),
        }

    def _branch(self, branch_id: ObjectId) -> Operation[str | None]:
        if branch_id not in self._names:
            record = yield from self._engine.branch_record(branch_id)
            if record is not None and record.status == "published" and record.parent_id is not None:
                # The line of a large commit, whose branch may have got another name since.
                record = yield from self._engine.branch_record(record.parent_id)
            self._names[branch_id] = None if record is None else record.name
        return self._names[branch_id]
