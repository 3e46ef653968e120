"""Looking at the conflicts of a pending merge, and resolving them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from pymongo.errors import InvalidOperation

from argon.catalog.merges import Merges
from argon.engine.handle import Handle
from argon.errors import MergeNotFound
from argon.io import Operation
from argon.merging.pending.finish import merges_of, required
from argon.merging.pending.kept import (
    CHOICES,
    OPEN,
    RESOLVED,
    TAKES,
    KeptConflict,
    PendingMerge,
    check_choice,
    pending_of,
)
from argon.merging.pending.values import as_conflict, encode_value
from argon.merging.results import MISSING

Named = int | KeptConflict
_PAGE = 1000


@dataclass(frozen=True)
class Which:
    """Which conflicts of a pending merge are meant; what is not given is not asked for.

    Attributes:
        numbers: Those of these numbers.
        state: ``open`` or ``resolved``.
        space: In this space.
        collection: In this collection.
        document_id: Of this document; ``MISSING`` for any.
        path: At this path; an empty one for documents as a whole.
    """

    numbers: tuple[int, ...] | None = None
    state: str | None = None
    space: str | None = None
    collection: str | None = None
    document_id: Any = MISSING
    path: str | None = None

    def query(self) -> dict[str, Any]:
        """Return the filter.

        Raises:
            InvalidOperation: The state is none.
        """
        if self.state not in (None, OPEN, RESOLVED):
            raise InvalidOperation(f"{self.state!r} is no state of a conflict: give {OPEN!r} or {RESOLVED!r}")
        about = {"state": self.state, "space": self.space, "collection": self.collection, "path": self.path}
        query: dict[str, Any] = {name: {"$eq": value} for name, value in about.items() if value is not None}
        if self.numbers is not None:
            query["number"] = {"$in": list(self.numbers)}
        if self.document_id is not MISSING:
            query |= {"document_id": {"$eq": self.document_id}, "definition": False}
        return query


def numbers_of(conflicts: Named | Iterable[Named]) -> tuple[int, ...]:
    """Return the numbers of conflicts that were given by them, or as they were listed."""
    given = [conflicts] if isinstance(conflicts, int | KeptConflict) else list(conflicts)
    for each in given:
        if not isinstance(each, int | KeptConflict) or isinstance(each, bool):
            raise TypeError(f"{each!r} is no conflict: give its number, or what branch.conflicts() returned")
    return tuple(each.number if isinstance(each, KeptConflict) else each for each in given)


def pending_merge(handle: Handle) -> Operation[PendingMerge | None]:
    """Describe the pending merge, if there is one."""
    merges = merges_of(handle)
    record = yield from merges.find()
    if record is None:
        return None
    still_open = yield from merges.count(record, {"state": OPEN})
    resolved = yield from merges.count(record, {"state": RESOLVED})
    return pending_of(record, handle.line.record.name, still_open, resolved)


def conflicts(handle: Handle, which: Which) -> Operation[list[KeptConflict]]:
    """Return conflicts of the pending merge.

    Raises:
        MergeNotFound: None is pending, or it has no conflict of a number that was given.
    """
    merges, query = merges_of(handle), which.query()
    record = yield from required(handle)
    found = []
    for document in (yield from merges.conflicts(record, query)):
        found.append((yield from as_conflict(merges, record, document)))
    _all_there(which, {each.number for each in found})
    return found


def resolve(handle: Handle, which: Which, choice: str, value: Any = MISSING) -> Operation[int]:
    """Say what shall become of conflicts; the target stays as it is until the merge is finished.

    Args:
        handle: The target.
        which: Those that are meant: by their numbers, or else the open ones of those that match.
        choice: ``ours``, ``theirs``, ``base``, ``value`` or ``delete``.
        value: For ``value``.

    Returns:
        How many were resolved.

    Raises:
        MergeNotFound: None is pending, or it has no such conflict.
        InvalidOperation: That cannot become of one of them; none was resolved.
    """
    merges, engine = merges_of(handle), handle.line.engine
    query = which.query() | ({} if which.numbers is not None else {"state": OPEN})
    record = yield from required(handle)
    data = encode_value(value) if choice == "value" else None
    fields = ("number", "choices", "definition", "document_id", "path")
    found = yield from merges.conflicts(record, query, dict.fromkeys(fields, 1))
    _all_there(which, {each["number"] for each in found})
    if not found:
        raise MergeNotFound(
            "no open conflict is like that; branch.conflicts(), or 'argon conflicts', lists them"
        )
    for each in found:
        if choice not in each["choices"] or (choice == "value" and not each["path"]):
            yield from _check(merges, record, each, choice, value)
    yield from engine.clock.refresh()
    change: dict[str, Any] = {
        "state": RESOLVED,
        "choice": choice,
        "resolved_by": handle.author,
        "resolved_at": engine.clock.now(),
    }
    if data is not None:
        change["value"] = yield from merges.write_blob(record, data)
    numbers = [each["number"] for each in found]
    for start in range(0, len(numbers), _PAGE):
        yield from engine.committer.retrying(
            partial(_change, merges, record, numbers[start : start + _PAGE], change)
        )
    return len(numbers)


def choice_of(take: str | None, value: Any, delete: bool) -> str:
    """Return what was chosen, of the three ways to say it.

    Raises:
        InvalidOperation: Not exactly one of them was given.
    """
    if (take is not None) + (value is not MISSING) + delete != 1:
        raise InvalidOperation("say what shall become of the conflict: take=, value= or delete=True")
    if take is not None and take not in TAKES:
        raise InvalidOperation(f"{take!r} cannot be taken: take one of {', '.join(TAKES)}")
    return take or CHOICES[3 + delete]


def _all_there(which: Which, found: set[int]) -> None:
    missing = sorted(set(which.numbers or ()) - found)
    if missing:
        raise MergeNotFound(
            f"the merge has no conflict {', '.join(map(str, missing))} (any more): branch.conflicts(), or "
            "'argon conflicts', lists those it has"
        )


def _change(
    merges: Merges, record: dict[str, Any], numbers: list[int], change: dict[str, Any], session: Any
) -> Operation[None]:
    # Together in one transaction: a merge that is finished at the same time counts this, or ends it.
    if not (yield from merges.touch(record, session)):
        raise MergeNotFound("the merge was finished or aborted by somebody else meanwhile")
    if (yield from merges.change(record, numbers, change, session)) != len(numbers):
        raise MergeNotFound("conflicts have changed meanwhile, with the target: list them anew")


def _check(
    merges: Merges, record: dict[str, Any], document: dict[str, Any], choice: str, value: Any
) -> Operation[None]:
    [whole] = yield from merges.conflicts(record, {"number": document["number"]})
    check_choice((yield from as_conflict(merges, record, whole)), choice, value)
