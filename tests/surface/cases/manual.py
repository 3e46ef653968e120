"""The operators of MongoDB's manual, each with the version that brought it where 6.0 has not got it.

A new version of the server means new lines here, and a case for each in the table named after the list.
"""

from __future__ import annotations

from collections.abc import Mapping

Version = tuple[int, int]
Operators = Mapping[str, Version | None]


def _since(version: Version | None, names: str) -> dict[str, Version | None]:
    return dict.fromkeys(names.split(), version)


EXPRESSIONS: Operators = {
    **_since(None, "$abs $add $ceil $divide $exp $floor $ln $log $log10 $mod $multiply $pow $round $sqrt"),
    **_since(None, "$subtract $trunc"),
    **_since(None, "$arrayElemAt $arrayToObject $concatArrays $filter $first $firstN $in $indexOfArray"),
    **_since(None, "$isArray $last $lastN $map $maxN $minN $objectToArray $range $reduce $reverseArray"),
    **_since(None, "$size $slice $sortArray $zip"),
    **_since(None, "$and $not $or $cmp $eq $gt $gte $lt $lte $ne $cond $ifNull $switch"),
    **_since(None, "$function $bsonSize $binarySize $literal $let $getField $setField $unsetField $rand"),
    **_since(None, "$dateAdd $dateDiff $dateFromParts $dateFromString $dateSubtract $dateToParts"),
    **_since(None, "$dateToString $dateTrunc $dayOfMonth $dayOfWeek $dayOfYear $hour $isoDayOfWeek $isoWeek"),
    **_since(None, "$isoWeekYear $millisecond $minute $month $second $week $year"),
    **_since(None, "$mergeObjects $allElementsTrue $anyElementTrue $setDifference $setEquals"),
    **_since(None, "$setIntersection $setIsSubset $setUnion"),
    **_since(
        None, "$concat $indexOfBytes $indexOfCP $ltrim $regexFind $regexFindAll $regexMatch $replaceOne"
    ),
    **_since(None, "$replaceAll $rtrim $split $strLenBytes $strLenCP $strcasecmp $substr $substrBytes"),
    **_since(None, "$substrCP $toLower $toString $trim $toUpper $meta $tsIncrement $tsSecond"),
    **_since(None, "$sin $cos $tan $asin $acos $atan $atan2 $asinh $acosh $atanh $sinh $cosh $tanh"),
    **_since(None, "$degreesToRadians $radiansToDegrees"),
    **_since(
        None, "$convert $isNumber $toBool $toDate $toDecimal $toDouble $toInt $toLong $toObjectId $type"
    ),
    **_since(None, "$avg $max $min $stdDevPop $stdDevSamp $sum $toHashedIndexKey"),
    **_since((6, 3), "$bitAnd $bitNot $bitOr $bitXor"),
    **_since((7, 0), "$median $percentile"),
    **_since((8, 0), "$toUUID"),
}
VARIABLES: Operators = {
    **_since(None, "$$NOW $$CLUSTER_TIME $$ROOT $$CURRENT $$REMOVE $$DESCEND $$PRUNE $$KEEP"),
    **_since((7, 0), "$$USER_ROLES"),
}
ACCUMULATORS: Operators = {
    **_since(None, "$accumulator $addToSet $avg $bottom $bottomN $count $first $firstN $last $lastN $max"),
    **_since(None, "$maxN $mergeObjects $min $minN $push $stdDevPop $stdDevSamp $sum $top $topN"),
    **_since((7, 0), "$median $percentile"),
}
WINDOWS: Operators = {
    **_since(None, "$addToSet $avg $bottom $bottomN $count $covariancePop $covarianceSamp $denseRank"),
    **_since(None, "$derivative $documentNumber $expMovingAvg $first $firstN $integral $last $lastN"),
    **_since(None, "$linearFill $locf $max $maxN $min $minN $push $rank $shift $stdDevPop $stdDevSamp"),
    **_since(None, "$sum $top $topN"),
    **_since((7, 0), "$median $percentile"),
}
STAGES: Operators = {
    **_since(None, "$addFields $bucket $bucketAuto $collStats $count $currentOp $densify $documents $facet"),
    **_since(None, "$fill $geoNear $graphLookup $group $indexStats $limit $listLocalSessions $lookup $match"),
    **_since(None, "$merge $out $planCacheStats $project $redact $replaceRoot $replaceWith $sample $search"),
    **_since(None, "$searchMeta $set $setWindowFields $skip $sort $sortByCount $unionWith $unset $unwind"),
    **_since(None, "$changeStream $listSessions $shardedDataDistribution"),
    **_since((7, 0), "$changeStreamSplitLargeEvent $listSearchIndexes $listSampledQueries"),
}
QUERIES: Operators = {
    **_since(None, "$eq $gt $gte $in $lt $lte $ne $nin $and $not $nor $or $exists $type $expr $jsonSchema"),
    **_since(None, "$mod $regex $options $text $where $geoIntersects $geoWithin $near $nearSphere $box"),
    **_since(None, "$center $centerSphere $geometry $maxDistance $minDistance $polygon $all $elemMatch"),
    **_since(None, "$size $bitsAllClear $bitsAllSet $bitsAnyClear $bitsAnySet $comment $rand $sampleRate"),
    **_since(None, "$alwaysTrue $alwaysFalse $search $language $caseSensitive $diacriticSensitive"),
}
PROJECTIONS: Operators = _since(None, "$ $elemMatch $meta $slice")
UPDATES: Operators = {
    **_since(None, "$currentDate $inc $min $max $mul $rename $set $setOnInsert $unset $ $[] $[x]"),
    **_since(None, "$addToSet $pop $pull $push $pullAll $each $position $slice $sort $bit"),
    **_since(None, "$addFields $project $replaceRoot $replaceWith"),
}
