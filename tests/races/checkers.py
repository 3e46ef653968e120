"""Checkers that know nothing of the implementation: they judge histories by what clients saw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any


def check_lists(events: Sequence[Mapping[str, Any]], final: Mapping[int, list[str]], *, first: str) -> None:
    """Check a history of appends and reads of lists for strict serializability, list by list.

    Appends make the order of versions visible, as in Elle (Kingsbury and
    Alvaro, VLDB 2020): every read is a prefix of the final order, and real
    time bounds which prefix it can be.

    Args:
        events: Each with ``doc``, ``client``, ``begin``, ``end`` and ``append`` or ``seen`` or both.
        final: Each list in the end.
        first: The element that every list began with.
    """
    appended: dict[int, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for event in events:
        if "append" in event:
            appended[event["doc"]][event["append"]] = event
    for doc, items in final.items():
        assert items[0] == first
        assert len(set(items)) == len(items), "an append was done twice"
        assert set(items[1:]) == set(appended[doc]), "an append was lost, or nobody made it"
        place = {value: number for number, value in enumerate(items)}
        for event in (event for event in events if event["doc"] == doc):
            begin, end = event["begin"], event["end"]
            before = max((place[v] for v, e in appended[doc].items() if e["end"] < begin), default=0)
            if "append" in event:
                assert place[event["append"]] > before, "the order of appends contradicts the order in time"
            if "seen" in event:
                seen = event["seen"]
                assert seen == items[: len(seen)], "a reader saw what is no prefix of the order"
                assert len(seen) > before, "a reader did not see what had been acknowledged"
                assert all(appended[doc][v]["begin"] < end for v in seen[1:]), "a reader saw the future"
                if "append" in event:
                    assert seen[-1] == event["append"], "a writer did not see its own append last"
