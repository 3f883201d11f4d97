"""The frequency: declared or inferred, and the regular clock that it stands for.

Days and longer steps are counted on the local calendar of `data.time_zone`, where a day can have 23 hours; shorter ones are even.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset, Tick

from pipeline.core.errors import InputError
from pipeline.tables.faults import Fault
from pipeline.tables.readings import Readings
from pipeline.tables.rows import Array

DAY = np.timedelta64(1, "D")
PIECE = 1 << 20  # times that are looked at at a time
OFF = -1  # the position of a time that is not on the clock


class Clock(Protocol):
    """A regular sequence of times; positions count from its first."""

    def positions(self, times: Array) -> Array:
        """(row,) int64, `OFF` where a time is not one of the sequence."""

    def times(self, positions: Array) -> Array:
        """(row,) datetime64[ns]."""


@dataclass(frozen=True)
class Even:
    """Steps of one length."""

    first: np.datetime64
    step: np.timedelta64

    def positions(self, times: Array) -> Array:
        """Whole steps since the first time."""
        since = (times - self.first).view(
            np.uint64
        )  # sorted, so never negative, and up to twice of what a timedelta64[ns] holds
        whole, rest = np.divmod(since, self.step.astype(np.uint64))
        return np.where(rest == 0, whole.astype(np.int64), OFF)

    def times(self, positions: Array) -> Array:
        """The first time and so many steps."""
        return self.first + positions * self.step


@dataclass(frozen=True)
class Calendar:
    """Steps of different lengths: days across clock changes, business days, months."""

    grid: Array  # (step,) datetime64[ns]

    def positions(self, times: Array) -> Array:
        """Where the calendar has these times."""
        found = np.searchsorted(self.grid, times)
        on = np.isin(times, self.grid)
        return np.where(on, found, OFF)

    def times(self, positions: Array) -> Array:
        """The times that the calendar has there."""
        chosen: Array = self.grid[positions]
        return chosen


def read(declared: str) -> BaseOffset:
    """A pandas frequency; raises `InputError` where it is none, or does not go forward."""
    try:
        offset = to_offset(declared)
    except ValueError:
        offset = None
    if offset is None or offset.n < 1:
        raise InputError(
            f"params.yaml: data.frequency is {declared!r}; use a pandas frequency such as 15min, h, D, B, W-MON or MS, or null to infer it"
        )
    return offset


def infer(path: Path, times: Callable[[int, int], Array], rows: int, zone: str) -> BaseOffset:
    """The step that most neighbouring times of a series of `rows` have; raises `InputError` where none has a majority, and from 28 days on.

    `times` reads a part of them, from one row up to another.
    """
    counts: Counter[np.timedelta64] = Counter()
    for piece in _pieces(times, rows):
        steps, numbers = np.unique(np.diff(piece), return_counts=True)
        counts.update(dict(zip(steps, numbers.tolist(), strict=True)))
    step, count = counts.most_common(1)[0] if counts else (DAY, 0)
    if 2 * count <= counts.total() or step >= 28 * DAY:
        raise InputError(
            f"{path}: no frequency can be inferred, since no step between two times has a majority below 28 days; set data.frequency"
        )
    if step % DAY:
        return to_offset(pd.Timedelta(step))
    return read(
        "B"
        if step == DAY
        and rows > 7
        and not any(_weekend(piece, zone) for piece in _pieces(times, rows))
        else f"{step // DAY}D"
    )


def _pieces(times: Callable[[int, int], Array], rows: int) -> Iterator[Array]:
    """Neighbouring pieces share a row, so that every step is in one of them."""
    return (times(start, min(start + PIECE + 1, rows)) for start in range(0, rows, PIECE))


def _weekend(times: Array, zone: str) -> bool:
    return bool(
        (pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(zone).day_of_week >= 5).any()
    )


def clock(first: np.datetime64, last: np.datetime64, offset: BaseOffset, zone: str) -> Clock:
    """The clock that starts with the `first` time of a series and goes on to the `last`."""
    if isinstance(offset, Tick):
        return Even(first, pd.Timedelta(offset).to_timedelta64().astype("timedelta64[ns]"))
    start, stop = pd.DatetimeIndex([first, last]).tz_localize("UTC").tz_convert(zone)
    grid = pd.date_range(start, stop, freq=offset).tz_convert("UTC").tz_localize(None)
    return Calendar(grid.as_unit("ns").to_numpy())


def clocks(readings: Readings, offset: BaseOffset, zone: str) -> list[Clock]:
    """One clock for each series."""
    return [
        clock(readings.times[rows.start], readings.times[rows.stop - 1], offset, zone)
        for rows in readings.slices()
    ]


def off_clock(readings: Readings, positions: Array, offset: BaseOffset, column: str) -> Fault:
    """Times that are not on the clock of their series."""
    fault = f"times off the frequency {offset.freqstr!r}, counted from the first time of the series"
    return readings.fault(positions == OFF, column, fault, "correct them, or data.frequency")


def far(readings: Readings, positions: Array, offset: BaseOffset, column: str) -> Fault:
    """Times that are more than one step behind the row before, where all are on their clocks; `often` says for which series they are a fault."""
    later = np.append(
        False, (np.diff(positions) > 1) & (readings.series[1:] == readings.series[:-1])
    )
    fault = f"times more than one step of the frequency {offset.freqstr!r} after the time before"
    return readings.fault(later, column, fault, "correct data.frequency")


def often(fault: Fault, totals: Mapping[str, int]) -> Fault:
    """The fault of series in which most rows have it."""
    return fault.only({name for name, count in fault.counts.items() if 2 * count > totals[name]})


def positions(readings: Readings, clocks: list[Clock]) -> Array:
    """(row,) int64 steps since the first time of the series, `OFF` where a time is not on the clock."""
    return np.concatenate(
        [
            clock.positions(readings.times[rows])
            for clock, rows in zip(clocks, readings.slices(), strict=True)
        ]
    )
