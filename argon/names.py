"""The rules for names, in one place.

=================  ====================================================
project, branch    ``[A-Za-z0-9_][A-Za-z0-9._/-]{0,127}`` without ``..``
tag                the same, and not to be read as an LSN, a time or an age
space              ``[a-z][a-z0-9_-]{0,63}``
collection         PyMongo's rules, with PyMongo's messages
=================  ====================================================

``@`` is in none of them, so ``project@branch`` and ``branch@POINT`` can be
taken apart. Every check returns the name it was given.
"""

from __future__ import annotations

import re

from pymongo.errors import OperationFailure

from argon.errors import InvalidName

LONGEST_NAME = 128
"""Characters in the name of a project, a branch or a tag."""
_REF = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9._/-]{{0,{LONGEST_NAME - 1}}}")
_REF_RULE = (
    "1 to 128 characters out of A-Z a-z 0-9 . _ / -, "
    "the first a letter, a digit or '_', with no '..' and no '@'"
)
_PATTERN = re.compile(r"[A-Za-z0-9._/*?\[\]!-]{1,128}")
_PATTERN_RULE = "1 to 128 characters out of A-Z a-z 0-9 . _ / - and * ? [ ] !, such as 'release/*'"
_SPACE = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_SPACE_RULE = "1 to 64 characters out of a-z 0-9 _ -, the first a letter"
_DATABASE = re.compile(r"[^/\\. \"$*<>:|?\x00]+")
_DATABASE_RULE = '1 to 63 bytes without space and any of / \\ . " $ * < > : | ?'
_LONGEST_DATABASE = 63
_MONGODB_DATABASES = ("admin", "config", "local")
_LONGEST_NAMESPACE = 255  # bytes of database.collection
_WRITABLE_SYSTEM = ("system.js",)

SYSTEM_SPACES = "_system_"
"""How the names of Argon's own spaces begin, which users neither use nor see."""

LSN_TEXT = re.compile(r"[0-9]+")
"""Text that is read as an LSN."""

AGO_TEXT = re.compile(r"([0-9]+(?:\.[0-9]{1,6})?)s|([0-9]+)([mhdw])")
"""Text that is read as an age: ``90s``, ``15m``, ``2h``, ``3d``, ``1w``."""

TIME_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ][0-9].*)?")
"""Text that is meant as a time, well-formed or not (``2026-11-21-nightly`` is a tag)."""


def check_project_name(name: str) -> str:
    """Check the name of a project.

    Args:
        name: The name to check.

    Returns:
        The name itself.

    Raises:
        InvalidName: The name breaks the rule that the message states.
        TypeError: The name is no string.
    """
    return _check_ref("project", name)


def check_branch_name(name: str) -> str:
    """Check the name of a branch.

    Args:
        name: The name to check.

    Returns:
        The name itself.

    Raises:
        InvalidName: The name breaks the rule that the message states.
        TypeError: The name is no string.
    """
    return _check_ref("branch", name)


def check_branch_pattern(pattern: str) -> str:
    """Check a pattern of names of branches, as a shell has them.

    Args:
        pattern: The pattern to check.

    Returns:
        The pattern itself.

    Raises:
        InvalidName: No branch can have a name that it matches, by the characters in it.
        TypeError: The pattern is no string.
    """
    _check_str("pattern", pattern)
    if not _PATTERN.fullmatch(pattern):
        raise InvalidName(f"invalid pattern {pattern!r}: a pattern of branches is {_PATTERN_RULE}")
    return pattern


def check_tag_name(name: str) -> str:
    """Check the name of a tag, which must not read as another kind of point.

    Args:
        name: The name to check.

    Returns:
        The name itself.

    Raises:
        InvalidName: The name breaks the rule that the message states.
        TypeError: The name is no string.
    """
    _check_ref("tag", name)
    for pattern, meaning in ((LSN_TEXT, "an LSN"), (AGO_TEXT, "an age"), (TIME_TEXT, "a time")):
        if pattern.fullmatch(name):
            raise InvalidName(f"invalid tag name {name!r}: it would be read as {meaning}; try 'v{name}'")
    return name


