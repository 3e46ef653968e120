"""Flags kept in the database, where every process sees them.

One document a flag: ``{_id: "wal_enabled", value: true}``, with a rollout as a
sub-document.
"""

from __future__ import annotations

from typing import Any

from argon.errors import InvalidSettings
from argon.features.flags import FLAGS, FlagValue, check_flag_name, check_flag_value
from argon.features.rollout import Rollout
from argon.io import Operation


def load_stored(collection: Any) -> Operation[dict[str, FlagValue]]:
    """Read the stored flags.

    Args:
        collection: The collection ``features``, of any of the drivers.

    Returns:
        The values by flag, for ``Flags.with_stored``. A flag that this version
        does not know was set by a newer one and is left out.

    Raises:
        InvalidSettings: A value was stored that no flag can have.
    """
    documents = yield collection.find({}).to_list(None)
    return {
        document["_id"]: _check_stored(document["_id"], document.get("value"))
        for document in documents
        if document["_id"] in FLAGS
    }


def store_flag(collection: Any, flag: str, value: FlagValue) -> Operation[None]:
    """Set a flag for every process.

    Args:
        collection: The collection ``features``, of any of the drivers.
        flag: The flag's name.
        value: A boolean or a rollout.

    Raises:
        InvalidSettings: There is no such flag, or it cannot have this value.
    """
    check_flag_name(flag)
    checked = check_flag_value(flag, value, "the arguments")
    stored = checked.as_document() if isinstance(checked, Rollout) else checked
    yield collection.replace_one({"_id": flag}, {"value": stored}, upsert=True)


def unset_flag(collection: Any, flag: str) -> Operation[bool]:
    """Forget the stored value of a flag, so that the file or the default counts.

    Args:
        collection: The collection ``features``, of any of the drivers.
        flag: The flag's name.

    Returns:
        Whether a value was stored.

    Raises:
        InvalidSettings: There is no such flag.
    """
    check_flag_name(flag)
    result = yield collection.delete_one({"_id": flag})
    return bool(result.deleted_count)


def _check_stored(flag: str, value: Any) -> FlagValue:
    try:
        return check_flag_value(flag, value, "the database")
    except InvalidSettings as error:
        raise InvalidSettings(f"{error}; mend it with 'argon features set {flag} true'") from None
