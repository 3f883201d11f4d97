"""The frequency: declared or inferred, and the regular clock that it stands for.

Days and longer steps are counted on the local calendar of `data.time_zone`, where a day can have 23 hours; shorter ones are even.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset, Tick

from pipeline.refusal import Refusal
from pipeline.series.readings import Readings
from pipeline.series.rows import Array

DAY = np.timedelta64(1, "D")
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
        since = (times - self.first).view(np.uint64)  # sorted, so never negative, and up to twice of what a timedelta64[ns] holds
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
    """A pandas frequency; raises `Refusal` where it is none, or does not go forward."""
    try:
        offset = to_offset(declared)
    except ValueError:
        offset = None
    if offset is None or offset.n < 1:
        raise Refusal(f"params.yaml: data.frequency is {declared!r}; use a pandas frequency such as 15min, h, D, B, W-MON or MS, or null to infer it")
    return offset


def infer(readings: Readings, zone: str) -> BaseOffset:
    """The step that most neighbouring times have in the longest series; raises `Refusal` where none has a majority, and from 28 days on."""
    longest = max(readings.slices(), key=lambda rows: rows.stop - rows.start)
    times = readings.times[longest]
    steps, counts = np.unique(np.diff(times), return_counts=True)
    if not len(steps) or 2 * counts.max() <= counts.sum() or steps[counts.argmax()] >= 28 * DAY:
        raise Refusal(
            f"{readings.origins.path}: no frequency can be inferred, since no step between two times has a majority below 28 days; set data.frequency"
        )
    step = steps[counts.argmax()]
    if step % DAY:
        return to_offset(pd.Timedelta(step))
    weekend = pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(zone).day_of_week >= 5
    return read("B" if step == DAY and len(times) > 7 and not weekend.any() else f"{step // DAY}D")


def _clock(times: Array, offset: BaseOffset, zone: str) -> Clock:
    """The clock that starts with the first of `times` (row,), sorted, and goes on to the last."""
    if isinstance(offset, Tick):
        return Even(times[0], pd.Timedelta(offset).to_timedelta64().astype("timedelta64[ns]"))
    first, last = pd.DatetimeIndex(times[[0, -1]]).tz_localize("UTC").tz_convert(zone)
    grid = pd.date_range(first, last, freq=offset).tz_convert("UTC").tz_localize(None)
    return Calendar(grid.as_unit("ns").to_numpy())


def clocks(readings: Readings, offset: BaseOffset, zone: str) -> list[Clock]:
    """One clock for each series."""
    return [_clock(readings.times[rows], offset, zone) for rows in readings.slices()]


def off_clock(readings: Readings, positions: Array, offset: BaseOffset, column: str) -> list[str]:
    """Times that are not on the clock of their series, and series of which most steps are longer than the clock's."""
    name, off = repr(offset.freqstr), positions == OFF
    if off.any():
        return readings.tell(off, column, f"times off the frequency {name}, counted from the first time of the series", "correct them, or data.frequency")
    far = np.append(False, (np.diff(positions) > 1) & (readings.series[1:] == readings.series[:-1]))
    often = 2 * np.bincount(readings.series[far], minlength=len(readings.names)) > readings.counts()
    return readings.tell(
        far & often[readings.series], column, f"times more than one step of the frequency {name} after the time before", "correct data.frequency"
    )


def positions(readings: Readings, clocks: list[Clock]) -> Array:
    """(row,) int64 steps since the first time of the series, `OFF` where a time is not on the clock."""
    return np.concatenate([clock.positions(readings.times[rows]) for clock, rows in zip(clocks, readings.slices(), strict=True)])
