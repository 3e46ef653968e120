"""The model of a branch: an ordinary database that is given the same operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.operations import IndexModel

from .values import Document

RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)


@dataclass(frozen=True)
class CollectionDump:
    """A collection with all that defines it, and its documents in their natural order."""

    kind: str
    options: Document
    indexes: list[Document]
    documents: list[bytes]


Dump = Mapping[str, CollectionDump]


def dump(database: Database[Document]) -> Dump:
    """Copy a whole database into memory."""
    found: dict[str, CollectionDump] = {}
    for info in database.list_collections():
        name = info["name"]
        if name == "system.views":
            continue
        indexes: list[Document] = []
        contents: list[bytes] = []
        if info["type"] == "collection":
            indexes = [dict(index) for index in database[name].list_indexes()]
            contents = natural(database[name])
        found[name] = CollectionDump(info["type"], info["options"], indexes, contents)
    return found


def load(client: MongoClient[Document], name: str, contents: Dump) -> Database[Document]:
    """Make a database out of a copy in memory."""
    database = client[name]
    for collection, parts in contents.items():
        database.create_collection(collection, check_exists=False, **parts.options)
        models = [_model(index) for index in parts.indexes if index["name"] != "_id_"]
        if models:
            database[collection].create_indexes(models)
        if parts.documents:
            raw = [RawBSONDocument(document) for document in parts.documents]
            database[collection].insert_many(raw, bypass_document_validation=True)
    return database


def _model(index: Document) -> IndexModel:
    options = {key: value for key, value in index.items() if key not in ("v", "key")}
    return IndexModel(list(index["key"].items()), **options)


def natural(collection: Any) -> list[bytes]:
    """Return all documents in the order in which they come."""
    return [bytes(document.raw) for document in collection.with_options(RAW).find({})]


def by_id(collection: Any) -> list[bytes]:
    """Return all documents in the order of their ids."""
    return [bytes(document.raw) for document in collection.with_options(RAW).find({}).sort("_id", 1)]
