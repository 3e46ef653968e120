"""Pure rewriting of queries on documents into queries on version rows.

A user's document stands in the field ``d`` of a row (see :mod:`argon.versions`),
so every path that a user names is prefixed by ``d.``. Nothing here does I/O,
and nothing here guesses: what cannot be rewritten with exactly MongoDB's
meaning is reported as such (``None`` or :class:`CannotRewrite`), and the
caller lets the server evaluate it unchanged on the document itself.
"""

from __future__ import annotations

from argon.rewrite.expression import prefix_expression
from argon.rewrite.filter import equality_id, or_clauses, prefix_filter, required_paths, split_filter
from argon.rewrite.index import document_path, physical_keys, physical_options
from argon.rewrite.paths import CannotRewrite
from argon.rewrite.pipeline import Rewritten, rewrite_pipeline
from argon.rewrite.projection import Plan, Projection, prefix_projection
from argon.rewrite.sort import prefix_sort
from argon.rewrite.source import Leg, Source
from argon.rewrite.update import (
    is_operator_update,
    is_pipeline,
    is_replacement,
    prefix_update,
    uses_positional,
)

__all__ = [
    "CannotRewrite",
    "Leg",
    "Plan",
    "Projection",
    "Rewritten",
    "Source",
    "document_path",
    "equality_id",
    "is_operator_update",
    "is_pipeline",
    "is_replacement",
    "or_clauses",
    "physical_keys",
    "physical_options",
    "prefix_expression",
    "prefix_filter",
    "prefix_projection",
    "prefix_sort",
    "prefix_update",
    "required_paths",
    "rewrite_pipeline",
    "split_filter",
    "uses_positional",
]
