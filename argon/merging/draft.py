"""A head with changes thought of and not made, on which further ones are computed."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from argon.catalog.collections import kind_of
from argon.engine.snapshot import Snapshot
from argon.engine.visible import rows_by_id
from argon.io import Operation
from argon.merging.images import Image, Images
from argon.merging.outcome import Gathering, Outcome, Page
from argon.models import CollectionRecord
from argon.versions.ids import id_key
from argon.versions.layout import Row
from argon.wal.change import Change


class Draft(Snapshot):
    """A head as some changes would leave it.

    Args:
        head: The head.

    Attributes:
        outcome: What all the changes come to, once they are settled.
    """

    def __init__(self, head: Snapshot) -> None:
        super().__init__(head.engine, head.branch, head.project, head.view, head.catalog, head.session)
        self._head = head
        self._images = Images()
        self.outcome = Outcome()

    def add(self, record: CollectionRecord, changes: Iterable[Change]) -> None:
        """Think of further changes of documents, which were computed on this draft.

        Args:
            record: Their collection.
            changes: The changes.
        """
        for change in changes:
            self._images.put(record.store, change.document_id, change.after)

    def define(self, changes: Iterable[Change]) -> None:
        """Think of further changes of definitions, which were computed on this draft."""
        self.catalog = self.catalog.after(changes)

    def drafted(
        self, record: CollectionRecord, ids: Sequence[Any], rows: Mapping[Hashable, Row]
    ) -> dict[Hashable, Row]:
        """Return rows as they would be.

        Args:
            record: Their collection.
            ids: The ids that were asked for.
            rows: The rows that there are, by the keys of their ids.
        """
        seen = dict(rows)
        for key, image in self._images.of(record.store, ids).items():
            seen.pop(key, None)
            if image is not None:
                seen[key] = {"_id": {"b": self.view.branch}, "d": image}
        return seen

    def settle(self, *, keep: bool = False) -> Operation[Outcome]:
        """Find what all the changes come to.

        Args:
            keep: Whether the outcome has the changes of documents also where it is large.
        """
        self._settle_definitions()
        gathering = Gathering(self.outcome, keep=keep)
        for reading in self.again(self._head):
            gathering.add(*(yield from reading))
        return gathering.close()

    @property
    def records(self) -> list[CollectionRecord]:
        """The collections whose documents may change, as they are afterwards."""
        return [record for record in self.catalog.records() if record.store in self._images.stores]

    def again(self, ours: Snapshot) -> Iterator[Operation[Page]]:
        """Return what reads the changes of documents, page by page.

        Args:
            ours: The head, or another view of the same state.
        """
        for record in self.records:
            for page in self._images.pages(record.store):
                yield _page(ours, record, page)

    def _settle_definitions(self) -> None:
        head, outcome = self._head.catalog, self.outcome
        before = {record.id: record for record in head.records()}
        now = {record.id: record for record in self.catalog.records()}
        for identity in before | now:
            old, new = before.get(identity), now.get(identity)
            if old is None and new is not None:
                outcome.catalog.append(head.create(new))
                outcome.created.append(new)
            elif old is not None and new is None:
                outcome.catalog.append(head.drop(old))
            elif old is not None and new is not None and id_key(old.model_dump()) != id_key(new.model_dump()):
                outcome.catalog.append(head.replace(kind_of(old, new), old, new))
                outcome.indexed.append((old, new))
        # A name is free before it is used again.
        outcome.catalog.sort(key=lambda change: change.after is not None)


def _page(ours: Snapshot, record: CollectionRecord, page: Sequence[tuple[Any, Image]]) -> Operation[Page]:
    rows = yield from rows_by_id(ours, record, [identity for identity, _ in page])
    found = {id_key(row["d"]["_id"]): row for row in rows}
    changes: list[Change] = []
    for identity, image in page:
        row = found.get(id_key(identity))
        was = None if row is None else row["d"].raw
        if was != (None if image is None else image.raw):
            kind = "insert" if row is None else "delete" if image is None else "update"
            about = (record.space, record.name, record.store, identity if row is None else row["d"]["_id"])
            inherited = row is not None and ours.is_inherited(row)
            changes.append(Change(kind, *about, before=row, inherited=inherited, after=image))
    return record, changes
