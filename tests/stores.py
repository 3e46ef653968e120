"""Databases for tests to have for themselves; emptied after use, which is quicker than to make more."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient, WriteConcern

from argon import Argon

Client = MongoClient[dict[str, Any]]
_MANY = 10_000
"""Documents from which on a new database is the quicker way."""


class Stores:
    """The databases of one worker.

    Args:
        uri: The server.
        client: A plain client of it.
    """

    def __init__(self, uri: str, client: Client) -> None:
        self._client = client
        name = _fresh()
        with Argon(uri, database=name) as argon:
            argon.projects()
        self._tables = self._shape(name)
        self._spare = [name]

    @contextmanager
    def one(self) -> Iterator[str]:
        """The name of a database with Argon's tables, all of them empty, or of none yet."""
        name = self._spare.pop() if self._spare else _fresh()
        yield name
        for beside in self._client.list_database_names():
            if beside.startswith(f"{name}_"):  # classic branches
                self._client.drop_database(beside)
        if self._is_emptied(name):
            self._spare.append(name)
        else:
            self._client.drop_database(name)

    def close(self) -> None:
        """Remove them."""
        for name in self._spare:
            self._client.drop_database(name)

    def _is_emptied(self, name: str) -> bool:
        """Leave what a new Argon would make, and nothing else."""
        database = self._client.get_database(name, write_concern=WriteConcern(1))
        for table in database.list_collection_names():
            if table not in self._tables:
                database.drop_collection(table)
            elif database[table].estimated_document_count() > _MANY:
                return False
            else:
                database[table].delete_many({})
        # What is acknowledged by a majority is so with all that came before it.
        self._client[name]["wal_log"].delete_many({"_id": None})
        return self._shape(name) == self._tables

    def _shape(self, name: str) -> dict[str, Any]:
        return {
            each["name"]: (each["options"], self._client[name][each["name"]].index_information())
            for each in self._client[name].list_collections()
        }


def _fresh() -> str:
    return f"argon_{uuid.uuid4().hex[:12]}"
