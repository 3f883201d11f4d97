"""Times that are a little off their grid, moved onto it where that is declared (`data.jitter`)."""

import numpy as np
import pandas as pd
from pandas.tseries.offsets import BaseOffset, Tick

from pipeline.tables.rows import Array
from pipeline.tables.timestamps import to_instants, to_local

DAY = pd.Timedelta(1, "D")


class Rounding:
    """Moves times that lie at most `jitter` from the grid of a frequency onto it.

    The grid of steps below a day are the local times that are multiples of the step, counted from
    1970; that of longer ones are the local days. `moved` counts the times that were not on it, and
    `furthest` is the largest distance of one.
    """

    def __init__(self, jitter: str, offset: BaseOffset, zone: str) -> None:
        self.jitter, self.zone = pd.Timedelta(jitter).to_timedelta64(), zone
        self.step = pd.Timedelta(offset) if isinstance(offset, Tick) else DAY
        self.by_days = not isinstance(offset, Tick)
        self.moved, self.furthest = 0, np.timedelta64(0, "ns")

    @property
    def too_wide(self) -> bool:
        """Whether a time could belong to two steps of the grid."""
        return bool(2 * self.jitter >= self.step.to_timedelta64())

    def apply(self, times: Array) -> Array:
        """Return the times (row,); NaT and what is further away stay as they are."""
        rows = np.flatnonzero(~np.isnat(times))
        written = times[rows]
        nearest = self._nearest(written)
        distance = np.abs(nearest - written)
        close = (distance <= self.jitter) & (distance > np.timedelta64(0))
        if close.any():
            self.moved += int(close.sum())
            self.furthest = max(self.furthest, distance[close].max())
        result = times.copy()
        result[rows[close]] = nearest[close]
        return result

    def _nearest(self, times: Array) -> Array:
        local = to_local(times, self.zone)
        if not self.by_days:
            return np.asarray(times + (_round(local, self.step) - local.to_numpy()))
        days = [to_instants(local.normalize() + more, self.zone) for more in (0 * DAY, DAY)]
        return np.where(times - days[0] <= days[1] - times, *days)

    def notes(self) -> list[str]:
        """Return what the report says about it."""
        if not self.moved:
            return []
        furthest = pd.Timedelta(self.furthest).total_seconds()
        return [
            f"{self.moved} times were moved onto the grid of the frequency, by at most "
            f"{furthest:g} seconds (data.jitter)"
        ]


def _round(local: pd.DatetimeIndex, step: pd.Timedelta) -> Array:
    """Return the nearest multiples of a step since 1970, the later one where two are as near."""
    since = local.as_unit("ns").to_numpy().astype(np.int64)
    length = step.value
    return ((since + length // 2) // length * length).astype("datetime64[ns]")
