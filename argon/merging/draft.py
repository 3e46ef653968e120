"""A head with changes thought of and not made, on which further ones are computed."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from argon.catalog.collections import kind_of
from argon.catalog.tables import COLLECTIONS
from argon.engine.snapshot import Snapshot
from argon.models import CollectionRecord
from argon.versions.ids import id_key
from argon.versions.layout import Row
from argon.wal.change import Change

if TYPE_CHECKING:
    from argon.merging.compute import Outcome

_Key = tuple[str, Hashable]


class Draft(Snapshot):
    """A head as some changes would leave it.

    Args:
        head: The head.
    """

    def __init__(self, head: Snapshot) -> None:
        super().__init__(head.engine, head.branch, head.project, head.view, head.catalog, head.session)
        self._head = head.catalog
        self._net: dict[_Key, Change] = {}

    def add(self, outcome: Outcome) -> None:
        """Think of further changes, which were computed on this draft.

        Args:
            outcome: The changes.
        """
        for change in outcome.changes:
            key = (change.store, id_key(change.document_id))
            first = self._net.get(key)
            self._net[key] = change if first is None else replace(first, after=change.after)
        self.catalog = self.catalog.after(outcome.catalog)

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
        for key in map(id_key, ids):
            change = self._net.get((record.store, key))
            if change is None:
                continue
            seen.pop(key, None)
            if change.after is not None:
                seen[key] = {"_id": {"b": self.view.branch}, "d": change.after}
        return seen

    def settle(self, outcome: Outcome) -> None:
        """Put into an outcome what all the changes come to.

        Args:
            outcome: Gets changes of the head.
        """
        before = {record.id: record for record in self._head.records()}
        now = {record.id: record for record in self.catalog.records()}
        for (store, _), change in self._net.items():
            old, new = before.get(change.document_id), now.get(change.document_id)
            if store != COLLECTIONS or (old is None and new is None):
                continue
            if old is None and new is not None:
                outcome.catalog.append(self._head.create(new))
                outcome.created.append(new)
            elif old is not None and new is None:
                outcome.catalog.append(self._head.drop(old))
            elif old is not None and new is not None and id_key(old.model_dump()) != id_key(new.model_dump()):
                outcome.catalog.append(self._head.replace(kind_of(old, new), old, new))
                outcome.indexed.append((old, new))
        outcome.catalog.sort(key=lambda change: change.after is not None)
        stores = {record.store: record for record in now.values() if record.store}
        found: dict[str, list[Change]] = {}
        for change in self._written():
            if change.store in stores:
                found.setdefault(change.store, []).append(_told(change, stores[change.store]))
        outcome.documents += [(stores[store], changes) for store, changes in found.items()]

    def _written(self) -> Iterable[Change]:
        for (store, _), change in self._net.items():
            was = None if change.before is None else change.before["d"].raw
            is_ = None if change.after is None else change.after.raw
            if store != COLLECTIONS and was != is_:
                yield change


def _told(change: Change, record: CollectionRecord) -> Change:
    kind = "insert" if change.before is None else "delete" if change.after is None else "update"
    return replace(change, operation=kind, space=record.space, collection=record.name)
