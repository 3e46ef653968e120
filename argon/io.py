"""Operations written once, run in two worlds.

An *operation* is a generator that yields the result of every driver call it
makes and receives the value of that call::

    def find_row(rows, key) -> Operation[Row | None]:
        row = yield rows.find_one(key)
        return row

On PyMongo's synchronous classes the call has already happened when its value
is yielded, and :func:`run` hands it straight back. On Motor or PyMongo's
AsyncMongoClient the yielded value is an awaitable, which :func:`run_async`
awaits, so an exception surfaces at the same ``yield`` in both worlds. What
the worlds do not share (sleeping, waiting for another writer) is behind
:class:`World`.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Generator
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

Operation = Generator[Any, Any, T]


class Signal(Protocol):
    """A one-shot event that one operation waits for and another one sets."""

    def set(self) -> None:
        """Wake whoever waits; callable from the same world only."""

    def wait(self) -> Any:
        """Return once :meth:`set` was called (an awaitable in the async world)."""


class World(Protocol):
    """What differs between threads and an event loop."""

    def sleep(self, seconds: float) -> Any:
        """Pause this operation only."""

    def signal(self) -> Signal:
        """Make a fresh, unset signal."""


def run(operation: Operation[T]) -> T:
    """Drive an operation whose driver calls are synchronous.

    Args:
        operation: The generator to drive to its end.

    Returns:
        What the operation returns.
    """
    value: Any = None
    try:
        while True:
            value = operation.send(value)
    except StopIteration as stop:
        result: T = stop.value
        return result


async def run_async(operation: Operation[T]) -> T:
    """Drive an operation whose driver calls return awaitables.

    Args:
        operation: The generator to drive to its end.

    Returns:
        What the operation returns.
    """
    try:
        value = operation.send(None)
        while True:
            if inspect.isawaitable(value):
                try:
                    value = await value
                except BaseException as error:
                    value = operation.throw(error)
                    continue
            value = operation.send(value)
    except StopIteration as stop:
        result: T = stop.value
        return result


class ThreadWorld:
    """The world of PyMongo's synchronous driver."""

    def sleep(self, seconds: float) -> None:
        """See :meth:`World.sleep`."""
        time.sleep(seconds)

    def signal(self) -> Signal:
        """See :meth:`World.signal`."""
        import threading

        return threading.Event()
