"""A logical collection as the catalogue knows it."""

from __future__ import annotations

from typing import Any, Literal
from uuid import NAMESPACE_OID, uuid5

from bson import Binary, ObjectId
from pydantic import BaseModel, ConfigDict, Field


class IndexRecord(BaseModel):
    """An index of a logical collection.

    Attributes:
        name: The name users know.
        key: Field and direction or kind, in order.
        options: ``unique``, ``sparse``, ``partialFilterExpression``, ``expireAfterSeconds`` …
        physical: The name of the physical index that serves it.
        described: What ``list_indexes`` says of it.
    """

    name: str
    key: list[tuple[str, Any]]
    options: dict[str, Any] = {}
    physical: str
    described: dict[str, Any]


def collection_uuid(incarnation: ObjectId) -> Binary:
    """Return the UUID that stands for an incarnation of a collection."""
    return Binary.from_uuid(uuid5(NAMESPACE_OID, str(incarnation)))


class CollectionRecord(BaseModel):
    """A catalogue document; its own versions live in rows like any document's.

    Attributes:
        id: The incarnation: a dropped and newly created collection has another.
        space: Namespace within the branch.
        name: Unique within its space.
        store: The physical collection of its rows; empty for a view.
        options: What ``create_collection`` was given (validator, collation, viewOn …).
        indexes: The indexes besides the one on ``_id``.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, populate_by_name=True, extra="ignore")

    id: ObjectId = Field(alias="_id")
    space: str
    name: str
    kind: Literal["collection", "view"] = "collection"
    store: str
    options: dict[str, Any] = {}
    indexes: list[IndexRecord] = []

    @property
    def uuid(self) -> Binary:
        """What identifies the incarnation to those who know collections by UUIDs, as MongoDB's do."""
        return collection_uuid(self.id)

    @property
    def collation(self) -> dict[str, Any] | None:
        """The default collation, if it has one."""
        value: dict[str, Any] | None = self.options.get("collation")
        return value

    @property
    def clustered(self) -> dict[str, Any] | None:
        """The definition of its clustered index on ``_id``, if it was made with one."""
        value: dict[str, Any] | None = self.options.get("clusteredIndex")
        return value

    @property
    def id_index(self) -> dict[str, Any]:
        """The index on ``_id`` as the server describes it, in a clustered collection, too."""
        index: dict[str, Any] = self.clustered or {"v": 2, "key": {"_id": 1}, "name": "_id_"}
        collated = {"collation": self.collation} if self.collation else {}
        return {**index, **collated, **({"clustered": True} if self.clustered else {})}

    @property
    def validated(self) -> bool:
        """Whether documents are checked by a validator."""
        return bool(self.options.get("validator"))
