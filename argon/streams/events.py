"""Entries of the log as MongoDB's change events.

One entry makes up to a few events, always the same ones in the same order, so
that a place between them can be named by a count. Which of them a stream shows
is for its :class:`~argon.streams.scope.Scope` to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bson import Binary, ObjectId, Timestamp
from bson.raw_bson import RawBSONDocument

from argon.models import CollectionRecord
from argon.models.collection import collection_uuid
from argon.models.entry import Operation as Kind
from argon.streams.difference import describe
from argon.streams.errors import NO_MATCHING_DOCUMENT, refusal
from argon.streams.scope import DROP_DATABASE, INVALIDATE
from argon.wal.log import DEFAULT_SPACE

_ID_INDEX = {"v": 2, "key": {"_id": 1}, "name": "_id_"}
_UUID = "collectionUUID"
_EXPANDED = frozenset({"create", "createIndexes", "dropIndexes", "modify"})
Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Images:
    """Which images of documents events carry, as ``watch()`` was asked.

    Attributes:
        full_document: ``default``, ``updateLookup``, ``whenAvailable`` or ``required``.
        before_change: ``off``, ``whenAvailable`` or ``required``.
    """

    full_document: str = "default"
    before_change: str = "off"

    @property
    def asked(self) -> bool:
        """Whether events carry images that a collection may be told not to keep."""
        return self.before_change != "off" or self.full_document in ("whenAvailable", "required")

    @property
    def looked_up(self) -> bool:
        """Whether updates show the document as it is when the event is read."""
        return self.full_document == "updateLookup"


@dataclass(frozen=True)
class Event:
    """A change event without the resume token.

    Attributes:
        kind: Its ``operationType``.
        body: Its fields.
        space: The namespace it happened in; None for the whole branch.
        names: The collections it is about.
        ends_all: Whether nothing can follow it on the branch.
        expanded: Whether it is told of only where ``show_expanded_events`` asks for it.
    """

    kind: str
    body: dict[str, Any] = field(default_factory=dict)
    space: str | None = None
    names: tuple[str, ...] = ()
    ends_all: bool = False
    expanded: bool = False


def cluster_time(entry: Entry) -> Timestamp:
    """Return an entry's time as events have it: seconds, and microseconds in place of the counter."""
    milliseconds = int(entry["timestamp"])
    micros = milliseconds % 1000 * 1000 + int(entry.get("micros", 0))
    return Timestamp(milliseconds // 1000, micros + 1)


def stamped(event: Event, entry: Entry, token: Mapping[str, Any]) -> dict[str, Any]:
    """Put an event together.

    Args:
        event: The event.
        entry: The entry that it comes from.
        token: Its resume token.
    """
    return {
        "_id": token,
        "operationType": event.kind,
        "clusterTime": cluster_time(entry),
        "wallTime": entry["timestamp"],
        **event.body,
    }


def with_uuid(event: Event, record: CollectionRecord | None) -> Event:
    """Return the event of a change of a document with what identifies its collection."""
    return event if record is None else _with_uuid(event, record.uuid)


def _with_uuid(event: Event, uuid: Binary) -> Event:
    return replace(event, body={_UUID: uuid, **event.body})


def document_event(entry: Entry, project: str, images: Images) -> Event:
    """Return the event of an insert, an update or a delete.

    Args:
        entry: The entry; the pre-image of an update must be in it.
        project: The project's name.
        images: What was asked for.
    """
    operation = entry["operation"]
    after: RawBSONDocument | None = entry.get("document")
    before: RawBSONDocument | None = entry.get("old_document")
    about = {
        "ns": _namespace(project, entry.get("space"), entry["collection"]),
        "documentKey": {"_id": entry["document_id"]},
    }
    body: dict[str, Any] = about
    if operation == Kind.INSERT:
        return _event("insert", entry, {"fullDocument": after, **about})
    if operation == Kind.DELETE:
        kind = "delete"
    else:
        description = None
        if before is not None and after is not None:
            description = describe(before, after, entry.get("touched"))
        kind = "replace" if description is None else "update"
        if description is None:
            body = {"fullDocument": after, **about}
        elif images.full_document == "default":
            body = {**about, "updateDescription": description}
        else:
            shown = None if images.looked_up else after
            body = {"fullDocument": shown, **about, "updateDescription": description}
    if images.before_change != "off":
        body = {**body, "fullDocumentBeforeChange": before}
    return _event(kind, entry, body)


def without_images(event: Event, images: Images) -> Event:
    """Return the event of a change of which a collection was told to keep no images.

    Args:
        event: The event.
        images: What was asked for.

    Raises:
        OperationFailure: An image is required.
    """
    withheld: dict[str, None] = {}
    for field_, wish, kinds, which in (
        ("fullDocument", images.full_document, ("update",), "post"),
        ("fullDocumentBeforeChange", images.before_change, ("update", "replace", "delete"), "pre"),
    ):
        if event.kind not in kinds or wish not in ("whenAvailable", "required"):
            continue
        if wish == "required":
            raise refusal(
                NO_MATCHING_DOCUMENT,
                f"Change stream was configured to require a {which}-image for all {' and '.join(kinds)} "
                f"events, but the {which}-image was not found for event: {event.body['documentKey']}, whose "
                "collection has changeStreamPreAndPostImages: {enabled: false}",
            )
        withheld[field_] = None
    return replace(event, body={**event.body, **withheld})


def catalogue_events(entry: Entry, project: str, dropped: ObjectId | None = None) -> list[Event]:
    """Return the events of a change of the catalogue.

    Args:
        entry: The entry.
        project: The project's name.
        dropped: The collection whose name another one took by this.
    """
    ns = _namespace(project, entry.get("space"), entry.get("collection"))
    made = _catalogue_events(entry, project, ns, dropped)
    if not made or (entry.get("document") or entry.get("old_document") or {}).get("kind") == "view":
        return made
    uuid = collection_uuid(entry["document_id"])
    return [event if event.kind == INVALIDATE else _with_uuid(event, uuid) for event in made]


def _catalogue_events(
    entry: Entry, project: str, ns: dict[str, Any], dropped: ObjectId | None
) -> list[Event]:
    match entry["operation"]:
        case Kind.CREATE_COLLECTION:
            return _created(entry, ns)
        case Kind.DROP_COLLECTION:
            view = (entry.get("old_document") or {}).get("kind") == "view"
            drop = _event("drop", entry, {"ns": ns})
            return [replace(drop, expanded=view), _event(INVALIDATE, entry, {})]
        case Kind.RENAME_COLLECTION:
            target = entry["document"]["name"]
            to = _namespace(project, entry.get("space"), target)
            target_uuid = {} if dropped is None else {"dropTarget": collection_uuid(dropped)}
            body = {"to": to, "ns": ns, "operationDescription": {"to": to, **target_uuid}}
            return [_event("rename", entry, body, target), _event(INVALIDATE, entry, {}, target)]
        case Kind.CREATE_INDEX:
            added = _difference(entry["document"], entry.get("old_document"))
            return [_event("createIndexes", entry, _about_indexes(ns, added))]
        case Kind.DROP_INDEX:
            removed = _difference(entry.get("old_document") or {}, entry["document"])
            return [_event("dropIndexes", entry, _about_indexes(ns, [index])) for index in removed]
        case Kind.MODIFY_COLLECTION:
            return [_modified(entry, ns)]
    return []


def deletion_events(project: str, collections: Iterable[CollectionRecord]) -> list[Event]:
    """Return the events of the end of a branch, which is to its users the end of a database.

    Args:
        project: The project's name.
        collections: What the branch had.
    """
    drops = [
        with_uuid(
            Event(
                "drop", {"ns": _namespace(project, record.space, record.name)}, record.space, (record.name,)
            ),
            record,
        )
        for record in collections
        if record.kind == "collection"
    ]
    return [*drops, Event(DROP_DATABASE, {"ns": {"db": project}}), Event(INVALIDATE, ends_all=True)]


def for_scope(event: Event, *, expanded: bool) -> Event:
    """Leave out of an event what only expanded ones have."""
    left_out = () if expanded else (_UUID, *(["operationDescription"] if event.kind == "rename" else []))
    if not any(name in event.body for name in left_out):
        return event
    return replace(event, body={name: value for name, value in event.body.items() if name not in left_out})


def _namespace(project: str, space: str | None, collection: str | None) -> dict[str, Any]:
    """Return the ``ns`` of an event, which names the space where that is not the default one."""
    ns = {"db": project, "coll": collection}
    return ns if space in (None, DEFAULT_SPACE) else {**ns, "space": space}


def _event(kind: str, entry: Entry, body: dict[str, Any], *names: str) -> Event:
    space = entry.get("space") or DEFAULT_SPACE
    return Event(kind, body, space, (entry["collection"], *names), expanded=kind in _EXPANDED)


def _created(entry: Entry, ns: dict[str, Any]) -> list[Event]:
    record = entry["document"]
    options = dict(record.get("options") or {})
    if record.get("kind") != "view" and "clusteredIndex" not in options:
        options["idIndex"] = _ID_INDEX
    events = [_event("create", entry, {"ns": ns, "operationDescription": options})]
    if record.get("indexes"):
        events.append(_event("createIndexes", entry, _about_indexes(ns, _difference(record, None))))
    return events


def _modified(entry: Entry, ns: dict[str, Any]) -> Event:
    old, new = entry.get("old_document") or {}, entry["document"]
    before, after = dict(old.get("options") or {}), dict(new.get("options") or {})
    changed: dict[str, Any] = {name: value for name, value in after.items() if before.get(name) != value}
    changed_indexes = [index for index in new.get("indexes") or () if index not in (old.get("indexes") or ())]
    for index in changed_indexes:
        changed["index"] = {"name": index["name"], **index["options"]}
    body = {
        "ns": ns,
        "operationDescription": changed,
        "stateBeforeChange": {"collectionOptions": before},
    }
    return _event("modify", entry, body)


def _about_indexes(ns: dict[str, Any], indexes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    described = [
        {"v": 2, **index["options"], "key": dict(index["key"]), "name": index["name"]} for index in indexes
    ]
    return {"ns": ns, "operationDescription": {"indexes": described}}


def _difference(record: Mapping[str, Any], other: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Return the indexes that one record of a collection has and another has not."""
    names = {index["name"] for index in (other or {}).get("indexes") or ()}
    return [index for index in record.get("indexes") or () if index["name"] not in names]
