"""A progress bar where somebody watches, and silence elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def is_watched() -> bool:
    """Whether stderr is a terminal."""
    return sys.stderr.isatty()


@contextmanager
def progress(title: str, total: int | None, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Show how far a long piece of work is, on stderr.

    Args:
        title: What is being done.
        total: Where it ends; None if that is not known.
        unit: ``bytes``, or the name of what is counted.

    Yields:
        A function to tell how far it is, and how many documents that makes.
    """
    if not is_watched():
        yield lambda _done, _documents: None
        return
    from rich import progress as bars
    from rich.console import Console

    amount: bars.ProgressColumn = bars.DownloadColumn() if unit == "bytes" else bars.MofNCompleteColumn()
    columns = [
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        amount,
        bars.TextColumn("{task.fields[documents]:,} documents"),
        bars.TimeElapsedColumn(),
    ]
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total, documents=0)
        yield lambda done, documents: bar.update(task, completed=done, documents=documents)
