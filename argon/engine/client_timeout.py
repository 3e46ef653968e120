"""The client's ``timeoutMS``: all that one call of the user's does shares the time, as PyMongo's calls do."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from argon.engine.handle import Handle
from argon.io import Operation
from argon.wire.timeouts import Limit, current, impose

P = ParamSpec("P")
T = TypeVar("T")


def in_time(
    operation: Callable[Concatenate[Handle, P], Operation[T]],
) -> Callable[Concatenate[Handle, P], Operation[T]]:
    """Give an operation on a handle the client's time, unless something around it has a limit."""

    @wraps(operation)
    def timed(handle: Handle, /, *args: P.args, **kwargs: P.kwargs) -> Operation[T]:
        begun = operation(handle, *args, **kwargs)
        seconds = handle.line.engine.timeout
        if seconds is None or current() is not None:
            return begun
        return _within(seconds, begun)

    return timed


def _within(seconds: float, operation: Operation[T]) -> Operation[T]:
    # Not the driver's own context: what is abandoned may be closed in another one than it began in.
    impose(Limit(time.monotonic() + seconds, seconds))
    try:
        return (yield from operation)
    finally:
        impose(None)
