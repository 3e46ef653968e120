"""Plans of merges by name, kept with the branch, or in files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from argon_cli.extjson import BadExtendedJSON, parse
from argon_cli.output import to_json

if TYPE_CHECKING:
    from argon import Branch
    from argon.merging.plan import MergePlan

_SUFFIX = ".json"


def storable(plan: MergePlan) -> dict[str, Any]:
    """Return what ``--plan`` takes."""
    return plan.as_document()


def write_plan(branch: Branch, where: str, plan: MergePlan) -> None:
    """Store a plan under a name, or in a file."""
    if not where.endswith(_SUFFIX):
        branch.save_plan(where, plan)
        return
    text = json.dumps(json.loads(to_json(storable(plan))), indent=2, ensure_ascii=False)
    Path(where).write_text(f"{text}\n", encoding="utf-8")


def read_plan(branch: Branch, where: str) -> MergePlan:
    """Read a plan by its name or from a file, as ``--save`` or ``--preview -o json`` wrote it.

    Raises:
        click.UsageError: The file holds no plan.
    """
    from argon.merging.plan import MergePlan

    if not where.endswith(_SUFFIX):
        return branch.plan(where)
    try:
        document = parse(Path(where).read_text(encoding="utf-8"))
        return MergePlan.from_document(document.get("plan", document))
    except (BadExtendedJSON, UnicodeDecodeError, AttributeError, KeyError, TypeError) as error:
        raise click.UsageError(
            f"{where} holds no plan of a merge: 'argon merge SOURCE --preview --save {where}' writes one"
        ) from error
