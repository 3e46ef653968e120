"""Time limits of writes, ``maxTimeMS``: what has not landed when the time is up does not land."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from pymongo.errors import ExecutionTimeout

from argon.engine.source import NO_STORE
from argon.engine.specs import DeleteSpec, UpdateSpec
from argon.io import Operation

if TYPE_CHECKING:
    from argon.engine.engine import Engine

S = TypeVar("S", UpdateSpec, DeleteSpec)
_LONGEST = 2**31 - 1
_CODE = 50
_TEXT = "operation exceeded time limit"


class MaxTime:
    """When a write has to be done.

    Args:
        milliseconds: From now on; None and 0 for no limit.
    """

    def __init__(self, milliseconds: int | None) -> None:
        self._end = time.monotonic() + milliseconds / 1000 if milliseconds else None

    def remaining(self) -> int | None:
        """Return the milliseconds that are left for what is done next; None where there is no limit.

        Raises:
            ExecutionTimeout: There are none.
        """
        if self._end is None:
            return None
        left = math.ceil((self._end - time.monotonic()) * 1000)
        if left <= 0:
            details = {"ok": 0.0, "errmsg": _TEXT, "code": _CODE, "codeName": "MaxTimeMSExpired"}
            raise ExecutionTimeout(_TEXT, _CODE, details)
        return left

    def option(self) -> dict[str, Any]:
        """Return the same as a command's option."""
        left = self.remaining()
        return {} if left is None else {"maxTimeMS": left}

    def on(self, spec: S) -> S:
        """Return what is asked for, in the time that is left."""
        return spec if self._end is None else replace(spec, max_time_ms=self.remaining())


NO_LIMIT = MaxTime(None)


def max_time(engine: Engine, asked: Any) -> Operation[MaxTime]:
    """Return the limit that a write was given.

    Args:
        engine: The engine.
        asked: ``maxTimeMS``, as the user gave it; None for no limit.

    Raises:
        OperationFailure: It is no number of milliseconds; the server says so.
    """
    if asked is None:
        return NO_LIMIT
    valid = isinstance(asked, int | float) and not isinstance(asked, bool)
    if not valid or asked != int(asked) or not 0 <= asked <= _LONGEST:
        yield engine.plain.command({"count": NO_STORE, "maxTimeMS": asked})
    return MaxTime(int(asked))
