"""What a collection is besides its documents: in the catalogue, and in a physical database."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bson import SON
from pymongo.operations import IndexModel

from argon.errors import UnsupportedOperation
from argon.io import Operation
from argon.models import CollectionRecord
from argon.wal.log import DEFAULT_SPACE

MARKER = "argon.migration"
"""What a migration writes to a physical database, and removes again."""
_SPACE_PREFIX = "space:"
NOT_OURS = re.compile(rf"^({_SPACE_PREFIX}.+:.|{re.escape(MARKER)}$|system\.views$)")
"""Collections of a physical database that are none of its branch's default space."""
_MODIFIABLE = ("validator", "validationLevel", "validationAction")
# What the server adds to the description of an index, or says in another way.
_NOT_OPTIONS = ("key", "name", "v", "ns", "textIndexVersion", "2dsphereIndexVersion")
_NO_PLACE_IN_THE_LOG = ("capped", "timeseries", "encryptedFields", "expireAfterSeconds")
_DEFAULTS_OF_TEXT = {"default_language": "english", "language_override": "language"}
_DEFAULTS_OF_COLLATION = {
    "caseLevel": False,
    "caseFirst": "off",
    "strength": 3,
    "numericOrdering": False,
    "alternate": "non-ignorable",
    "maxVariable": "punct",
    "normalization": False,
    "backwards": False,
}


@dataclass(frozen=True)
class Definition:
    """A collection without its documents.

    Attributes:
        space: Namespace within the branch.
        name: Its name there.
        options: As ``create_collection`` takes them.
        indexes: Those besides the one on ``_id``, as ``createIndexes`` takes them.
    """

    space: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    indexes: tuple[Mapping[str, Any], ...] = ()

    @property
    def is_view(self) -> bool:
        """Whether it has no documents of its own."""
        return "viewOn" in self.options

    @property
    def physical(self) -> str:
        """Its name in a physical database, which has no spaces."""
        return physical_name(self.space, self.name)

    @property
    def rules(self) -> dict[str, Any]:
        """The options that can be changed later."""
        return {key: value for key, value in self.options.items() if key in _MODIFIABLE}

    @property
    def nature(self) -> dict[str, Any]:
        """The options that cannot."""
        return {key: value for key, value in self.options.items() if key not in _MODIFIABLE}

    def index_models(self) -> list[IndexModel]:
        """Return the indexes as PyMongo takes them."""
        return [index_model(index) for index in self.indexes]


def index_model(index: Mapping[str, Any]) -> IndexModel:
    """Return an index as PyMongo takes it."""
    options = {key: value for key, value in index.items() if key != "key"}
    return IndexModel(list(index["key"].items()), **options)


def physical_name(space: str, name: str) -> str:
    """Return the name of a collection in a physical database."""
    return name if space == DEFAULT_SPACE else f"{_SPACE_PREFIX}{space}:{name}"


def logical_name(physical: str) -> tuple[str, str]:
    """Return the space and name that a physical collection stands for."""
    if physical.startswith(_SPACE_PREFIX):
        space, colon, name = physical.removeprefix(_SPACE_PREFIX).partition(":")
        if space and colon and name:
            return space, name
    return DEFAULT_SPACE, physical


def from_record(record: CollectionRecord) -> Definition:
    """Return what the catalogue holds of a collection."""
    indexes = [{"key": SON(index.key), "name": index.name, **index.options} for index in record.indexes]
    return Definition(record.space, record.name, dict(record.options), tuple(indexes))


def from_database(database: Any) -> Operation[list[Definition]]:
    """Describe the collections of a physical database, views last.

    Args:
        database: The database, of any of the drivers.
    """
    infos = yield database.command("listCollections", cursor={"batchSize": _ALL})
    found: list[Definition] = []
    for info in infos["cursor"]["firstBatch"]:
        if info["name"].startswith("system.") or info["name"] == MARKER:
            continue
        indexes: Iterable[Mapping[str, Any]] = ()
        if info["type"] == "collection":
            listed = yield database.command("listIndexes", info["name"], cursor={"batchSize": _ALL})
            indexes = [one for one in listed["cursor"]["firstBatch"] if list(one["key"]) != ["_id"]]
        options = {key: value for key, value in info["options"].items() if key != "uuid"}
        space, name = logical_name(info["name"])
        collation = options.get("collation")
        found.append(Definition(space, name, options, tuple(_given(index, collation) for index in indexes)))
    return sorted(found, key=lambda definition: definition.is_view)


_ALL = 100_000
"""Of a database's collections and a collection's indexes: the server has far fewer."""


def refuse_special(definitions: Iterable[Definition]) -> None:
    """Refuse collections that cannot be in the log.

    Raises:
        UnsupportedOperation: One of them is of such a kind; the message names it.
    """
    for definition in definitions:
        for option in _NO_PLACE_IN_THE_LOG:
            if definition.options.get(option):
                raise UnsupportedOperation(
                    f"the collection {definition.name!r} was made with {option!r}, which a branch in the log "
                    "does not have: copy its documents to an ordinary collection and drop it, then try again"
                )


def _given(index: Mapping[str, Any], collation: Mapping[str, Any] | None) -> dict[str, Any]:
    """Turn the server's description of an index into what it was made from."""
    key = dict(index["key"])
    options = {name: value for name, value in index.items() if name not in _NOT_OPTIONS}
    if "_fts" in key:
        weights = options.get("weights", {})
        fields = {"_fts": dict.fromkeys(weights, "text"), "_ftsx": {}}
        key = {
            name: kind for place, one in key.items() for name, kind in fields.get(place, {place: one}).items()
        }
        if all(weight == 1 for weight in weights.values()):
            options.pop("weights", None)
        for name, value in _DEFAULTS_OF_TEXT.items():
            if options.get(name) == value:
                del options[name]
    if collation is not None:
        # The collection's own comes by itself; to have none takes a word.
        own = options.pop("collation", {"locale": "simple"})
        if own != collation:
            options["collation"] = own
    return {"key": SON(key), "name": index["name"], **options}


def plain(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return options, or an index, without what goes without saying, so that two can be compared."""
    kept = {key: value for key, value in definition.items() if key != "background"}
    if isinstance(kept.get("key"), Mapping):
        kept["key"] = list(kept["key"].items())
    if isinstance(kept.get("collation"), Mapping):
        kept["collation"] = {
            key: value
            for key, value in kept["collation"].items()
            if key != "version" and _DEFAULTS_OF_COLLATION.get(key) != value
        }
    return kept
