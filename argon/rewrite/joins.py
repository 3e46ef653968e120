"""Stages that hold pipelines or read other collections, pointed at the same view."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from argon.errors import UnsupportedOperation
from argon.rewrite.filter import prefix_filter
from argon.rewrite.paths import DOCUMENT, is_ordinary_path, prefix_path
from argon.rewrite.source import NEVER, Source, conjoin

Stage = dict[str, Any]


class Joins(ABC):
    """Rewrites stages that run on documents.

    A stage that is malformed is passed on unchanged: it names a logical
    collection then, which the server never gets to read.
    """

    def __init__(
        self, resolve: Callable[[str], Source], databases: Collection[str], allow_union: bool
    ) -> None:
        self.resolve = resolve
        self.databases = databases
        self.allow_union = allow_union

    @abstractmethod
    def on_source(
        self, stages: Sequence[Mapping[str, Any]], source: Source, *, joined: bool = False
    ) -> list[Stage]:
        """Rewrite a pipeline that starts on a collection."""

    def on_documents(self, stages: Sequence[Mapping[str, Any]]) -> list[Stage]:
        """Rewrite stages whose input is documents already.

        Args:
            stages: The user's stages.

        Returns:
            The same stages, with other collections read through the view.
        """
        return [physical for stage in stages for physical in self._one(stage)]

    def _one(self, stage: Mapping[str, Any]) -> list[Stage]:
        if isinstance(stage, Mapping) and len(stage) == 1:
            [(operator, spec)] = stage.items()
            if operator == "$lookup" and _is_lookup(spec):
                return [{operator: self._lookup(spec)}]
            if operator == "$graphLookup" and _is_graph_lookup(spec):
                return self._graph_lookup(spec)
            if operator == "$unionWith":
                return [{operator: self._union_with(spec)}]
            if operator == "$facet" and isinstance(spec, Mapping):
                facets = spec.items()
                return [{operator: {k: self.on_documents(v) if _is_list(v) else v for k, v in facets}}]
        return [stage if isinstance(stage, dict) else dict(stage)] if isinstance(stage, Mapping) else [stage]

    def _lookup(self, spec: Mapping[str, Any]) -> Stage:
        pipeline = spec.get("pipeline", [])
        if "from" not in spec:  # the pipeline brings its own $documents
            return {**spec, "pipeline": self.on_documents(pipeline)}
        if "CURRENT" in spec.get("let", {}):
            raise UnsupportedOperation("$lookup cannot bind CURRENT in let; give the variable another name")
        source = self._source(spec["from"])
        if source.stages and "foreignField" in spec:
            spec = _joined_by_expression(spec)
            pipeline = spec["pipeline"]
        physical = {**spec, "from": _store(source)}
        if "foreignField" in spec:
            physical["foreignField"] = prefix_path(spec["foreignField"])
        stages = [*source.stages, *pipeline]
        physical["pipeline"] = self.on_source(stages, source, joined="foreignField" in spec)
        return physical

    def _graph_lookup(self, spec: Mapping[str, Any]) -> list[Stage]:
        source = self._source(spec["from"])
        if source.stages:
            raise UnsupportedOperation(
                f"$graphLookup cannot search the view {spec['from']!r}: search the collection below it"
            )
        restriction = prefix_filter(spec.get("restrictSearchWithMatch", {}))
        if restriction is None:
            raise UnsupportedOperation(
                "$graphLookup cannot evaluate this restrictSearchWithMatch on a branch; "
                "express it with field conditions or $expr"
            )
        physical = {
            **spec,
            "from": _store(source),
            "connectFromField": prefix_path(spec["connectFromField"]),
            "connectToField": prefix_path(spec["connectToField"]),
            "restrictSearchWithMatch": conjoin(restriction, _visible(source)),
        }
        if "depthField" in spec:
            physical["depthField"] = prefix_path(spec["depthField"])
        # What was found are rows; a path through an array gives the array of what it leads to.
        found = spec["as"]
        return [{"$graphLookup": physical}, {"$set": {found: f"${found}.{DOCUMENT}"}}]

    def _union_with(self, spec: Any) -> Any:
        if isinstance(spec, str):
            spec = {"coll": spec}
        if not isinstance(spec, Mapping) or not _is_list(spec.get("pipeline", [])):
            return spec
        pipeline = spec.get("pipeline", [])
        if "coll" not in spec:  # the pipeline brings its own $documents
            return {**spec, "pipeline": self.on_documents(pipeline)}
        if not isinstance(spec["coll"], str):
            return spec
        name = {"db": spec["db"], "coll": spec["coll"]} if "db" in spec else spec["coll"]
        source = self._source(name)
        rest = {key: value for key, value in spec.items() if key != "db"}
        return {
            **rest,
            "coll": _store(source),
            "pipeline": self.on_source([*source.stages, *pipeline], source),
        }

    def _source(self, name: str | Mapping[str, Any]) -> Source:
        if isinstance(name, str):
            return self.resolve(name)
        if name["db"] not in self.databases:
            raise UnsupportedOperation(
                f"a pipeline on a branch reads collections of that branch, not of database {name['db']!r}"
            )
        return self.resolve(name["coll"])


def _joined_by_expression(spec: Mapping[str, Any]) -> Stage:
    """Write a join of two fields as an expression, to be evaluated after the pipeline of a view.

    The server compares each element of an array on either side, and takes a
    missing field for null.
    """
    local = {"$ifNull": [f"${spec['localField']}", None]}
    foreign = {"$ifNull": [f"${spec['foreignField']}", None]}
    theirs = {"$cond": [{"$isArray": [foreign]}, {"$concatArrays": [foreign, [foreign]]}, [foreign]]}
    ours = {"$cond": [{"$isArray": ["$$joinedBy"]}, "$$joinedBy", ["$$joinedBy"]]}
    meet = {"$match": {"$expr": {"$ne": [{"$setIntersection": [ours, theirs]}, []]}}}
    rest = {key: value for key, value in spec.items() if key not in ("localField", "foreignField")}
    return {
        **rest,
        "let": {**spec.get("let", {}), "joinedBy": local},
        "pipeline": [meet, *spec.get("pipeline", [])],
    }


def _store(source: Source) -> str:
    return source.store or source.empty_store


def _visible(source: Source) -> Mapping[str, Any]:
    return source.match_all if source.store and source.legs else NEVER


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def _is_field_path(path: object) -> bool:
    """Tell whether the server takes a path where it can only mean a field: also ``$id`` may come first."""
    return isinstance(path, str) and is_ordinary_path(prefix_path(path))


def _is_collection(name: object) -> bool:
    if isinstance(name, Mapping):
        return name.keys() == {"db", "coll"} and isinstance(name["coll"], str)
    return isinstance(name, str)


def _is_lookup(spec: object) -> bool:
    """Tell whether the server would take it; a pipeline added to a wrong one could make it right."""
    if not isinstance(spec, Mapping) or not isinstance(spec.get("as"), str):
        return False
    if "from" in spec and not _is_collection(spec["from"]):
        return False
    fields = [spec[name] for name in ("localField", "foreignField") if name in spec]
    if len(fields) == 1 or not all(map(_is_field_path, fields)):
        return False
    if "pipeline" in spec:
        return _is_list(spec["pipeline"]) and isinstance(spec.get("let", {}), Mapping)
    return len(fields) == 2 and "let" not in spec and "from" in spec


def _is_graph_lookup(spec: object) -> bool:
    if not isinstance(spec, Mapping) or not _is_collection(spec.get("from")) or "startWith" not in spec:
        return False
    paths = [spec.get(name) for name in ("connectFromField", "connectToField", "as")]
    paths += [spec["depthField"]] if "depthField" in spec else []
    return all(map(_is_field_path, paths)) and isinstance(spec.get("restrictSearchWithMatch", {}), Mapping)
