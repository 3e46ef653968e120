"""Images of documents, before and after a change, for the events that show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bson import ObjectId

from argon.io import Operation
from argon.models import BranchRecord, CollectionRecord
from argon.models.entry import Operation as Kind
from argon.streams.errors import NO_MATCHING_DOCUMENT, refusal
from argon.streams.events import Entry, Event, Images, document_event, with_uuid, without_images
from argon.streams.lookup import collections_before, image_before
from argon.streams.scope import Scope
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
        # By branch and name; looked up anew after each definition.
        self._collections: dict[ObjectId, dict[tuple[str, str], CollectionRecord]] = {}

    def event(self, branch: BranchRecord, entry: Entry, project: str, scope: Scope) -> Operation[Event]:
        """Return the event of a change of a document, with what the stream shows of it.

        Args:
            branch: The branch.
            entry: The entry.
            project: The project's name.
            scope: What the stream is about.

        Raises:
            OperationFailure: An image is required, and there is none.
        """
        event = document_event((yield from self._complete(branch, entry)), project, self._images)
        if scope.expanded:
            event = with_uuid(event, (yield from self._collection(branch, entry)))
        return event if (yield from self._are_kept(branch, entry)) else without_images(event, self._images)

    def _complete(self, branch: BranchRecord, entry: Entry) -> Operation[Entry]:
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

    def _are_kept(self, branch: BranchRecord, entry: Entry) -> Operation[bool]:
        """Whether the images of a change are kept, by its collection's ``changeStreamPreAndPostImages``."""
        if not self._images.asked:
            return True
        record = yield from self._collection(branch, entry)
        return record is None or not _keeps_none(record.options)

    def _collection(self, branch: BranchRecord, entry: Entry) -> Operation[CollectionRecord | None]:
        """Return the collection in which a document was changed."""
        if branch.id not in self._collections:
            found = yield from collections_before(self._engine, branch, entry)
            self._collections[branch.id] = {(record.space, record.name): record for record in found}
        return self._collections[branch.id].get((entry.get("space") or DEFAULT_SPACE, entry["collection"]))

    def forget(self, branch: BranchRecord) -> None:
        """Take note that a branch's definitions have changed."""
        self._collections.pop(branch.id, None)


def _keeps_none(options: Mapping[str, Any]) -> bool:
    asked = options.get("changeStreamPreAndPostImages")
    return isinstance(asked, Mapping) and asked.get("enabled") is False
