"""The branch that keeps what was there before: a pointer to the old head, made in the same transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bson import ObjectId
from pymongo.errors import DuplicateKeyError

from argon.catalog.records import birth, lineage_from, stored
from argon.catalog.tables import BRANCHES, new_number
from argon.io import Operation
from argon.models import BranchRecord, ProjectRecord
from argon.names import LONGEST_NAME
from argon.timetravel.place import Place
from argon.wal.commit import StaleHead

if TYPE_CHECKING:
    from argon.engine.engine import Engine


class Backup:
    """A branch about to be made of a head.

    Args:
        engine: The engine.
        project: The project.
        head: The head that it keeps.
        operation: What will be done to it.
        author: Who does it.
    """

    def __init__(
        self, engine: Engine, project: ProjectRecord, head: Place, operation: str, author: str | None
    ) -> None:
        self._engine = engine
        self._project = project
        self._head = head
        self._operation = operation
        self._author = author
        self._number = 0
        self.id = ObjectId()
        self.name = ""

    def prepare(self) -> Operation[None]:
        """Choose a free name and reserve a number."""
        ending = f"-before-{self._operation.replace('_', '-')}-{self._head.lsn}"
        wanted = f"{self._head.branch.name[: LONGEST_NAME - len(ending)]}{ending}"
        self.name, tried = wanted, 1
        while (yield self._table.find_one(self._live(self.name), {"_id": 1})) is not None:
            tried += 1
            self.name = f"{wanted[: LONGEST_NAME - len(f'-{tried}')]}-{tried}"
        self._number = yield from new_number(self._engine.plain)

    def make(self, session: Any) -> Operation[None]:
        """Make the branch.

        Args:
            session: The transaction's.

        Raises:
            StaleHead: Somebody else has taken the name.
        """
        parent, base = self._head.branch, self._head.lsn
        created = yield from self._engine.lsns(self._project.id).take(1, max(base, parent.created_lsn))
        record = BranchRecord(
            _id=self.id,
            project_id=self._project.id,
            name=self.name,
            number=self._number,
            parent_id=parent.id,
            base_lsn=base,
            created_lsn=created,
            lineage=lineage_from(parent, base),
            created_at=self._engine.clock.now(),
        )
        message = f"keep {parent.name} as it was before {self._operation.replace('_', '-')}"
        try:
            yield self._table.insert_one(stored(record), session=session)
        except DuplicateKeyError as error:
            raise StaleHead from error  # the name was taken meanwhile: it is all planned anew
        yield from self._engine.committer.append([birth(record, self._author, message)], session)

    @property
    def _table(self) -> Any:
        return self._engine.plain[BRANCHES]

    def _live(self, name: str) -> dict[str, Any]:
        return {"project_id": self._project.id, "name": name, "status": "active"}
