"""The collections of a view: a name at a moment on a branch leads to a physical store.

A catalogue document is versioned like any other: it lives in rows, is
inherited, marked and restored by the same rules. So dropping, renaming and
restoring a collection copy nothing, and each branch has its own set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bson import ObjectId
from pymongo.read_concern import ReadConcern

from argon.catalog.tables import COLLECTIONS, STORE_PREFIX
from argon.io import Operation, World
from argon.models import CollectionRecord
from argon.models.entry import Operation as Kind
from argon.names import SYSTEM_SPACES
from argon.versions.ids import id_key
from argon.versions.layout import Row, raw
from argon.versions.visibility import View
from argon.wal.change import Change
from argon.wal.log import DEFAULT_SPACE
from argon.wal.transactions import patiently


class Catalog:
    """What collections a view has.

    Args:
        entries: Each record with the row that it was read from.
        view: Whose they are.

    Attributes:
        view: The same.
    """

    def __init__(self, entries: Iterable[tuple[CollectionRecord, Row]], view: View) -> None:
        self._rows = {(record.space, record.name): (record, row) for record, row in entries}
        self.view = view
        self._branch = view.branch

    def get(self, space: str, name: str) -> CollectionRecord | None:
        """Return a collection's record, or None if the view has no such collection."""
        found = self._rows.get((space, name))
        return None if found is None else found[0]

    def records(self, space: str | None = None) -> list[CollectionRecord]:
        """Return all records, or those of one space, in the order of their creation."""
        records = [record for record, _ in self._rows.values() if space in (None, record.space)]
        return sorted(records, key=lambda record: record.id)

    def spaces(self) -> list[str]:
        """Name the spaces that users see: the default one, which is always there, then others by age."""
        found = dict.fromkeys([DEFAULT_SPACE, *(record.space for record in self.records())])
        return [space for space in found if not space.startswith(SYSTEM_SPACES)]

    def after(self, changes: Iterable[Change]) -> Catalog:
        """Return the catalogue as changes of it would leave it.

        Args:
            changes: As this catalogue plans them.
        """
        entries = {record.id: (record, row) for record, row in self._rows.values()}
        for change in changes:
            if change.after is None:
                entries.pop(change.document_id)
            else:
                record = CollectionRecord.model_validate(_plain(change.after))
                row = change.before or {"_id": {"b": self._branch}, "d": change.after}
                entries[record.id] = (record, row)
        return Catalog(entries.values(), self.view)

    def create(self, record: CollectionRecord) -> Change:
        """Plan the creation of a collection."""
        return _change(Kind.CREATE_COLLECTION, record, after=record)

    def replace(self, operation: Kind, old: CollectionRecord, new: CollectionRecord) -> Change:
        """Plan a change of a collection's record.

        Args:
            operation: What the log calls it.
            old: The record as this catalogue has it.
            new: The record as it shall be.
        """
        _, row = self._rows[old.space, old.name]
        return _change(operation, old, after=new, row=row, inherited=row["_id"]["b"] != self._branch)

    def drop(self, record: CollectionRecord) -> Change:
        """Plan the removal of a collection; its rows stay for the past and for other branches."""
        _, row = self._rows[record.space, record.name]
        inherited = row["_id"]["b"] != self._branch
        return _change(Kind.DROP_COLLECTION, record, row=row, inherited=inherited)


def load_catalog(database: Any, view: View, world: World, session: Any = None) -> Operation[Catalog]:
    """Read the catalogue of a view.

    Args:
        database: The database that holds everything, decoding to raw BSON.
        view: The branch and the moment.
        world: Threads or an event loop.
        session: An open transaction's session, to see what it has done.
    """
    table = database[COLLECTIONS]
    rows: list[Row] = []
    if session is not None:
        for leg in view.legs:
            rows += yield table.find(leg.scan, session=session).to_list(None)
    else:
        # One statement, so that all legs are seen at one moment.
        first, *others = view.legs
        pipeline: list[Mapping[str, Any]] = [{"$match": first.scan}]
        pipeline += [
            {"$unionWith": {"coll": COLLECTIONS, "pipeline": [{"$match": leg.scan}]}} for leg in others
        ]
        snapshot = table.with_options(read_concern=ReadConcern("snapshot"))

        def read() -> Operation[list[Row]]:
            cursor = yield snapshot.aggregate(pipeline)
            found: list[Row] = yield cursor.to_list(None)
            return found

        rows = yield from patiently(world, read)
    return Catalog([(CollectionRecord.model_validate(_plain(row["d"])), row) for row in rows], view)


def new_record(space: str, name: str, options: Mapping[str, Any] | None = None) -> CollectionRecord:
    """Return the record of a collection about to be created."""
    incarnation = ObjectId()
    options = dict(options or {})
    kind = "view" if "viewOn" in options else "collection"
    return CollectionRecord(
        _id=incarnation,
        space=space,
        name=name,
        kind="view" if kind == "view" else "collection",
        store="" if kind == "view" else f"{STORE_PREFIX}{incarnation}",
        options=options,
    )


def kind_of(old: CollectionRecord, new: CollectionRecord) -> Kind:
    """Say what the log calls the step from one record to another."""
    if old.name != new.name:
        return Kind.RENAME_COLLECTION
    if id_key(old.options) != id_key(new.options):
        return Kind.MODIFY_COLLECTION
    return Kind.CREATE_INDEX if len(new.indexes) >= len(old.indexes) else Kind.DROP_INDEX


def _change(
    operation: Kind,
    about: CollectionRecord,
    *,
    after: CollectionRecord | None = None,
    row: Row | None = None,
    inherited: bool = False,
) -> Change:
    return Change(
        operation=operation,
        space=about.space,
        collection=about.name,
        store=COLLECTIONS,
        document_id=about.id,
        before=row,
        inherited=inherited,
        after=None if after is None else raw(after.model_dump(by_alias=True)),
    )


def _plain(value: Any) -> Any:
    """Turn raw BSON into dicts and lists, keeping the order of fields."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
