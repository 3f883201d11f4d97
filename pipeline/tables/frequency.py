"""The frequency, declared or inferred from the steps between times."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset, Tick

from pipeline.core.errors import InputError
from pipeline.tables.rows import Array
from pipeline.tables.timestamps import to_local

DAY = np.timedelta64(1, "D")
NONE = np.timedelta64(0, "ns")
PIECE = 1 << 20  # times that are looked at at a time


def read(declared: str) -> BaseOffset:
    """Return a pandas frequency; raises `InputError` where it is none, or does not go forward."""
    try:
        offset = to_offset(declared)
    except (ValueError, OverflowError):
        offset = None
    if offset is None or offset.n < 1:
        raise InputError(
            f"params.yaml: data.frequency is {declared!r}; use a pandas frequency such as 15min, "
            "h, D, B, W-MON or MS, or null to infer it"
        )
    return offset


def counts_days(declared: str | None) -> bool:
    """Return whether the steps of a declared frequency are days or longer, of the local calendar.

    A frequency that is none counts nothing; `read` rejects it.
    """
    try:
        return declared is not None and not isinstance(read(declared), Tick)
    except InputError:
        return False


def infer(path: Path, times: Array, zone: str) -> BaseOffset:
    """Return the step that most neighbouring `times` (row,) of a series have.

    Months, quarters and years are recognized where each of them begins, or each ends. Raises
    `InputError` where no step has a majority. The times may be memory-mapped; they are looked at
    piece by piece, and duplicated ones count once.
    """
    counts: Counter[np.timedelta64] = Counter()
    for piece in _pieces(times):
        steps, numbers = np.unique(np.diff(piece), return_counts=True)
        counts.update(dict(zip(steps, numbers.tolist(), strict=True)))
    counts.pop(NONE, None)
    step, count = counts.most_common(1)[0] if counts else (DAY, 0)
    if months := _months(times, zone) if step >= 28 * DAY else None:
        return read(months)
    if 2 * count <= counts.total() or step >= 28 * DAY:
        raise InputError(
            f"{path}: no frequency can be inferred, since no step between two times has a majority "
            "below 28 days; set data.frequency"
        )
    if step % DAY:
        return to_offset(pd.Timedelta(step))
    week = step == DAY and len(times) > 7
    business = week and not any(_weekend(piece, zone) for piece in _pieces(times))
    return read("B" if business else f"{step // DAY}D")


def _months(times: Array, zone: str) -> str | None:
    """Return the frequency of times that are all first or all last days of months."""
    local = to_local(np.asarray(times), zone)
    steps = np.diff((local.year * 12 + local.month).to_numpy())
    steps = steps[steps > 0]
    if not len(steps) or not (local == local.normalize()).all():
        return None
    step, count = Counter(steps.tolist()).most_common(1)[0]
    anchor = "MS" if local.is_month_start.all() else "ME" if local.is_month_end.all() else None
    return f"{step}{anchor}" if anchor and 2 * count > len(steps) else None


def _pieces(times: Array) -> Iterator[Array]:
    """Yield neighbouring pieces that share a time, so that every step lies in one of them."""
    for start in range(0, len(times), PIECE):
        yield np.asarray(times[start : start + PIECE + 1])


def _weekend(times: Array, zone: str) -> bool:
    return bool((to_local(times, zone).day_of_week >= 5).any())
