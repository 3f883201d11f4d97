"""The split in time: the rows of each series are first training, then validation, then test.

Nothing is drawn at random.
"""

from dataclasses import replace
from datetime import datetime
from itertools import accumulate
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.config.standardization import DURATION, Dates, Durations, RowCounts, Shares
from pipeline.core.errors import InputError
from pipeline.tables import outline as outlines
from pipeline.tables import rows, timestamps
from pipeline.tables.outline import Outline
from pipeline.tables.rows import Array

SPLITS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(len(SPLITS))
UNUSED = -1
Rule = Shares | RowCounts | Dates
Declared = Rule | Durations  # what `standardize.split` may be


def moments(rule: Declared, zone: str) -> Array:
    """Return the dates at which `rule` splits, (moment,) datetime64[ns] in UTC; none for others.

    An outline must count the rows before them. A date without a zone of its own is local in `zone`.
    """
    dates = [rule.validation, rule.test] if isinstance(rule, Dates) else []
    return np.array([timestamps.moment(date, zone) for date in dates], "datetime64[ns]")


def trace(table: Path, declared: Declared, zone: str) -> tuple[Outline, Rule]:
    """Return the outline of a clean table, and the split with durations as dates of this table."""
    rule = dated(declared, _trace(table), zone) if isinstance(declared, Durations) else declared
    return _trace(table, moments(rule, zone)), rule


def _trace(table: Path, dates: Array = outlines.NO_MOMENTS) -> Outline:
    return outlines.trace(((part, None) for part, _ in rows.parts(table)), dates)


def dated(durations: Durations, outline: Outline, zone: str) -> Dates:
    """Return the dates to which durations come, back from the newest row of the table.

    Days and weeks are those of the clocks in `zone`, so that 60 days are 60 rows of daily data.
    """
    newest = outline.last_times.max()
    test = _before(newest, durations.test, zone)
    validation = _before(test, durations.validation, zone)
    return Dates(validation=_next(validation), test=_next(test))


def _before(time: np.datetime64, duration: str, zone: str) -> np.datetime64:
    """Return the time in UTC that is a duration before another one."""
    [(number, unit)] = DURATION.findall(duration)
    if unit == "h":
        return time - np.timedelta64(int(number), "h")
    days = pd.Timedelta(days=int(number) * (7 if unit == "w" else 1))
    local = timestamps.to_local(np.array([time]), zone) - days
    return np.datetime64(timestamps.to_instants(local, zone)[0])


def _next(time: np.datetime64) -> datetime:
    """Return the first time after a row, at which its next one may begin a part."""
    return pd.Timestamp(time, tz="UTC").ceil("us").to_pydatetime() + pd.Timedelta(1, "us")


def stops(outline: Outline, rule: Rule) -> Array:
    """Return the number of rows of each series up to the end of each split, (series, split).

    Raises `InputError` with every series in which a split is empty.
    """
    counts, earlier = outline.counts().tolist(), outline.earlier.tolist()
    result = [_stops(rule, *series) for series in zip(counts, earlier, strict=True)]
    findings: list[str] = []
    for series, (count, own) in enumerate(zip(counts, result, strict=True)):
        bounds = zip(SPLITS, [0, *own[:-1]], own, strict=True)
        if empty := [name for name, start, stop in bounds if start >= stop or stop > count]:
            findings.append(_too_short(outline, series, count, empty))
    if findings:
        raise InputError(*findings)
    return np.array(result)


def divide(outline: Outline, rule: Rule) -> Outline:
    """Return the outline with its runs cut where a split ends, and the split of each run.

    Raises `InputError` with every series in which a split is empty.
    """
    ends = stops(outline, rule)  # (series, split)
    counts = outline.counts()
    start = np.cumsum(counts) - counts  # (series,) its first row
    edges = (start[:, None] + ends)[ends < counts[:, None]]
    first = np.union1d(outline.first, edges)
    old = np.searchsorted(outline.first, first, side="right") - 1
    series = outline.series[old]
    split = ((first - start[series])[:, None] >= ends[series]).sum(axis=1)
    return replace(
        outline,
        first=first,
        stop=np.append(first[1:], outline.stop[-1]),
        series=series,
        segment=outline.segment[old],
        split=np.where(split == len(SPLITS), UNUSED, split).astype(np.int8),
    )


def training(outline: Outline, rule: Rule) -> list[slice]:
    """Return the training rows of each series.

    Raises `InputError` with every series in which a split is empty.
    """
    counts = outline.counts()
    starts = np.cumsum(counts) - counts
    ends = starts + stops(outline, rule)[:, TRAIN]
    return [slice(*rows) for rows in zip(starts.tolist(), ends.tolist(), strict=True)]


def counts(outline: Outline) -> Array:
    """Return the rows of each series in each split, and in the end those that none uses.

    `outline` is split. The result is (series, split + 1); the unused rows are at `UNUSED`.
    """
    counts = np.zeros((len(outline.names), len(SPLITS) + 1), np.int64)
    np.add.at(counts, (outline.series, outline.split), outline.stop - outline.first)
    return counts


def unused(outline: Outline) -> list[str]:
    """Return a line about the rows that no split uses, if there are any."""
    found = counts(outline)
    unused = found[:, UNUSED]
    if not unused.any():
        return []
    most = int(unused.argmax())
    return [
        f"{unused.sum():,} of {found.sum():,} rows are in no split and are not used "
        f"(most in series {outline.names[most]!r}: {unused[most]:,} of {found[most].sum():,}); "
        "standardize.split by shares or by dates uses every row"
    ]


def _stops(rule: Rule, count: int, earlier: list[int]) -> list[int]:
    """Return the row at which each split of a series of `count` rows ends.

    `earlier` counts the rows before each of the `moments` of the rule.
    """
    match rule:
        case Shares():
            shares = (rule.train, rule.train + rule.validation)
            return [*(int(np.floor(count * share + 1e-6)) for share in shares), count]
        case RowCounts():
            return list(accumulate((rule.train, rule.validation, rule.test)))
        case Dates():
            return [*earlier, count]


def _too_short(outline: Outline, series: int, count: int, empty: list[str]) -> str:
    """Say which splits of a series are empty, and what to do."""
    opens = timestamps.label(outline.first_times[series])
    closes = timestamps.label(outline.last_times[series])
    return (
        f"params.yaml: standardize.split: series {outline.names[series]!r} has {count} rows, "
        f"from {opens} to {closes}, too few for {' and '.join(empty)}; "
        "change the split, remove the series from the table, or set validate.series_policy to "
        "leave_out"
    )
