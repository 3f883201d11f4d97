"""The split in time: each series' rows are first training, then validation, then test. Nothing is drawn at random."""

from functools import singledispatch
from itertools import accumulate, pairwise

import numpy as np

from pipeline.params import Dates, Rows, Shares
from pipeline.refusal import Refusal
from pipeline.series import timestamps
from pipeline.series.rows import Array, Index

PARTS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(len(PARTS))
UNUSED = -1


def assign(index: Index, split: Shares | Rows | Dates, zone: str) -> Array:
    """The part of every row, (row,) int8; raises `Refusal` where a part of a series is empty. Dates without a zone are local in `zone`."""
    parts = np.full(len(index.times), UNUSED, np.int8)
    findings: list[str] = []
    for name, rows in zip(index.names, index.slices(), strict=True):
        times = index.times[rows]
        stops = [0, *_stops(split, times, zone)]
        for part, (start, stop) in enumerate(pairwise(stops)):
            parts[rows][start:stop] = part
        if lacking := [PARTS[part] for part, (start, stop) in enumerate(pairwise(stops)) if start >= stop or stop > len(times)]:
            findings.append(_explain(name, times, lacking))
    if findings:
        raise Refusal(*findings)
    return parts


def _explain(name: str, times: Array, lacking: list[str]) -> str:
    span = f"{len(times)} rows from {timestamps.label(times[0])} to {timestamps.label(times[-1])}"
    return f"params.yaml: standardize.split: series {name!r} has {span}, too few for {' and '.join(lacking)}; change the split, or leave the series out"


@singledispatch
def _stops(split: Shares | Rows | Dates, times: Array, zone: str) -> list[int]:
    """Where train, validation and test end among `times` (row,)."""
    raise TypeError(split)


@_stops.register
def _(split: Shares, times: Array, zone: str) -> list[int]:
    shares = (split.train, split.train + split.validation)
    return [*(int(np.floor(len(times) * share + 1e-6)) for share in shares), len(times)]


@_stops.register
def _(split: Rows, times: Array, zone: str) -> list[int]:
    return list(accumulate((split.train, split.validation, split.test)))


@_stops.register
def _(split: Dates, times: Array, zone: str) -> list[int]:
    dates = [timestamps.moment(date, zone) for date in (split.validation, split.test)]
    return [*np.searchsorted(times, dates).tolist(), len(times)]
