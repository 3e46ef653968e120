"""What an operation reads: a view of a branch with its catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bson.codec_options import CodecOptions
from pymongo.read_concern import ReadConcern

from argon.catalog.collections import Catalog
from argon.engine.profiled import profile_record
from argon.engine.source import CollectionSource
from argon.models import BranchRecord, CollectionRecord
from argon.profiling import SHOWN_AS
from argon.versions.layout import RAW_CODEC
from argon.versions.visibility import View

if TYPE_CHECKING:
    from argon.engine.engine import Engine

__all__ = ["RAW_CODEC", "Snapshot"]

_SNAPSHOT = ReadConcern("snapshot")
_LEVELS = frozenset({None, "available", "linearizable", "local", "majority", "snapshot"})


class Snapshot:
    """A branch at a moment, ready to be read.

    Args:
        engine: The engine.
        branch: The branch.
        project: The project's name, for messages.
        view: The moment.
        catalog: The collections at that moment.
        session: The session of an open transaction, which sees its own rows.
    """

    def __init__(
        self,
        engine: Engine,
        branch: BranchRecord,
        project: str,
        view: View,
        catalog: Catalog,
        session: Any = None,
    ) -> None:
        self.engine = engine
        self.branch = branch
        self.project = project
        self.view = view
        self.catalog = catalog
        self.session = session

    def record(self, space: str, name: str) -> CollectionRecord | None:
        """Return a collection's record, or None if it does not exist here."""
        found = self.catalog.get(space, name)
        return profile_record(self, space) if found is None and name == SHOWN_AS else found

    def source(self, record: CollectionRecord | None) -> CollectionSource:
        """Return what the rewriting needs to know of a collection."""
        return CollectionSource(self.view, record)

    def rows(self, store: str, codec: CodecOptions[Any] | None = None, **options: Any) -> Any:
        """Return a store to read from.

        Args:
            store: The physical collection.
            codec: How documents are decoded; raw BSON by default.
            options: ``read_preference`` and ``read_concern`` as the user asked for them.
        """
        if self.session is not None or not self.view.simple:
            # Rows of ancestors and of the past may move while a scan runs.
            asked = options.get("read_concern")
            if asked is None or asked.level in _LEVELS:  # another one the server refuses
                options["read_concern"] = None if self.session is not None else _SNAPSHOT
        return self.engine.raw.get_collection(store, codec_options=codec or RAW_CODEC, **options)

    def is_inherited(self, row: Mapping[str, Any]) -> bool:
        """Whether a visible row belongs to an ancestor of the branch."""
        return bool(row["_id"]["b"] != self.view.branch)

    @property
    def databases(self) -> frozenset[str]:
        """The names that the branch has as a database; the default one goes by the project's name, too."""
        named = f"{self.project}@{self.branch.name}"
        return frozenset((named, self.project) if self.engine.rules.is_default(self.branch) else (named,))

    def namespace(self, name: str) -> str:
        """Return what stands for ``database.collection`` in messages."""
        return f"{self.project}.{name}"
