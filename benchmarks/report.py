"""The figures as a table for people and as JSON for machines."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.harness import Row
from benchmarks.stage import Stage


def table(rows: Sequence[Row]) -> Table:
    """Lay the rows out."""
    shown = Table(box=None, pad_edge=False)
    shown.add_column("work", no_wrap=True)
    for name in ("plain", "argon", "ratio", "must", "aim"):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("ok")
    for row in rows:
        sign = "≥" if row.more_is_better else "≤"
        unit = f" {row.unit}" if row.absolute else ""
        shown.add_row(
            row.work,
            "" if row.plain is None else f"{_number(row.plain)} {row.unit}",
            f"{_number(row.argon)} {row.unit}",
            "" if row.absolute else f"{row.figure:.2f}",
            "" if row.must is None else f"{sign} {row.must:g}{unit}",
            "" if row.aim is None else f"{row.aim:g}{unit}",
            _verdict(row),
        )
    return shown


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _verdict(row: Row) -> str:
    if row.must is None:
        return ""
    if not row.ok:
        return "[red]no[/red]"
    return "[green]yes, aim too[/green]" if row.aim is not None and row.reaches(row.aim) else "yes"


def as_json(stage: Stage, rows: Sequence[Row]) -> str:
    """Write the rows and what they were measured on."""
    about: dict[str, Any] = {
        "mongodb": stage.client.server_info()["version"],
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "documents": stage.size.documents,
    }
    figures = [
        {
            "work": row.work.strip(),
            "unit": row.unit,
            "plain": row.plain,
            "argon": row.argon,
            "figure": row.figure,
            "must": row.must,
            "aim": row.aim,
            "more_is_better": row.more_is_better,
            "ok": row.ok,
        }
        for row in rows
    ]
    return json.dumps({"measured_on": about, "rows": figures}, indent=2)


def show(stage: Stage, rows: Sequence[Row], *, machine: bool) -> None:
    """Print the report."""
    if machine:
        print(as_json(stage, rows))
        return
    console = Console()
    width = None if console.is_terminal else 120
    Console(width=width).print(table(rows))
