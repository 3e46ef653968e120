"""Document ids as MongoDB compares them.

MongoDB's numbers compare across types (1, 1.0, Int64(1) and Decimal128("1")
are one ``_id``), and an ObjectId is not its hex string. The server decides
what is a duplicate; this form serves to tell within a process whether two
changes are about the same document.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from bson import Binary, Code, ObjectId
from bson.datetime_ms import DatetimeMS
from bson.dbref import DBRef
from bson.decimal128 import Decimal128
from bson.regex import Regex


def id_key(value: Any) -> Hashable:
    """Return a hashable form that is equal for ids that MongoDB takes as one.

    Args:
        value: A BSON value.
    """
    if isinstance(value, Code):  # which is a str, too
        return ("code", str(value), None if value.scope is None else id_key(value.scope))
    if isinstance(value, ObjectId | str):
        return value
    if isinstance(value, bool) or value is None:
        return (type(value).__name__, value)
    if isinstance(value, int):
        return ("number", Decimal(value))
    if isinstance(value, float):
        return ("number", "nan" if math.isnan(value) else Decimal(value))
    if isinstance(value, Decimal128):
        number = value.to_decimal()
        return ("number", "nan" if number.is_nan() else number)
    if isinstance(value, bytes):
        return ("binary", value.subtype if isinstance(value, Binary) else 0, bytes(value))
    if isinstance(value, datetime | DatetimeMS):
        # A naive one is UTC, and BSON keeps milliseconds.
        return ("datetime", int(value if isinstance(value, DatetimeMS) else DatetimeMS(value)))
    if isinstance(value, Regex):
        return ("regex", value.pattern, value.flags)
    if isinstance(value, DBRef):
        value = value.as_doc()
    if isinstance(value, Mapping):
        return ("document", tuple((key, id_key(item)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return ("array", tuple(id_key(item) for item in value))
    return (type(value).__name__, value if isinstance(value, Hashable) else repr(value))
