"""Which space a database handle is in, for the thread or task that asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")

_Block = tuple[object, str]
_blocks: ContextVar[tuple[_Block, ...]] = ContextVar("blocks of spaces", default=())
"""The open blocks, each with its handle and space; the innermost is the last."""


def current_space(handle: object, own: str) -> str:
    """Return the space that a handle is in.

    Args:
        handle: The database handle.
        own: Where it is outside of any block.
    """
    for of, space in reversed(_blocks.get()):
        if of is handle:
            return space
    return own


@contextmanager
def entered(handle: object, value: T, space: str) -> Iterator[T]:
    """Put a handle into a space for a block.

    Args:
        handle: The database handle.
        value: What the ``with`` statement gives.
        space: The space.
    """
    block = (handle, space)
    _blocks.set((*_blocks.get(), block))
    try:
        yield value
    finally:
        # Not by the variable's token: blocks of generators may end in another order, or another context.
        _blocks.set(tuple(each for each in _blocks.get() if each is not block))
