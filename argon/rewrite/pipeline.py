"""Aggregation pipelines on documents as pipelines on rows.

A rewritten pipeline has three parts: the visible rows, narrowed as far as the
user's leading stages can be run on rows (where indexes serve them); the step
from rows to documents; and the user's remaining stages unchanged, except that
those which read other collections read them through the same view
(:mod:`argon.rewrite.joins`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from argon.errors import UnsupportedOperation
from argon.rewrite.filter import (
    has_text,
    or_clauses,
    prefix_filter,
    required_paths,
    split_filter,
)
from argon.rewrite.group import prefix_grouping
from argon.rewrite.joins import Joins
from argon.rewrite.paths import REPLACE_ROOT, CannotRewrite, is_ordinary_path, prefix_path
from argon.rewrite.sort import prefix_sort
from argon.rewrite.source import NEVER, Source, conjoin, may_repeat

Stage = dict[str, Any]

_SINKS = frozenset({"$out", "$merge"})
_ABOUT_THE_STORE = frozenset({"$collStats", "$indexStats", "$planCacheStats"})
_WITHOUT_A_STORE = frozenset(
    {"$currentOp", "$documents", "$listLocalSessions", "$listSessions", "$queryStats"}
)
SEARCH = frozenset(
    {"$listSearchIndexes", "$search", "$searchMeta", "$vectorSearch", "$rankFusion", "$scoreFusion"}
)
"""Stages that read a search index."""


@dataclass(frozen=True)
class Rewritten:
    """A pipeline ready for the server.

    Attributes:
        store: The physical collection to run on; None for the database itself.
        stages: The physical pipeline.
        sink: The user's final ``$out`` or ``$merge`` stage, cut off unchanged.
    """

    store: str | None
    stages: list[Stage]
    sink: Stage | None = None


def rewrite_pipeline(
    pipeline: Sequence[Mapping[str, Any]],
    source: Source | None,
    resolve: Callable[[str], Source],
    *,
    allow_union: bool = True,
    databases: Collection[str] = (),
) -> Rewritten:
    """Rewrite a pipeline for the rows of one view.

    Stages that are unknown or malformed are passed on unchanged, so that the
    server answers for them.

    Args:
        pipeline: The stages as ``aggregate`` takes them.
        source: The collection that it runs on; None for ``db.aggregate``.
        resolve: Gives the source of another logical collection of the same view.
        allow_union: Whether ``$unionWith`` may join the parts of a view; a
            transaction refuses it.
        databases: The names under which ``{db, coll}`` means this database.

    Returns:
        The physical pipeline, where to run it, and the sink cut off from it.

    Raises:
        UnsupportedOperation: If a stage reads another database, or a search index.
    """
    stages = list(pipeline)
    sink: Stage | None = None
    if stages and operator_of(stages[-1]) in _SINKS:
        sink = dict(stages.pop())
    rewriter = _Rewriter(resolve, databases, allow_union)
    if source is None:
        return Rewritten(None, rewriter.on_documents(stages), sink)
    return Rewritten(source.store or source.empty_store, rewriter.on_source(stages, source), sink)


class _Rewriter(Joins):
    """Rewrites the stages of one pipeline and of the pipelines inside it."""

    def on_source(
        self, stages: Sequence[Mapping[str, Any]], source: Source, *, joined: bool = False
    ) -> list[Stage]:
        """Rewrite a pipeline that starts on a collection.

        Args:
            stages: The user's stages.
            source: The collection.
            joined: Whether the server puts an equality on a foreign field before them.

        Returns:
            Stages to run on the source's store.
        """
        first = operator_of(stages[0]) if stages else None
        if first in _ABOUT_THE_STORE or first in _WITHOUT_A_STORE:
            return self.on_documents(stages)
        if first == "$changeStream":
            raise UnsupportedOperation("$changeStream would tell of physical rows: use watch()")
        if first in SEARCH:
            raise UnsupportedOperation(
                f"{first} reads a search index, which holds all branches at once; use $match or $text"
            )
        if first == "$geoNear" and isinstance(stages[0]["$geoNear"], Mapping):
            near, residue = _geo_near(stages[0]["$geoNear"], source)
            return [{"$geoNear": near}, REPLACE_ROOT, *residue, *self.on_documents(stages[1:])]
        return self._from_rows(stages, source, joined)

    def _from_rows(self, stages: Sequence[Mapping[str, Any]], source: Source, joined: bool) -> list[Stage]:
        queries, rest = _leading_matches(stages)
        parts = [split_filter(query) for query in queries]
        on_rows = conjoin(*(part for part, _ in parts))
        on_documents = conjoin(*(part for _, part in parts))
        # What decides about indexes is only what runs on rows.
        query = {"$and": [_without(query, part) for query, (_, part) in zip(queries, parts, strict=True)]}
        head = self._visible_rows(
            source, query, on_rows, None if on_documents else _leading_sort(rest), joined
        )
        if on_documents:
            return [*head, REPLACE_ROOT, {"$match": on_documents}, *self.on_documents(rest)]
        while rest and (stage := _prefix_row_stage(rest[0])):
            head.append(stage)
            rest = rest[1:]
        if rest and operator_of(rest[0]) is not None:
            try:
                return [*head, prefix_grouping(rest[0]), *self.on_documents(rest[1:])]
            except CannotRewrite:
                pass
        return [*head, REPLACE_ROOT, *self.on_documents(rest)]

    def _visible_rows(
        self,
        source: Source,
        query: Mapping[str, Any],
        on_rows: dict[str, Any],
        sort: list[tuple[str, Any]] | None,
        joined: bool,
    ) -> list[Stage]:
        """Give the stages that yield the visible rows which a rewritten filter matches."""
        legs = source.legs if source.store else ()
        if not legs:
            return [_match(on_rows, NEVER)]
        text = has_text(query)
        indexed = joined or text or _seekable(source, query, sort)
        if not joined and not text:
            on_rows = conjoin(on_rows, source.order_bound(query, sort))
        if len(legs) == 1:
            return [_match(on_rows, legs[0].seek if indexed else legs[0].scan)]
        if text or not may_repeat(on_rows, len(legs)):
            return [_match(on_rows, {"$or": [leg.seek for leg in legs]})]
        if indexed or not self.allow_union:
            # The filter stands in each clause, so that each is one range of the index.
            return [{"$match": {"$or": [conjoin(on_rows, leg.seek) for leg in legs]}}]
        first, *others = (_match(on_rows, leg.scan) for leg in legs)
        return [first, *({"$unionWith": {"coll": source.store, "pipeline": [leg]}} for leg in others)]


def operator_of(stage: object) -> str | None:
    """Return the name of a stage; None where it is none."""
    if not isinstance(stage, Mapping) or len(stage) != 1:
        return None
    return str(next(iter(stage)))


def _without(query: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in query.items() if key not in part} if part else query


def _match(*filters: Mapping[str, Any]) -> Stage:
    return {"$match": conjoin(*filters)}


def _leading_matches(
    stages: Sequence[Mapping[str, Any]],
) -> tuple[list[Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
    """Part off the filters at the start that can be taken as one.

    Those after the first one are taken only if they can be rewritten whole and
    hold no ``$text``, which the server refuses anywhere but in the first stage.
    The first one may have a part that must see the document; it is the last then.
    """
    queries: list[Mapping[str, Any]] = []
    for stage in stages:
        query = stage["$match"] if operator_of(stage) == "$match" else None
        if not isinstance(query, Mapping):
            break
        _, on_documents = split_filter(query)
        if queries and (on_documents or has_text(query)):
            break
        queries.append(query)
        if on_documents:
            break
    return queries, stages[len(queries) :]


def _leading_sort(stages: Sequence[Mapping[str, Any]]) -> list[tuple[str, Any]] | None:
    if stages and operator_of(stages[0]) == "$sort" and isinstance(stages[0]["$sort"], Mapping):
        return list(stages[0]["$sort"].items())
    return None


def _seekable(source: Source, query: Mapping[str, Any], sort: list[tuple[str, Any]] | None) -> bool:
    if source.seekable(required_paths(query), sort):
        return True
    return any(
        bool(clauses := or_clauses(part))
        and all(source.seekable(required_paths(clause), None) for clause in clauses)
        for part in query.get("$and", ())
    )


def _prefix_row_stage(stage: Mapping[str, Any]) -> Stage | None:
    """Rewrite a stage that lets rows pass as they are; None for any other stage."""
    operator = operator_of(stage)
    if operator in ("$skip", "$limit", "$sample"):
        return dict(stage)
    operand = stage[operator] if operator in ("$sort", "$match") else None
    if not isinstance(operand, Mapping) or not operand:
        return None
    if operator == "$sort":
        if any(isinstance(direction, Mapping) for direction in operand.values()):
            return None  # the server loses its way when $replaceRoot follows a sort by $meta
        keys = prefix_sort(list(operand.items()))
        return {"$sort": dict(keys)} if keys else None
    query = prefix_filter(operand) if not has_text(operand) else None
    return {"$match": query} if query else None


def _geo_near(near: Mapping[str, Any], source: Source) -> tuple[Stage, list[Stage]]:
    """Rewrite ``$geoNear`` so that distances are written into the document inside the row."""
    physical = dict(near)
    for field in ("key", "distanceField", "includeLocs"):
        if is_ordinary_path(path := near.get(field)):
            physical[field] = prefix_path(path)
    query = near.get("query", {})
    if not isinstance(query, Mapping):
        return physical, []
    on_rows, on_documents = split_filter(query)
    visible = source.match_all if source.store and source.legs else NEVER
    physical["query"] = conjoin(on_rows, visible)
    return physical, [{"$match": on_documents}] if on_documents else []
