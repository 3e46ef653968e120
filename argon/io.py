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

import asyncio
import inspect
import time
from collections.abc import Callable, Generator
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

Operation = Generator[Any, Any, T]


class Abandoned(BaseException):
    """Thrown into an operation whose event loop is gone.

    It is no GeneratorExit, since that would close the operations inside it from within (PEP 380), where
    a handler that makes a driver call is an error.
    """


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

    def protect(self, operation: Operation[Any]) -> Any:
        """Drive an operation to its end even if whoever waits for it is cancelled."""

    def call(self, function: Callable[[], T]) -> Any:
        """Call what may take long, without holding up anybody else (an awaitable in the async world)."""

    def loop(self) -> asyncio.AbstractEventLoop | None:
        """Return the event loop without which this operation does not go on, in the async world."""


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

    A cancellation surfaces at the ``yield`` that it meets, as Ctrl-C does in
    threads; what the operation then does to clean up is awaited.

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
                    value = await (_reply(value) if asyncio.isfuture(value) else value)
                except GeneratorExit:
                    _abandon(operation)
                    raise
                except BaseException as error:
                    value = operation.throw(error)
                    continue
            value = operation.send(value)
    except StopIteration as stop:
        result: T = stop.value
        return result


async def _reply(future: asyncio.Future[T]) -> T:
    """Await what runs on in a thread when it is cancelled, as Motor's calls do.

    What follows, the abort of a transaction for instance, must come after it.
    """
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if not future.done():
            await asyncio.wait([future])
        if not future.cancelled():
            future.exception()  # or the loop complains that nobody asked
        raise


def _abandon(operation: Operation[Any]) -> None:
    """End an operation whose event loop is gone, so that nothing can be awaited any more.

    Its handlers still run; the driver calls that they would make do not.
    """
    try:
        while True:
            value = operation.throw(Abandoned())
            if inspect.iscoroutine(value):
                value.close()
    except (Abandoned, StopIteration):
        return


class ThreadWorld:
    """The world of PyMongo's synchronous driver."""

    def sleep(self, seconds: float) -> None:
        """See :meth:`World.sleep`."""
        time.sleep(seconds)

    def signal(self) -> Signal:
        """See :meth:`World.signal`."""
        import threading

        return threading.Event()

    def protect(self, operation: Operation[T]) -> T:
        """See :meth:`World.protect`; nobody cancels a thread."""
        return run(operation)

    def call(self, function: Callable[[], T]) -> T:
        """See :meth:`World.call`."""
        return function()

    def loop(self) -> None:
        """See :meth:`World.loop`; a thread needs none."""
        return


class LoopWorld:
    """The world of an event loop: Motor's, and PyMongo's asynchronous driver's."""

    def sleep(self, seconds: float) -> Any:
        """See :meth:`World.sleep`."""
        return asyncio.sleep(seconds)

    def signal(self) -> Signal:
        """See :meth:`World.signal`."""
        return asyncio.Event()

    async def protect(self, operation: Operation[T]) -> T:
        """See :meth:`World.protect`."""
        task = asyncio.ensure_future(run_async(operation))
        task.add_done_callback(_heard)
        return await asyncio.shield(task)

    def call(self, function: Callable[[], T]) -> Any:
        """See :meth:`World.call`."""
        return asyncio.to_thread(function)

    def loop(self) -> asyncio.AbstractEventLoop:
        """See :meth:`World.loop`."""
        return asyncio.get_running_loop()


def _heard(task: asyncio.Future[Any]) -> None:
    """Take note of a task's error; whoever would have raised it may be gone."""
    if not task.cancelled():
        task.exception()
