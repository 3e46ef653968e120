"""The server's own errors about change streams."""

from __future__ import annotations

from pymongo.errors import OperationFailure

from argon.engine.errors import command_error

TYPE_MISMATCH = (14, "TypeMismatch")
NO_MATCHING_DOCUMENT = (47, "NoMatchingDocument")
INVALID_RESUME_TOKEN = (260, "InvalidResumeToken")
NOT_IN_TRANSACTION = (263, "OperationNotSupportedInTransaction")
FATAL = (280, "ChangeStreamFatalError")
HISTORY_LOST = (286, "ChangeStreamHistoryLost")


def refusal(kind: tuple[int, str], text: str) -> OperationFailure:
    """Build an error that ends a stream, or keeps it from beginning.

    Args:
        kind: The server's code and its name.
        text: What is wrong.
    """
    code, name = kind
    return command_error(
        {"code": code, "codeName": name, "errmsg": text, "errorLabels": ["NonResumableChangeStreamError"]}
    )


def unnamed(code: int) -> tuple[int, str]:
    """Return a code that the server has no name for."""
    return code, f"Location{code}"
