"""Accumulators of ``$group`` and operators of ``$setWindowFields``, by operator of the manual."""

from __future__ import annotations

from typing import Any

from bson import Code

_BY = {"sortBy": {"n": -1}}

ACCUMULATORS: dict[str, list[Any]] = {
    "$accumulator": [
        {
            "$accumulator": {
                "init": Code("function() { return 0 }"),
                "accumulate": Code("function(state, n) { return state + n }"),
                "accumulateArgs": ["$n"],
                "merge": Code("function(a, b) { return a + b }"),
                "lang": "js",
            }
        }
    ],
    "$addToSet": [{"$addToSet": "$kind"}],
    "$avg": [{"$avg": "$n"}, {"$avg": "$dec"}],
    "$bottom": [{"$bottom": {**_BY, "output": ["$s", "$n"]}}],
    "$bottomN": [{"$bottomN": {**_BY, "output": "$$ROOT.n", "n": 2}}],
    "$count": [{"$count": {}}],
    "$first": [{"$first": "$n"}, {"$first": "$$ROOT"}],
    "$firstN": [{"$firstN": {"input": "$n", "n": 2}}],
    "$last": [{"$last": "$n"}, {"$last": "$$ROOT.o"}],
    "$lastN": [{"$lastN": {"input": "$s", "n": 2}}],
    "$max": [{"$max": "$n"}, {"$max": "$words"}],
    "$maxN": [{"$maxN": {"input": "$n", "n": 3}}],
    "$mergeObjects": [{"$mergeObjects": "$o"}],
    "$min": [{"$min": "$some"}, {"$min": "$s"}],
    "$minN": [{"$minN": {"input": "$n", "n": 3}}],
    "$push": [{"$push": "$n"}, {"$push": {"k": "$o.k", "all": "$$ROOT._id"}}],
    "$stdDevPop": [{"$stdDevPop": "$n"}],
    "$stdDevSamp": [{"$stdDevSamp": "$n"}],
    "$sum": [{"$sum": "$long"}, {"$sum": {"$multiply": ["$n", "$x"]}}, {"$sum": 1}],
    "$top": [{"$top": {**_BY, "output": "$$ROOT"}}],
    "$topN": [{"$topN": {**_BY, "output": "$o.k", "n": 2}}],
    "$median": [{"$median": {"input": "$n", "method": "approximate"}}],
    "$percentile": [{"$percentile": {"input": "$n", "p": [0.5, 0.9], "method": "approximate"}}],
}

_FRAME = {"window": {"documents": [-1, 1]}}
_RANGE = {"window": {"range": [-2, "current"]}}

WINDOWS: dict[str, list[Any]] = {
    "$addToSet": [{"$addToSet": "$o.k", **_FRAME}],
    "$avg": [{"$avg": "$n", **_RANGE}],
    "$bottom": [{"$bottom": {**_BY, "output": "$s"}, **_FRAME}],
    "$bottomN": [{"$bottomN": {**_BY, "output": "$s", "n": 2}, **_FRAME}],
    "$count": [{"$count": {}, **_RANGE}],
    "$covariancePop": [{"$covariancePop": ["$n", "$x"], **_FRAME}],
    "$covarianceSamp": [{"$covarianceSamp": ["$n", "$x"], **_FRAME}],
    "$denseRank": [{"$denseRank": {}}],
    "$derivative": [{"$derivative": {"input": "$long"}, **_FRAME}],
    "$documentNumber": [{"$documentNumber": {}}],
    "$expMovingAvg": [{"$expMovingAvg": {"input": "$x", "N": 2}}],
    "$first": [{"$first": "$s", **_FRAME}],
    "$firstN": [{"$firstN": {"input": "$s", "n": 2}, **_FRAME}],
    "$integral": [{"$integral": {"input": "$x"}, **_FRAME}],
    "$last": [{"$last": "$s"}],
    "$lastN": [{"$lastN": {"input": "$s", "n": 2}, **_FRAME}],
    "$linearFill": [{"$linearFill": "$some"}],
    "$locf": [{"$locf": "$some"}],
    "$max": [{"$max": "$n", **_FRAME}],
    "$maxN": [{"$maxN": {"input": "$n", "n": 2}, **_FRAME}],
    "$min": [{"$min": "$n", "window": {"documents": ["unbounded", "current"]}}],
    "$minN": [{"$minN": {"input": "$n", "n": 2}, **_FRAME}],
    "$push": [{"$push": "$$ROOT.n", **_FRAME}],
    "$rank": [{"$rank": {}}],
    "$shift": [{"$shift": {"output": "$n", "by": 1, "default": "none"}}],
    "$stdDevPop": [{"$stdDevPop": "$n", **_FRAME}],
    "$stdDevSamp": [{"$stdDevSamp": "$n", **_FRAME}],
    "$sum": [{"$sum": "$n", **_RANGE}],
    "$top": [{"$top": {**_BY, "output": ["$n", "$$CURRENT.s"]}, **_FRAME}],
    "$topN": [{"$topN": {**_BY, "output": "$n", "n": 2}, **_FRAME}],
    "$median": [{"$median": {"input": "$n", "method": "approximate"}, **_FRAME}],
    "$percentile": [{"$percentile": {"input": "$n", "p": [0.5], "method": "approximate"}, **_FRAME}],
}
