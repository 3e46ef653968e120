"""The Python in the documents runs, as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from argon import Argon

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = [
    pytest.param(code, id=f"{page.name}-{number}")
    for page in PAGES
    for number, code in enumerate(
        re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    )
]


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_runs(
    code: str, mongod_uri: str, argon: Argon, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ARGON_MONGODB_URI", mongod_uri)
    monkeypatch.setenv("ARGON_DATABASE", argon.database)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "<example>", "exec"), {})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (page.parent / link).exists(), link
