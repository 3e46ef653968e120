"""From an exception to one line on stderr and an exit code.

==== =====================================================
code meaning
==== =====================================================
0    done
1    failed
2    the command was typed wrong, or needs a flag to go on
3    what was named does not exist
4    what was asked collides with what is there
130  interrupted with ctrl-C
141  the reader of the output went away
==== =====================================================
"""

from __future__ import annotations

import os
import re
import sys
import traceback
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pymongo.errors import BulkWriteError

FAILED, USAGE, NOT_FOUND, CONFLICT = 1, 2, 3, 4
INTERRUPTED, BROKEN_PIPE = 130, 141
_DUPLICATE_KEY = 11000


class Failed(Exception):
    """The command could not do what was asked.

    Args:
        message: Why, and what to type.
        code: The exit code.
    """

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


def report(error: BaseException) -> int:
    """Tell the user of an error, in one line on stderr.

    With ``ARGON_DEBUG=1`` in the environment the traceback comes first.

    Args:
        error: What a command raised.

    Returns:
        The exit code that belongs to it.
    """
    if os.environ.get("ARGON_DEBUG") not in (None, "", "0"):
        traceback.print_exception(error, file=sys.stderr)
    message, code = explain(error)
    click.echo(f"{_paint('error:')} {one_line(message)}", err=True)
    return code


def explain(error: BaseException) -> tuple[str, int]:
    """Return what an error means to the user, and its exit code."""
    if isinstance(error, Failed):
        return str(error), error.code
    if isinstance(error, click.UsageError):
        return _usage(error), error.exit_code
    if isinstance(error, click.ClickException):
        return error.format_message(), error.exit_code
    if isinstance(error, EOFError | zlib.error):
        return f"the packed file is damaged: {error}", FAILED
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror or error}", FAILED
    return _explain_database(error) or (
        f"unexpected {type(error).__name__}: {error}; ARGON_DEBUG=1 shows where",
        FAILED,
    )


def one_line(text: str) -> str:
    """Fold a message into one line, without passwords of URIs."""
    return redact(" ".join(text.split()))


def redact(uri: str) -> str:
    """Replace the password in a MongoDB URI by asterisks."""
    return re.sub(r"(mongodb(?:\+srv)?://[^:/@\s]*):\S*@", r"\1:***@", uri)


def _usage(error: click.UsageError) -> str:
    message = error.format_message().rstrip(".")
    if error.ctx is None:
        return message
    return f"{message[:1].lower()}{message[1:]} (see '{error.ctx.command_path} --help')"


def _explain_database(error: BaseException) -> tuple[str, int] | None:
    # Imported here: `argon --help` and plain usage errors must not wait for PyMongo.
    from bson.errors import BSONError
    from pymongo import errors as mongo

    from argon import errors as argon

    hints: list[tuple[type[BaseException], int, str]] = [
        (argon.ProjectNotFound, NOT_FOUND, "'argon project list' shows the projects"),
        (argon.BranchNotFound, NOT_FOUND, "'argon branch list' shows the branches"),
        (argon.PointNotFound, NOT_FOUND, "'argon log' shows the points there are"),
        (argon.NotFound, NOT_FOUND, ""),
        (argon.BranchHasChildren, CONFLICT, "'--force' deletes it all the same"),
        (argon.Conflict, CONFLICT, ""),
        (argon.InvalidName, USAGE, ""),
        (argon.InvalidPoint, USAGE, ""),
        (argon.InvalidSettings, USAGE, ""),
        (argon.FeatureDisabled, FAILED, "'argon features list' shows the flags"),
        (argon.CorruptHistory, FAILED, "'argon verify' shows the extent"),
        (argon.ServerError, FAILED, "'argon doctor' shows what to do, step by step"),
        (argon.ArgonError, FAILED, ""),
        (mongo.DuplicateKeyError, CONFLICT, ""),
        (mongo.InvalidURI, USAGE, "a URI looks like mongodb://host:27017/?replicaSet=rs0"),
        (mongo.ConfigurationError, USAGE, "check --uri or ARGON_MONGODB_URI"),
        (mongo.ServerSelectionTimeoutError, FAILED, ""),
        (mongo.PyMongoError, FAILED, ""),
        (BSONError, FAILED, ""),
        (OverflowError, FAILED, "MongoDB holds whole numbers of up to 64 bits"),
    ]
    if isinstance(error, mongo.BulkWriteError) and _first_failure(error).get("code") == _DUPLICATE_KEY:
        return _message(error), CONFLICT
    for kind, code, hint in hints:
        if isinstance(error, kind):
            return _with_hint(_message(error), hint), code
    return None


def _message(error: BaseException) -> str:
    from pymongo import errors as mongo

    from argon import errors as argon

    if isinstance(error, mongo.ServerSelectionTimeoutError):
        # The driver's own text lists every topology it has seen; the first clause is the reason.
        reason = str(error).split(" (configured timeouts", 1)[0].split(", Timeout:", 1)[0]
        return f"no MongoDB server answers: {reason}; start it, or name another one with --uri"
    if isinstance(error, mongo.BulkWriteError):
        return str(_first_failure(error).get("errmsg", error))
    if isinstance(error, argon.ServerError):
        return str(error).partition("\n")[0].rstrip(":")
    return re.sub(r", full error: \{.*", "", str(error), flags=re.DOTALL) or type(error).__name__


def _first_failure(error: BulkWriteError) -> Mapping[str, Any]:
    failures: list[Mapping[str, Any]] = error.details.get("writeErrors") or [{}]
    return failures[0]


def _with_hint(message: str, hint: str) -> str:
    # An error that says itself what to type needs no second word.
    if not hint or "argon " in message or (hint.split("'")[1:2] and hint.split("'")[1] in message):
        return message
    return f"{message.rstrip('.')}; {hint}"


def _paint(text: str) -> str:
    if os.environ.get("NO_COLOR") or not sys.stderr.isatty():
        return text
    return click.style(text, fg="red", bold=True)
