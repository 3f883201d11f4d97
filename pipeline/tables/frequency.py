"""The frequency, declared or inferred, and the regular clock that it stands for.

Days and longer steps are counted on the local calendar of `data.time_zone`, where a day can have 23
hours; shorter steps all have the same length.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset, Tick

from pipeline.core.errors import InputError
from pipeline.tables.raw import RawRows
from pipeline.tables.rows import Array

DAY = np.timedelta64(1, "D")
PIECE = 1 << 20  # times that are looked at at a time
OFF = -1  # the position of a time that is not on the clock


class Clock(Protocol):
    """A regular sequence of times; positions count from its first."""

    def positions(self, times: Array) -> Array:
        """Return (row,) int64, `OFF` where a time is not one of the sequence."""

    def times(self, positions: Array) -> Array:
        """Return (row,) datetime64[ns]."""


@dataclass(frozen=True)
class Even:
    """Steps of one length."""

    first: np.datetime64
    step: np.timedelta64

    def positions(self, times: Array) -> Array:
        """Return the whole steps since the first time."""
        # Times are sorted: never negative, but up to twice of what a timedelta64[ns] holds.
        since = (times - self.first).view(np.uint64)
        whole, rest = np.divmod(since, self.step.astype(np.uint64))
        return np.where(rest == 0, whole.astype(np.int64), OFF)

    def times(self, positions: Array) -> Array:
        """Return the first time plus so many steps."""
        return self.first + positions * self.step


@dataclass(frozen=True)
class Calendar:
    """Steps of different lengths: days across clock changes, business days, months."""

    grid: Array  # (step,) datetime64[ns]

    def positions(self, times: Array) -> Array:
        """Return where the calendar has these times."""
        found = np.searchsorted(self.grid, times)
        return np.where(np.isin(times, self.grid), found, OFF)

    def times(self, positions: Array) -> Array:
        """Return the times that the calendar has there."""
        return np.asarray(self.grid[positions])


def read(declared: str) -> BaseOffset:
    """Return a pandas frequency; raises `InputError` where it is none, or does not go forward."""
    try:
        offset = to_offset(declared)
    except ValueError:
        offset = None
    if offset is None or offset.n < 1:
        raise InputError(
            f"params.yaml: data.frequency is {declared!r}; use a pandas frequency such as 15min, "
            "h, D, B, W-MON or MS, or null to infer it"
        )
    return offset


def infer(path: Path, times: Array, zone: str) -> BaseOffset:
    """Return the step that most neighbouring `times` (row,) of a series have.

    Raises `InputError` where no step has a majority, and from 28 days on. The times may be
    memory-mapped; they are looked at piece by piece.
    """
    counts: Counter[np.timedelta64] = Counter()
    for piece in _pieces(times):
        steps, numbers = np.unique(np.diff(piece), return_counts=True)
        counts.update(dict(zip(steps, numbers.tolist(), strict=True)))
    step, count = counts.most_common(1)[0] if counts else (DAY, 0)
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


def _pieces(times: Array) -> Iterator[Array]:
    """Yield neighbouring pieces that share a time, so that every step lies in one of them."""
    for start in range(0, len(times), PIECE):
        yield np.asarray(times[start : start + PIECE + 1])


def _weekend(times: Array, zone: str) -> bool:
    local = pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(zone)
    return bool((local.day_of_week >= 5).any())


def clock(first: np.datetime64, last: np.datetime64, offset: BaseOffset, zone: str) -> Clock:
    """Return the clock that starts at the `first` time of a series and goes on to the `last`."""
    if isinstance(offset, Tick):
        return Even(first, pd.Timedelta(offset).to_timedelta64().astype("timedelta64[ns]"))
    start, stop = pd.DatetimeIndex([first, last]).tz_localize("UTC").tz_convert(zone)
    grid = pd.date_range(start, stop, freq=offset).tz_convert("UTC").tz_localize(None)
    return Calendar(grid.as_unit("ns").to_numpy())


def clocks(rows: RawRows, offset: BaseOffset, zone: str) -> list[Clock]:
    """Return one clock for each series, from its first row to its last."""
    return [
        clock(rows.times[own.start], rows.times[own.stop - 1], offset, zone)
        for own in rows.slices()
    ]


def positions(rows: RawRows, clocks: Sequence[Clock]) -> Array:
    """Return (row,) int64 steps since the start of the clock, `OFF` for a time off it."""
    parts = zip(clocks, rows.slices(), strict=True)
    return np.concatenate([clock.positions(rows.times[own]) for clock, own in parts])
