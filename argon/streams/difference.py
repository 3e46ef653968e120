"""What an update did to a document, told as MongoDB's change events tell it.

Where the log knows which fields the update named, those are looked at: a
field that an operator set stands whole, however little of it changed. Where it
does not (pipelines, merges), the images are compared, and the difference is
used if it is smaller than the document; otherwise the event is a replacement.
Both are the server's rules, and the tests hold them against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument

EXACT: CodecOptions[Any] = CodecOptions(
    document_class=RawBSONDocument, datetime_conversion=DatetimeConversion.DATETIME_MS
)
"""Decodes values such that they can be encoded again without loss."""
_ENVELOPE = 15
"""Bytes by which the server takes a difference to be larger than itself."""


@dataclass
class _Description:
    updated: dict[str, Any] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    truncated: list[dict[str, Any]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.updated or self.removed or self.truncated)

    def document(self) -> dict[str, Any]:
        return {
            "updatedFields": self.updated,
            "removedFields": self.removed,
            "truncatedArrays": self.truncated,
        }


def describe(
    before: RawBSONDocument, after: RawBSONDocument, touched: Sequence[str] | None
) -> dict[str, Any] | None:
    """Return an update event's ``updateDescription``.

    Args:
        before: The pre-image.
        after: The post-image.
        touched: The fields that the update named, if they are known
            (see :mod:`argon.rewrite.touched`).

    Returns:
        The description, or None if the document was replaced.
    """
    if touched is not None and "" in touched:
        return None
    before, after = RawBSONDocument(before.raw, EXACT), RawBSONDocument(after.raw, EXACT)
    description = _Description()
    for path in _outermost(touched or ()):
        parts = path.split(".")
        appends = parts[-1] == ""
        _mark(before, after, parts[:-1] if appends else parts, "", description, appends=appends)
    if not description:
        delta = _delta(before, after, _ENVELOPE)
        if delta is None:
            return None
        _flatten(delta, "", description)
    return description.document()


def _outermost(paths: Sequence[str]) -> list[str]:
    """Leave out what lies below another path; one update cannot name both, two in a group can."""
    return [path for path in paths if not any(path.startswith(f"{other}.") for other in paths)]


def _mark(
    before: Any, after: Any, parts: Sequence[str], at: str, description: _Description, *, appends: bool
) -> None:
    """Note what changed along one path."""
    if _same(before, after):
        return
    if not parts:
        added = _appended(before, after) if appends else None
        if added is None:
            description.updated[at] = after
        else:
            description.updated.update({_join(at, place): value for place, value in added})
        return
    part, *rest = parts
    here = _join(at, part)
    if isinstance(before, RawBSONDocument) and isinstance(after, RawBSONDocument):
        if part in before and part in after:
            _mark(before[part], after[part], rest, here, description, appends=appends)
        elif part in after:
            description.updated[here] = after[part]
        elif part in before and here not in description.removed:
            description.removed.append(here)
    elif isinstance(before, list) and isinstance(after, list) and len(before) <= len(after):
        if part.startswith("$"):
            _mark_elements(before, after, parts, at, description, appends=appends)
        elif part.isdigit() and int(part) < len(before):
            _mark(before[int(part)], after[int(part)], rest, here, description, appends=appends)
        elif part.isdigit() and int(part) < len(after):
            description.updated[here] = after[int(part)]
    else:
        description.updated[at] = after


def _mark_elements(
    before: list[Any],
    after: list[Any],
    parts: Sequence[str],
    at: str,
    description: _Description,
    *,
    appends: bool,
) -> None:
    """Note what changed in the elements that ``$``, ``$[]`` or ``$[name]`` stand for.

    An update of several elements counts as one of the array; where ``$[]`` met
    several and changed one, it counts as one of that element.
    """
    part, *rest = parts
    changed = [
        place for place, value in enumerate(after) if place >= len(before) or not _same(before[place], value)
    ]
    if len(changed) > 1:
        description.updated[at] = after
        return
    for place in changed:
        here = _join(at, place)
        if (part == "$[]" and len(after) > 1) or place >= len(before):
            description.updated[here] = after[place]
        else:
            _mark(before[place], after[place], rest, here, description, appends=appends)


def _appended(before: Any, after: Any) -> list[tuple[int, Any]] | None:
    """Return the elements by which a non-empty array grew at its end, if that is all that happened."""
    if not isinstance(before, list) or not isinstance(after, list) or not before:
        return None
    if len(after) <= len(before) or not _same(after[: len(before)], before):
        return None
    return list(enumerate(after))[len(before) :]


def _delta(before: Any, after: Any, envelope: int = 0) -> dict[str, Any] | None:
    """Compare two documents or two arrays.

    Returns:
        The difference as the server's own log would have it (``u`` for changed
        fields, ``i`` for new ones, ``d`` for removed ones, ``s…`` for a difference
        within a field, ``a`` for arrays), or None if it is no smaller than the value.
    """
    arrays = isinstance(after, list)
    delta = _array_delta(before, after) if arrays else _document_delta(before, after)
    size = len(bson.encode({"": after})) - 7 if arrays else len(after.raw)
    return delta if len(bson.encode(delta)) + envelope < size else None


def _document_delta(before: RawBSONDocument, after: RawBSONDocument) -> dict[str, Any]:
    delta: dict[str, dict[str, Any]] = {"d": {}, "u": {}, "i": {}}
    inner: dict[str, Any] = {}
    old, new = list(before.items()), list(after.items())
    place = 0
    for name, value in old:
        # A field that stands elsewhere now counts as removed, and as new there.
        if place == len(new) or new[place][0] != name:
            delta["d"][name] = False
            continue
        _compare(value, new[place][1], name, delta["u"], inner, f"s{name}")
        place += 1
    for name, value in new[place:]:
        delta["d"].pop(name, None)
        delta["i"][name] = value
    return {key: fields for key, fields in delta.items() if fields} | inner


def _array_delta(before: list[Any], after: list[Any]) -> dict[str, Any]:
    delta: dict[str, Any] = {"a": True}
    if len(after) < len(before):
        delta["l"] = len(after)
    for place, value in enumerate(after):
        if place < len(before):
            _compare(before[place], value, f"u{place}", delta, delta, f"s{place}")
        else:
            delta[f"u{place}"] = value
    return delta


def _compare(
    before: Any, after: Any, name: str, changed: dict[str, Any], inner: dict[str, Any], inside: str
) -> None:
    if _same(before, after):
        return
    kinds = (RawBSONDocument, list)
    comparable = any(isinstance(before, kind) and isinstance(after, kind) for kind in kinds)
    delta = _delta(before, after) if comparable else None
    if delta is None:
        changed[name] = after
    else:
        inner[inside] = delta


def _flatten(delta: dict[str, Any], at: str, description: _Description) -> None:
    """Turn a difference into dotted paths."""
    inside = {key[1:]: value for key, value in delta.items() if key.startswith("s")}
    if "a" in delta:
        if "l" in delta:
            description.truncated.append({"field": at, "newSize": delta["l"]})
        changed = {key[1:]: value for key, value in delta.items() if key.startswith("u")}
    else:
        changed = {**delta.get("u", {}), **delta.get("i", {})}
        description.removed += [_join(at, name) for name in delta.get("d", {})]
    description.updated.update({_join(at, name): value for name, value in changed.items()})
    for name, value in inside.items():
        _flatten(value, _join(at, name), description)


def _join(at: str, name: object) -> str:
    return f"{at}.{name}" if at else str(name)


def _same(one: Any, other: Any) -> bool:
    """Whether two values have the same bytes: 1 and 1.0 are equal to MongoDB, and still an update."""
    if type(one) is not type(other):
        return False
    if isinstance(one, RawBSONDocument):
        return one.raw == other.raw  # type: ignore[no-any-return]
    return bool(bson.encode({"": one}) == bson.encode({"": other}))
