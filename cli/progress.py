"""A progress bar where somebody watches, and silence elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from argon.merging.progress import MergeProgress, Watcher

T = TypeVar("T")


class Watch(NamedTuple):
    """What is told how far a piece of work is; None where nobody watches."""

    tell: Watcher | None
    stop: Callable[[], None]


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


@contextmanager
def merge_progress(title: str) -> Iterator[Watch]:
    """Show on stderr how far a comparison or a merge is, where somebody watches.

    Args:
        title: What is being done.

    Yields:
        What is to be told how far it is, and a function that ends the show earlier.
    """
    if not is_watched():
        yield Watch(None, lambda: None)
        return
    from rich import progress as bars
    from rich.console import Console

    columns = (
        bars.SpinnerColumn(),
        bars.TextColumn("{task.description}"),
        bars.TextColumn("{task.fields[counts]}"),
        bars.TimeElapsedColumn(),
    )
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None, counts="")
        yield Watch(lambda state: bar.update(task, counts=counts_shown(state)), bar.stop)


def counts_shown(state: MergeProgress) -> str:
    """Tell in words how far a comparison or a merge is."""
    if state.phase == "reading":
        return f"{state.entries:,} entries of the log read" if state.entries else ""
    text = f"{state.examined:,} documents compared, {state.changed:,} changed"
    return text if state.phase == "comparing" else f"{text}, {state.written:,} changes written"


def watched(make: Callable[..., Iterable[T]], title: str, *, printed: bool) -> Iterator[T]:
    """Pass differences on, and show how far it is until the first one is printed on the terminal.

    Args:
        make: Finds them, and takes ``progress``.
        title: What is being done.
        printed: Whether they are printed as they are found.
    """
    with merge_progress(title) as watch:
        for each in make(progress=watch.tell):
            if printed and sys.stdout.isatty():
                watch.stop()
            yield each
