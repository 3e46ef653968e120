"""A progress bar where somebody watches, and silence elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


def is_watched() -> bool:
    """Whether stderr is a terminal."""
    return sys.stderr.isatty()


@contextmanager
def progress(
    title: str, total: int | None = None, *, counted: str = "documents", in_bytes: bool = False
) -> Iterator[Callable[[int, int], None]]:
    """Show how far a long piece of work is, on stderr.

    Args:
        title: What is being done.
        total: Where it ends; None if that is not known.
        counted: What it is done to.
        in_bytes: The total is a number of bytes.

    Yields:
        A function to tell how far it is, and how many things have been done.
    """
    if not is_watched():
        yield lambda _done, _count: None
        return
    from rich import progress as bars
    from rich.console import Console

    columns: list[bars.ProgressColumn] = [
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        *([bars.DownloadColumn()] if in_bytes else []),
        bars.TextColumn(f"{{task.fields[count]:,}} {counted}"),
        bars.TimeElapsedColumn(),
    ]
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total, count=0)
        yield lambda done, count: bar.update(task, completed=done, count=count)


def watched(found: Iterable[T], title: str, counted: str = "differences") -> Iterator[T]:
    """Pass things on, and show how many there have been, unless they are printed on the terminal themselves.

    Args:
        found: The things.
        title: What is being done.
        counted: What they are.
    """
    if sys.stdout.isatty():
        yield from found
        return
    with progress(title, counted=counted) as tell:
        for number, each in enumerate(found, 1):
            tell(number, number)
            yield each


@contextmanager
def waiting(title: str) -> Iterator[None]:
    """Show on stderr that something is under way, where somebody watches.

    Args:
        title: What is being done.
    """
    if not is_watched():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(title):
        yield
