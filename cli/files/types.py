"""What readers of files yield."""

from __future__ import annotations

from typing import Any

from argon_cli.failures import Failed

Document = dict[str, Any]


class BadDocument(Failed):
    """A document that cannot be read; the message says where and why."""


Item = Document | BadDocument


def as_document(value: Any) -> Document:
    """Return a value that is a document.

    Raises:
        BadDocument: It is a number, a list or the like.
    """
    if not isinstance(value, dict):
        raise BadDocument(f"a document is a JSON object {{…}}, not {str(value)[:20]!r}")
    return value
