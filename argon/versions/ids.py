"""Document ids as MongoDB compares them.

MongoDB's numbers compare across types (1, 1.0, Int64(1) and Decimal128("1")
are one ``_id``), and an ObjectId is not its hex string. The server decides
what is a duplicate; this form serves to tell within a process whether two
changes are about the same document.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from decimal import Decimal
from typing import Any

from bson import ObjectId
from bson.decimal128 import Decimal128


def id_key(value: Any) -> Hashable:
    """Return a hashable form that is equal for ids that MongoDB takes as one.

    Args:
        value: A BSON value.
    """
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
    if isinstance(value, Mapping):
        return ("document", tuple((key, id_key(item)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return ("array", tuple(id_key(item) for item in value))
    return (type(value).__name__, value if isinstance(value, Hashable) else repr(value))
