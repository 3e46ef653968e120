"""The place of a document inside its row, and what counts as an ordinary path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

import bson
from bson.raw_bson import RawBSONDocument

DOCUMENT = "d"
"""The field of a row that holds the user's document."""

REPLACE_ROOT: dict[str, Any] = {"$replaceRoot": {"newRoot": f"${DOCUMENT}"}}
"""The stage after which a pipeline sees documents in place of rows."""


_OF_REFERENCES = frozenset({"$ref", "$id", "$db"})


class CannotRewrite(Exception):
    """This part of a query has no equivalent on rows; evaluate it on the document.

    An answer to the caller and not a failure: it never reaches a user.
    """


def is_ordinary_path(path: object) -> TypeGuard[str]:
    """Tell whether a path has only named components.

    Args:
        path: What a user wrote where MongoDB expects a dotted path.

    Returns:
        False for anything but a string, for empty components (``""``,
        ``"a..b"``) and for components that begin with ``$``: the server gives
        these a meaning, or an error, that depends on where they stand. Only
        the fields of a DBRef below another field are fields everywhere.
    """
    if not isinstance(path, str):
        return False
    first, *rest = path.split(".")
    return is_ordinary_name(first) and all(part in _OF_REFERENCES or is_ordinary_name(part) for part in rest)


def is_ordinary_name(name: str) -> bool:
    """Tell whether a component of a path names a field, wherever it stands."""
    return bool(name) and name[0] != "$"


def prefix_path(path: str) -> str:
    """Turn a path in a document into the path in its row."""
    return f"{DOCUMENT}.{path}"


def has_duplicate_keys(document: Mapping[str, Any]) -> bool:
    """Tell whether raw BSON repeats a key, which a Mapping's items would hide.

    Args:
        document: Any mapping; only a RawBSONDocument can repeat a key.

    Returns:
        True if encoding the items anew would lose something.
    """
    return isinstance(document, RawBSONDocument) and len(bson.encode(dict(document))) != len(document.raw)
