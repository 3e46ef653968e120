"""Tags: names for points of a project's history.

They are recorded on the project's own line and not on that of a branch: a tag
moves no head, holds up no writer, and outlives the branch that it was made on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from bson import Int64, ObjectId
from pymongo.errors import DuplicateKeyError

from argon.catalog.project_line import ProjectLine, Tell
from argon.catalog.tables import TAGS
from argon.errors import TagExists, TagNotFound
from argon.io import Operation
from argon.models import ProjectRecord, TagRecord
from argon.models.entry import Operation as Kind
from argon.names import check_tag_name

_SHOWN = 8


class Tags:
    """The tags of one project.

    Args:
        database: The database that holds everything.
        line: The project's own line.
    """

    def __init__(self, database: Any, line: ProjectLine) -> None:
        self._table = database[TAGS]
        self._project: ProjectRecord = line.project
        self._line = line
        self.confirm: Callable[..., Operation[None]] | None = None
        """Makes sure that what a new tag names is still held; see :mod:`argon.retention.fence`."""

    def get(self, name: str) -> Operation[TagRecord]:
        """Look up a tag by name.

        Raises:
            TagNotFound: There is none; the message lists what there is.
        """
        return (yield from find_tag(self._table.database, self._project.id, name))

    def list(self) -> Operation[list[TagRecord]]:
        """Return the tags, oldest first."""
        found = yield self._table.find({"project_id": self._project.id}).sort("created_lsn", 1).to_list(None)
        return [TagRecord.model_validate(record) for record in found]

    def create(
        self,
        name: str,
        branch_id: ObjectId,
        lsn: int,
        *,
        author: str | None = None,
        message: str | None = None,
    ) -> Operation[TagRecord]:
        """Name a point.

        Args:
            name: The name.
            branch_id: The branch.
            lsn: An LSN that was found to lie in the branch's history.
            author: Who makes it.
            message: Why.

        Raises:
            TagExists: The name is taken.
            HistoryExpired: The point was collected meanwhile.
        """
        check_tag_name(name)
        about = {"name": name, "branch_id": branch_id, "lsn": Int64(lsn)}

        def store(tag: TagRecord, session: Any) -> Operation[None]:
            document = tag.model_dump(by_alias=True)
            document |= {"lsn": Int64(tag.lsn), "created_lsn": Int64(tag.created_lsn)}
            yield self._table.insert_one(document, session=session)

        try:
            made = yield from self._record(Kind.CREATE_TAG, about, store, author, message, lsn)
        except DuplicateKeyError as error:
            raise TagExists(
                f"the project {self._project.name!r} has a tag {name!r} already: choose another name, or "
                f"delete that tag first"
            ) from error
        if self.confirm is not None:
            yield from self.confirm(made, partial(self.delete, name, author=author))
        return made

    def delete(
        self, name: str, *, author: str | None = None, message: str | None = None
    ) -> Operation[TagRecord]:
        """Delete a tag; what it named stays.

        Raises:
            TagNotFound: There is none of this name.
        """
        tag = yield from self.get(name)
        about = {"name": name, "branch_id": tag.branch_id, "lsn": Int64(tag.lsn)}

        def remove(_entry: TagRecord, session: Any) -> Operation[None]:
            gone = yield self._table.delete_one({"_id": tag.id}, session=session)
            if not gone.deleted_count:
                raise TagNotFound(f"there is no tag {name!r} any more: somebody else deleted it")

        yield from self._record(Kind.DELETE_TAG, about, remove, author, message, tag.lsn)
        return tag

    def _record(
        self,
        operation: Kind,
        about: dict[str, Any],
        change: Any,
        author: str | None,
        message: str | None,
        above: int,
    ) -> Operation[TagRecord]:
        """Append an entry to the project's line, together with the change that it tells of."""

        def told(tell: Tell, session: Any) -> Operation[TagRecord]:
            lsn, moment = yield from tell(about)
            tag = TagRecord(
                _id=ObjectId(),
                project_id=self._project.id,
                **about,
                tagger=author,
                message=message,
                created_at=moment,
                created_lsn=lsn,
            )
            yield from change(tag, session)
            return tag

        return (yield from self._line.append(operation, told, author=author, message=message, above=above))


def find_tag(database: Any, project_id: ObjectId, name: str) -> Operation[TagRecord]:
    """Look up a tag of a project.

    Args:
        database: The database that holds everything.
        project_id: The project.
        name: The tag's name.

    Raises:
        TagNotFound: There is none; the message lists what there is.
    """
    check_tag_name(name)
    table = database[TAGS]
    found = yield table.find_one({"project_id": project_id, "name": name})
    if found is not None:
        return TagRecord.model_validate(found)
    listed = (
        yield table.find({"project_id": project_id}, {"name": 1})
        .sort("created_lsn", -1)
        .limit(_SHOWN + 1)
        .to_list(None)
    )
    shown = ", ".join(each["name"] for each in listed[:_SHOWN]) + (" …" if len(listed) > _SHOWN else "")
    raise TagNotFound(
        f"there is no tag {name!r}; "
        + (f"there are: {shown}" if shown else "the project has none: give an LSN, a time or an age")
    )
