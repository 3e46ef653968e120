"""What docs/architecture.md says of the folders is so: each imports only from those below it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FACE = "argon/__init__"
"""What hands names on, and belongs to no layer."""


def layers() -> dict[str, int]:
    """Return the height of each folder or module of the table; those of one row may import each other."""
    begin = TABLE.index("| folder, from the top down")
    rows = TABLE[begin : TABLE.index("\n\n", begin)].splitlines()[2:]
    names = [re.findall(r"`([\w/]+)`", row.split("|")[1]) for row in rows]
    return {name: -depth for depth, row in enumerate(names) for name in row}


def place_of(module: str) -> str:
    """Return the folder or module of the table that a module is in."""
    parts = module.replace("argon_cli", "cli").split(".")
    return parts[0] if parts[0] == "cli" else "/".join(parts[:2])


def imported(path: Path) -> Iterator[str]:
    """Name the modules that a file imports when it is loaded."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:  # neither in functions nor for types alone
        if isinstance(node, ast.ImportFrom):
            whole = node.module or ""
            # `from argon import io` imports a module, `from argon import Argon` what stands for all of them.
            yield from (f"argon.{name.name}" for name in node.names) if whole == "argon" else [whole]
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def test_each_folder_imports_only_from_those_below_it() -> None:
    heights = layers()
    paths = [path for folder in ("argon", "cli") for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(paths) > 100
    upwards, met = [], set()
    for path in paths:
        where = path.relative_to(ROOT).with_suffix("")
        here = place_of(".".join(where.parts))
        if str(where) == FACE:
            continue
        met.add(here)
        assert here in heights, f"{here} is not in the table of docs/architecture.md"
        for module in imported(path):
            there = place_of(module)
            if there in heights and heights[there] > heights[here]:
                upwards.append(f"{where} imports {module}")
    assert not upwards
    assert met == set(heights), "the table names what is not there"
