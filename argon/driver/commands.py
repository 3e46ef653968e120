# Generated from argon/aio/commands.py by tools/async_to_sync.py: edit that.

"""What a database answers itself: commands, pipelines of its own, change streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from bson.codec_options import DEFAULT_CODEC_OPTIONS, CodecOptions
from pymongo.common import validate_list
from pymongo.errors import InvalidOperation, OperationFailure
from pymongo.read_preferences import ReadPreference
from pymongo.synchronous.database import Database

from argon.commands import is_about_server, only_reads, run_command, wire
from argon.commands.changes import is_stream
from argon.driver._world import cursor, settle, stream
from argon.driver.classic import plain_session, writes_out
from argon.driver.command_cursor import WALCommandCursor
from argon.driver.database_handle import DatabaseHandle
from argon.driver.stream import WALChangeStream
from argon.engine import reading
from argon.engine.arguments import check_not_reserved
from argon.engine.documents import plain_text
from argon.engine.prepare import Target
from argon.engine.query import Reader
from argon.io import run
from argon.listening import is_pymongos
from argon.streams.arguments import watch_branch, watch_options
from argon.versions.layout import RAW_CODEC

D = TypeVar("D", bound=Any)

_OF_PYMONGO = {"parse_write_concern_error", "write_concern"}
"""What PyMongo takes for itself, of the arguments that it hands on to a command."""


class Commands(DatabaseHandle[D]):
    """The methods of PyMongo's database that read, write and watch it as a whole."""

    def aggregate(self, pipeline: Any, session: Any = None, **kwargs: Any) -> Any:
        """See :meth:`pymongo.database.Database.aggregate`."""
        here = self._here()
        return cursor(here["$cmd.aggregate"], lambda: here._open_aggregate(pipeline, session, **kwargs))

    def _open_aggregate(self, pipeline: Any, session: Any, **kwargs: Any) -> Any:
        validate_list("pipeline", pipeline)
        check_not_reserved(kwargs)
        if (physical := self._physical(writes=writes_out(pipeline))) is not None:
            return settle(physical.aggregate(pipeline, session, **kwargs))
        if is_stream(pipeline) and is_pymongos(self._client):
            return Database.aggregate(self, pipeline, session, **kwargs)
        target = Target(self.current_space, "", self.codec_options)
        reader = Reader(self.codec_options, {"read_preference": self.read_preference})
        return run(
            reading.aggregate(
                self._bound(session, reads=True),
                target,
                None,
                plain_text(pipeline, self.codec_options),
                reader,
                kwargs,
            )
        )

    def command(
        self,
        command: Any,
        value: Any = 1,
        check: bool = True,
        allowable_errors: Sequence[str | int] | None = None,
        read_preference: Any = None,
        codec_options: CodecOptions[Any] | None = None,
        session: Any = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> Any:
        """See :meth:`pymongo.database.Database.command` and :mod:`argon.commands`.

        Raises:
            UnsupportedOperation: The command would read or write past the log.
        """
        name = command if isinstance(command, str) else next(iter(command))
        if _OF_PYMONGO & kwargs.keys() and is_pymongos(self._client):
            pymongos: Any = Database.command
            given = (value, check, allowable_errors, read_preference, codec_options, session, comment)
            return pymongos(self, command, *given, **kwargs)
        kwargs |= {} if comment is None else {"comment": comment}
        about_server = is_about_server(name)
        elsewhere: Any = self._client.admin
        if not about_server:
            elsewhere = self._physical(writes=not only_reads(name))
        if elsewhere is not None:
            options: dict[str, Any] = {"session": session, "read_preference": read_preference}
            options |= {} if codec_options is None else {"codec_options": codec_options}
            return elsewhere.command(command, value, check, allowable_errors, **options, **kwargs)
        document = {command: value} if isinstance(command, str) else command
        return self._answer(
            {**document, **kwargs},
            codec_options or DEFAULT_CODEC_OPTIONS,
            check=check,
            allowable_errors=allowable_errors,
            read_preference=read_preference,
            session=session,
        )

    def _answer(
        self,
        command: Mapping[str, Any],
        codec: CodecOptions[Any],
        *,
        check: bool,
        allowable_errors: Sequence[str | int] | None,
        read_preference: Any,
        session: Any,
        decoders: bool = False,
    ) -> Any:
        """Run a command on the branch; ``decoders`` tells whether the user's own decoders see the reply."""
        _note(command)
        document = wire.encoded(command, codec)
        reader = {"read_preference": read_preference or ReadPreference.PRIMARY}
        handle = self._bound(session, reads=True)
        operation = run_command(handle, self.current_space, self.name, document, reader)
        try:
            reply = run(operation)
        except OperationFailure as error:
            if check and not wire.is_allowed(error, allowable_errors):
                raise
            reply = wire.failed(error)
        return wire.decoded(reply, codec, decoders=decoders)

    def _answer_command(self, command: dict[str, Any], session: Any) -> dict[str, Any]:
        """Answer a command that PyMongo sends on a connection."""
        if (physical := self._physical(writes=not only_reads(next(iter(command))))) is not None:
            plain: dict[str, Any] = physical.command(
                wire.without_envelope(command), codec_options=RAW_CODEC, **plain_session(session)
            )
            return plain
        _note(command)
        reader = wire.reads_by(command)
        operation = run_command(self._bound(session), self.current_space, self.name, command, reader)
        reply: dict[str, Any] = run(operation)
        return reply

    def watch(self, *args: Any, **kwargs: Any) -> Any:
        """See :meth:`pymongo.database.Database.watch`; the events come from the log."""
        here = self._here()
        return stream(lambda: here._open_watch(*args, **kwargs))

    def _open_watch(self, *args: Any, **kwargs: Any) -> Any:
        if (physical := self._physical()) is not None:
            return settle(physical.watch(*args, **kwargs))
        if is_pymongos(self._client):
            return Database.watch(self._to_itself(), *args, **kwargs)
        options = watch_options(Database.watch, args, kwargs)
        watch = watch_branch(self._handle, self.name, self.current_space, None, options)
        return WALChangeStream(self._branch.engine, watch, self, options).open()

    def cursor_command(
        self,
        command: Any,
        value: Any = 1,
        read_preference: Any = None,
        codec_options: CodecOptions[Any] | None = None,
        session: Any = None,
        comment: Any | None = None,
        max_await_time_ms: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """See :meth:`pymongo.database.Database.cursor_command`."""
        name = command if isinstance(command, str) else next(iter(command))
        if (physical := self._physical(writes=not only_reads(name))) is not None:
            options: dict[str, Any] = {} if codec_options is None else {"codec_options": codec_options}
            options |= {"read_preference": read_preference, "session": session, "comment": comment}
            return settle(physical.cursor_command(command, value, **options, **kwargs))
        codec: CodecOptions[Any] = codec_options or DEFAULT_CODEC_OPTIONS
        reply = self.command(
            command,
            value,
            read_preference=read_preference,
            codec_options=codec,
            session=session,
            comment=comment,
            **kwargs,
        )
        if not reply.get("cursor"):
            raise InvalidOperation("Command does not return a cursor.")
        return WALCommandCursor(self, reply["cursor"], codec)

    def dereference(self, dbref: Any, session: Any = None, comment: Any | None = None, **kwargs: Any) -> Any:
        """See :meth:`pymongo.database.Database.dereference`.

        A reference that names the project leads to the document on this branch: one that was written
        on the default branch names that, and is inherited as it is.
        """
        from bson.dbref import DBRef

        if not isinstance(dbref, DBRef):
            raise TypeError(f"cannot dereference a {type(dbref)}")
        if dbref.database not in (None, self.name, self._branch.project_name):
            raise ValueError(
                "trying to dereference a DBRef that points to another database "
                f"({dbref.database!r} not {self.name!r})"
            )
        kwargs |= {"session": session, "comment": comment}
        return self[dbref.collection].find_one({"_id": dbref.id}, **kwargs)


# Which arguments it has is told as PyMongo tells it, also where the other methods are PyMongo's own.
Commands.dereference.__doc__ = Database.dereference.__doc__


def _note(command: Mapping[str, Any]) -> None:
    """Let commands be sent, and so be told of, once somebody wants to know what they are."""
    if next(iter(command)) == "profile":
        from argon.driver.commanding import follow_commands

        follow_commands()
