"""A pre-image that an entry tells by its changed fields is the same, byte for byte."""

from __future__ import annotations

from typing import Any

import bson
from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.raw_bson import RawBSONDocument
from hypothesis import given, settings
from hypothesis import strategies as st

from argon.versions.elements import elements
from argon.wal.images import old_fields, pre_image

VALUES = st.sampled_from(
    [
        1, 1.0, Int64(1), Decimal128("1"), True, None, "", "text", "ü",
        b"x", Binary(b"y", 5), Binary(b"old", 2),
        ObjectId(b"twelve bytes"), Timestamp(1, 2), MinKey(), MaxKey(), Regex("a.b", "i"),
        Code("f()"),
        Code("f()", {"a": 1}), DBRef("c", 1), {}, {"a": {"b": [1, "x"]}}, [], [1, [2], {"z": 0}],
    ]
)  # fmt: skip
NAMES = st.sampled_from(["a", "b", "c", "ä", "", "d.e", "$f"])
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=6)


def _raw(document: dict[str, Any]) -> RawBSONDocument:
    return RawBSONDocument(bson.encode({"_id": 1, **document, "padding": "x" * 200}))


@given(before=DOCUMENTS, changes=DOCUMENTS, whole=st.booleans())
@settings(max_examples=300, deadline=None)
def test_images_come_back_as_they_were(before: dict[str, Any], changes: dict[str, Any], whole: bool) -> None:
    after = changes if whole else {key: changes.get(key, value) for key, value in before.items()}
    old, new = _raw(before), _raw(after)
    fields = old_fields(elements(old.raw), elements(new.raw))
    if list(before) != list(after):
        assert fields is None
    entry: dict[str, Any] = {"document": new}
    entry |= {"old_document": old} if fields is None else {"old_fields": fields}
    found = pre_image(entry)
    assert found is not None
    assert found.raw == old.raw


def test_a_document_that_changed_in_most_is_kept_whole() -> None:
    before = RawBSONDocument(bson.encode({"_id": 1, "a": "x" * 100}))
    after = RawBSONDocument(bson.encode({"_id": 1, "a": "y" * 100}))
    assert old_fields(elements(before.raw), elements(after.raw)) is None