def check_space_name(name: str) -> str:
    """Check the name of a space.

    Args:
        name: The name to check.

    Returns:
        The name itself.

    Raises:
        InvalidName: The name breaks the rule that the message states.
        TypeError: The name is no string.
    """
    _check_str("space", name)
    if name.startswith(SYSTEM_SPACES):
        raise InvalidName(f"invalid space name {name!r}: '{SYSTEM_SPACES}…' are Argon's own spaces")
    if not _SPACE.fullmatch(name):
        raise InvalidName(f"invalid space name {name!r}: a space name is {_SPACE_RULE}")
    return name


def check_database_name(name: str) -> str:
    """Check the name of the MongoDB database that Argon keeps everything in.

    The rule is in the manual's "MongoDB Limits and Thresholds", section
    "Naming Restrictions", for all platforms.

    Args:
        name: The name to check.

    Returns:
        The name itself.

    Raises:
        InvalidName: The name breaks the rule that the message states.
        TypeError: The name is no string.
    """
    _check_str("database", name)
    if name in _MONGODB_DATABASES:
        raise InvalidName(f"invalid database name {name!r}: that database is MongoDB's own")
    if not _DATABASE.fullmatch(name) or len(name.encode()) > _LONGEST_DATABASE:
        raise InvalidName(f"invalid database name {name!r}: a database name is {_DATABASE_RULE}")
    return name


def check_collection_name(name: str) -> str:
    """Check the name of a collection as ``pymongo.collection.Collection`` does.

    What the server refuses only when it would make the collection is left to
    :func:`check_new_collection_name`: reading such a collection is no error.

    Args:
        name: The name to check.

    Returns:
        The name itself.

    Raises:
        InvalidName: The name breaks the rule that the message states; it is
            also PyMongo's ``InvalidName``.
        TypeError: The name is no string.
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be an instance of str, not {type(name)}")
    if not name or ".." in name:
        raise InvalidName("collection names cannot be empty")
    if "$" in name and not name.startswith(("oplog.$main", "$cmd")):
        raise InvalidName(f"collection names must not contain '$': {name!r}")
    if name[0] == "." or name[-1] == ".":
        raise InvalidName(f"collection names must not start or end with '.': {name!r}")
    if "\x00" in name:
        raise InvalidName("collection names must not contain the null character")
    return name


def check_new_collection_name(database: str, name: str) -> str:
    """Check the name of a collection about to be made, as MongoDB's server does.

    The rule is in the manual's "MongoDB Limits and Thresholds", section
    "Naming Restrictions".

    Args:
        database: The name of the database that the user sees (the project).
        name: A name that :func:`check_collection_name` let pass.

    Returns:
        The name itself.

    Raises:
        OperationFailure: Code 73, InvalidNamespace, with the server's words.
    """
    namespace = f"{database}.{name}"
    if "$" in name:
        message = f"Invalid collection name: {name}"
    elif name.startswith("system.") and name not in _WRITABLE_SYSTEM:
        message = f"Invalid system namespace: {namespace}"
    elif len(namespace.encode()) > _LONGEST_NAMESPACE:
        message = f"Fully qualified namespace is too long. Namespace: {namespace} Max: {_LONGEST_NAMESPACE}"
    else:
        return name
    details = {"ok": 0.0, "errmsg": message, "code": 73, "codeName": "InvalidNamespace"}
    raise OperationFailure(message, 73, details)


def parse_target(text: str) -> tuple[str, str | None]:
    """Take ``project`` or ``project@branch`` apart.

    Args:
        text: What the user wrote.

    Returns:
        The project and the branch, which is None where none was named.

    Raises:
        InvalidName: One of the two names breaks its rule.
        TypeError: The text is no string.
    """
    _check_str("target", text)
    project, at, branch = text.partition("@")
    return check_project_name(project), check_branch_name(branch) if at else None


def _check_ref(kind: str, name: str) -> str:
    _check_str(kind, name)
    if not _REF.fullmatch(name) or ".." in name:
        raise InvalidName(f"invalid {kind} name {name!r}: a {kind} name is {_REF_RULE}")
    return name


def _check_str(kind: str, name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"a {kind} name must be a str, not {type(name).__name__}: {name!r}")
