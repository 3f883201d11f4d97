"""Clocks: the regular sequences of times that a frequency stands for.

Days and longer steps are counted on the local calendar of `data.time_zone`, where a day can have
23 or 25 hours, and where a day begins at its first instant; shorter steps all have the same length.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from pandas.tseries.offsets import BaseOffset, Tick

from pipeline.tables.raw import RawRows
from pipeline.tables.rows import Array
from pipeline.tables.timestamps import to_instants, to_local

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
    """Steps of different lengths: days across clock changes, business days, months.

    A time that a clock change repeats may be either of the two.
    """

    grid: Array  # (step,) datetime64[ns] in UTC
    local: Array  # (step,) the same as local times
    zone: str

    def positions(self, times: Array) -> Array:
        """Return where the calendar has these times."""
        places = _search(self.grid, times)
        odd = np.flatnonzero(places == OFF)
        if len(odd):
            places[odd] = _search(self.local, to_local(times[odd], self.zone).to_numpy())
        return places

    def times(self, positions: Array) -> Array:
        """Return the times that the calendar has there."""
        return np.asarray(self.grid[positions])


def _search(grid: Array, times: Array) -> Array:
    """Return the position of each time in an ascending grid, `OFF` where it has none."""
    places = np.searchsorted(grid, times)
    return np.where(np.append(grid, grid[:1])[places] == times, places, OFF)


def clock(first: np.datetime64, last: np.datetime64, offset: BaseOffset, zone: str) -> Clock:
    """Return the clock that starts at the `first` time of a series and goes on to the `last`."""
    if isinstance(offset, Tick):
        return Even(first, pd.Timedelta(offset).to_timedelta64().astype("timedelta64[ns]"))
    stop = to_local(np.array([last]), zone)[0]
    return _calendar(pd.date_range(_begin(first, zone), stop, freq=offset), zone)


def following(origin: np.datetime64, count: int, offset: BaseOffset, zone: str) -> Array:
    """Return the next `count` times after `origin`, (count,) datetime64[ns] in UTC."""
    if isinstance(offset, Tick):
        step = pd.Timedelta(offset).to_timedelta64().astype("timedelta64[ns]")
        return np.asarray(origin + np.arange(1, count + 1) * step)
    start = _begin(origin, zone)
    grid = _calendar(pd.date_range(start, periods=count + 1, freq=offset), zone).grid
    return np.asarray(grid[grid > origin][:count])


def _begin(first: np.datetime64, zone: str) -> pd.Timestamp:
    """Return a local time as its date where it is the first instant of a day."""
    local = to_local(np.array([first]), zone)
    midnight = local.normalize()
    return (midnight if to_instants(midnight, zone)[0] == first else local)[0]


def _calendar(local: pd.DatetimeIndex, zone: str) -> Calendar:
    return Calendar(to_instants(local, zone), local.as_unit("ns").to_numpy(), zone)


def clocks(rows: RawRows, offset: BaseOffset, zone: str) -> list[Clock]:
    """Return one clock for each series, from its first row to its last."""
    return [
        clock(rows.times[own.start], rows.times[own.stop - 1], offset, zone)
        for own in rows.slices()
    ]


def positions(rows: RawRows, clocks: Sequence[Clock]) -> Array:
    """Return (row,) int64 steps since the start of the clock, `OFF` for a time off it.

    A second time at one and the same step is off the clock, too, unless the times are equal.
    """
    parts = zip(clocks, rows.slices(), strict=True)
    places = np.concatenate([clock.positions(rows.times[own]) for clock, own in parts])
    again = rows.later()
    again[1:] &= (places[1:] == places[:-1]) & (rows.times[1:] != rows.times[:-1])
    places[again] = OFF
    return places
