# Generated from argon/aio/connection.py by tools/async_to_sync.py: edit that.

"""What PyMongo's own objects send their commands on, when they belong to a client of branches.

``Database(client, name)`` and ``Collection(database, name)`` can be made by
hand, and libraries derive cursors from PyMongo's. They end up here and not on
a connection, so that they, too, read and write through the log.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, NoReturn

from bson.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions
from pymongo.read_preferences import ReadPreference
from pymongo.response import Response

from argon.driver.database import WALDatabase
from argon.errors import UnsupportedOperation

_WIRE_VERSION = 17
"""That of MongoDB 6.0, the oldest server there is."""


class BranchConnection:
    """A connection as far as PyMongo's own classes look at it.

    Args:
        client: Its databases are branches.
    """

    address = None
    max_wire_version = _WIRE_VERSION

    def __init__(self, client: Any) -> None:
        self._client = client

    def command(
        self,
        dbname: str,
        spec: MutableMapping[str, Any],
        read_preference: Any = ReadPreference.PRIMARY,
        codec_options: CodecOptions[Any] = DEFAULT_CODEC_OPTIONS,
        check: bool = True,
        allowable_errors: Sequence[str | int] | None = None,
        collation: Any = None,
        session: Any = None,
        user_fields: Any = None,
        **_others: Any,
    ) -> Any:
        """Run a command; see :meth:`pymongo.database.Database.command`."""
        if "renameCollection" in spec:
            _refuse()
        shown = self._client._shown
        database = shown if shown is not None and shown.name == dbname else self._client.get_database(dbname)
        document = spec if collation is None else {**spec, "collation": collation}
        if not isinstance(database, WALDatabase):
            return database.command(document, read_preference=read_preference, session=session)
        return database._answer(
            document,
            codec_options,
            check=check,
            allowable_errors=allowable_errors,
            read_preference=read_preference,
            session=session,
            decoders=bool(user_fields),
        )

    def add_server_api(self, cmd: MutableMapping[str, Any]) -> None:
        """Leave a command as it is."""

    def send_cluster_time(self, cmd: Any, session: Any, client: Any) -> None:
        """Leave a command as it is."""

    def validate_session(self, client: Any, session: Any) -> None:
        """Leave it to the command."""


class CommandsOfBranches:
    """What makes PyMongo's own classes send their commands to branches."""

    __slots__ = ()

    def _retryable_read(
        self, func: Callable[..., Any], read_pref: Any, session: Any, *_args: Any, **_kwargs: Any
    ) -> Any:
        return func(session, None, BranchConnection(self), read_pref)

    def _retryable_write(
        self,
        retryable: bool,
        func: Callable[..., Any],
        session: Any,
        operation: Any,
        bulk: Any = None,
        operation_id: int | None = None,
    ) -> Any:
        if bulk is not None:
            _refuse()
        return func(session, BranchConnection(self), False)

    def _run_operation(self, operation: Any, _run_with_conn: Any, address: Any = None) -> Response:
        connection = BranchConnection(self)
        operation.session = None
        command, database = operation.as_command(connection)
        reply = connection.command(
            database,
            command,
            operation.read_preference,
            operation.codec_options,
            user_fields=True,
        )
        data: Any = None
        return Response(data, address, 0, None, [reply])

    def _conn_for_reads(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        _refuse()

    def _conn_for_writes(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        _refuse()


def _refuse() -> NoReturn:
    raise UnsupportedOperation(
        "a collection made by hand neither writes in bulk nor is renamed on a branch: use "
        "client[database][collection]"
    )
