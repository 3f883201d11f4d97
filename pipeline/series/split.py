"""The split in time: each series' rows are first training, then validation, then test. Nothing is drawn at random."""

from dataclasses import replace
from functools import singledispatch
from itertools import accumulate

import numpy as np

from pipeline.config.sections import Dates, RowCounts, Shares
from pipeline.core.errors import InputError
from pipeline.tables import timestamps
from pipeline.tables.outline import Outline
from pipeline.tables.rows import Array

PARTS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(len(PARTS))
UNUSED = -1


def moments(split: Shares | RowCounts | Dates, zone: str) -> Array:
    """The dates that the outline of a table must know of to be split, (moment,) in UTC; without a zone of their own they are local in `zone`."""
    dates = [split.validation, split.test] if isinstance(split, Dates) else []
    return np.array([timestamps.moment(date, zone) for date in dates], "datetime64[ns]")


def stops(outline: Outline, split: Shares | RowCounts | Dates) -> Array:
    """(series, part) rows of each series up to the end of train, validation and test; raises `InputError` where a part of a series is empty."""
    counts = outline.counts().tolist()
    stops = np.array(
        [
            _stops(split, count, earlier)
            for count, earlier in zip(counts, outline.earlier.tolist(), strict=True)
        ]
    )
    findings: list[str] = []
    for series, (count, own) in enumerate(zip(counts, stops.tolist(), strict=True)):
        starts = [0, *own[:-1]]
        if lacking := [
            part
            for part, start, stop in zip(PARTS, starts, own, strict=True)
            if start >= stop or stop > count
        ]:
            findings.append(_explain(outline, series, count, lacking))
    if findings:
        raise InputError(*findings)
    return stops


def divide(outline: Outline, split: Shares | RowCounts | Dates) -> Outline:
    """The outline with the parts of `split`; raises `InputError` where a part of a series is empty."""
    ends = stops(outline, split)  # (series, part)
    counts = outline.counts()
    start = np.cumsum(counts) - counts  # (series,) its first row
    edges = (start[:, None] + ends)[ends < counts[:, None]]
    first = np.union1d(outline.first, edges)
    old = np.searchsorted(outline.first, first, side="right") - 1
    series = outline.series[old]
    part = ((first - start[series])[:, None] >= ends[series]).sum(axis=1)
    part = np.where(part == len(PARTS), UNUSED, part).astype(np.int8)
    return replace(
        outline,
        first=first,
        stop=np.append(first[1:], outline.stop[-1]),
        series=series,
        segment=outline.segment[old],
        part=part,
    )


def training(outline: Outline, split: Shares | RowCounts | Dates) -> list[slice]:
    """The training rows of each series; raises `InputError` where a part of a series is empty."""
    counts = outline.counts()
    starts = np.cumsum(counts) - counts
    return [
        slice(start, start + stop)
        for start, stop in zip(
            starts.tolist(), stops(outline, split)[:, TRAIN].tolist(), strict=True
        )
    ]


def _explain(outline: Outline, series: int, count: int, lacking: list[str]) -> str:
    span = f"{count} rows from {timestamps.label(outline.opens[series])} to {timestamps.label(outline.closes[series])}"
    where = f"params.yaml: standardize.split: series {outline.names[series]!r}"
    return f"{where} has {span}, too few for {' and '.join(lacking)}; change the split, or leave the series out"


@singledispatch
def _stops(split: Shares | RowCounts | Dates, count: int, earlier: list[int]) -> list[int]:
    """Where train, validation and test end among `count` rows, of which so many are `earlier` than each of the split's moments."""
    raise TypeError(split)


@_stops.register
def _(split: Shares, count: int, earlier: list[int]) -> list[int]:
    shares = (split.train, split.train + split.validation)
    return [*(int(np.floor(count * share + 1e-6)) for share in shares), count]


@_stops.register
def _(split: RowCounts, count: int, earlier: list[int]) -> list[int]:
    return list(accumulate((split.train, split.validation, split.test)))


@_stops.register
def _(split: Dates, count: int, earlier: list[int]) -> list[int]:
    return [*earlier, count]
