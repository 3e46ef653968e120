"""Images of documents, before and after a change, for the events that show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bson import ObjectId

from argon.io import Operation
from argon.models import BranchRecord
from argon.models.entry import Operation as Kind
from argon.streams.errors import NO_MATCHING_DOCUMENT, refusal
from argon.streams.events import Entry, Images
from argon.streams.lookup import collections_before, image_before
from argon.wal.images import pre_image
from argon.wal.log import DEFAULT_SPACE

if TYPE_CHECKING:
    from argon.engine.engine import Engine


class KeptImages:
    """What a stream may show of documents: the log has every image, unless a collection keeps none.

    Args:
        engine: The engine.
        images: What the stream was asked for.
    """

    def __init__(self, engine: Engine, images: Images) -> None:
        self._engine = engine
        self._images = images
        # By branch, the collections that keep none; looked up anew after each definition.
        self._without: dict[ObjectId, set[tuple[str, str]]] = {}

    def complete(self, branch: BranchRecord, entry: Entry) -> Operation[Entry]:
        """Complete an entry whose pre-image did not fit in it.

        Raises:
            OperationFailure: The image is required, and its version is gone.
        """
        wanted = entry["operation"] == Kind.UPDATE or self._images.before_change != "off"
        if entry["operation"] == Kind.INSERT or not wanted or "old_document" in entry:
            return entry
        if "old_fields" in entry:
            return {**entry, "old_document": pre_image(entry)}
        image = yield from image_before(self._engine, branch, entry)
        if image is None and self._images.before_change == "required":
            raise refusal(
                NO_MATCHING_DOCUMENT,
                "Change stream was configured to require a pre-image for all update, delete and replace "
                f"events, but the pre-image was not found for LSN {entry['lsn']}",
            )
        return {**entry, "old_document": image}

    def are_kept(self, branch: BranchRecord, entry: Entry) -> Operation[bool]:
        """Whether the images of a change are kept, by its collection's ``changeStreamPreAndPostImages``."""
        if not self._images.asked:
            return True
        if branch.id not in self._without:
            collections = yield from collections_before(self._engine, branch, entry)
            self._without[branch.id] = {
                (record.space, record.name) for record in collections if _keeps_none(record.options)
            }
        return (entry.get("space") or DEFAULT_SPACE, entry["collection"]) not in self._without[branch.id]

    def forget(self, branch: BranchRecord) -> None:
        """Take note that a branch's definitions have changed."""
        self._without.pop(branch.id, None)


def _keeps_none(options: Mapping[str, Any]) -> bool:
    asked = options.get("changeStreamPreAndPostImages")
    return isinstance(asked, Mapping) and asked.get("enabled") is False
