"""A command on its way through: whom it is about, and what may stand in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from argon.engine.errors import command_error, missing_field, unknown_field
from argon.engine.handle import Handle
from argon.engine.prepare import Target
from argon.engine.query import Reader
from argon.versions.layout import RAW_CODEC

Command = Mapping[str, Any]
Reply = dict[str, Any]

_OF_ANY_COMMAND = frozenset(
    {
        "$clusterTime",
        "$db",
        "$readPreference",
        "apiDeprecationErrors",
        "apiStrict",
        "apiVersion",
        "autocommit",
        "comment",
        "lsid",
        "maxTimeMS",
        "readConcern",
        "startTransaction",
        "stmtId",
        "stmtIds",
        "txnNumber",
        "writeConcern",
    }
)


@dataclass(frozen=True)
class Request:
    """Where a command runs.

    Attributes:
        handle: The branch and the moment.
        space: The namespace of the collections that it names.
        database: The name that the branch has as a database.
        options: ``read_preference`` and ``read_concern`` of what it reads.
    """

    handle: Handle
    space: str
    database: str
    options: Mapping[str, Any]

    @property
    def reader(self) -> Reader:
        """How it reads: documents stay as they are, encoded."""
        return Reader(RAW_CODEC, dict(self.options))

    def target(self, name: str, command: Command) -> Target:
        """Return the collection that a write is for."""
        return Target(self.space, name, RAW_CODEC, command.get("bypassDocumentValidation"))

    def namespace(self, name: str) -> str:
        """Return what stands for ``database.collection``."""
        return f"{self.database}.{name}"


def collection_name(command: Command) -> str:
    """Return the collection that a command names first.

    Raises:
        OperationFailure: It names none.
    """
    verb, name = next(iter(command.items()))
    if not isinstance(name, str):
        text = f"collection name has invalid type {type(name).__name__}"
        raise command_error({"code": 2, "codeName": "BadValue", "errmsg": text})
    if not name:
        text = f"Invalid namespace specified for {verb}: the collection's name is empty"
        raise command_error({"code": 73, "codeName": "InvalidNamespace", "errmsg": text})
    return name


def check_fields(command: Command, known: frozenset[str]) -> None:
    """Refuse a field that the server does not know, in its words.

    Raises:
        OperationFailure: There is one.
    """
    verb = next(iter(command))
    for field in command:
        if field != verb and field not in known and field not in _OF_ANY_COMMAND:
            raise unknown_field(f"{verb}.{field}")


def required(command: Command, field: str) -> Any:
    """Return a field that a command must have.

    Raises:
        OperationFailure: It has not got it.
    """
    if field not in command:
        raise missing_field(f"{next(iter(command))}.{field}")
    return command[field]


def own_fields(command: Command) -> dict[str, Any]:
    """Return the fields of a command after its verb, without those that any command may have."""
    verb = next(iter(command))
    return {field: value for field, value in command.items() if field not in {verb, *_OF_ANY_COMMAND}}
