"""The frequency of the times, their regular grid, and their gaps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import Tick

from pipeline.tables.rows import Array

DAY = np.timedelta64(1, "D")
CALENDARS = ("B", "MS", "ME", "BMS", "BME", "QS", "QE", "YS", "YE")
ROUND = ("s", "min", "5min", "10min", "15min", "30min", "h", "D")
ON_GRID = 0.95  # the least share of times that a frequency must hold


@dataclass(frozen=True)
class Steps:
    """A frequency; the rows of the regular grid of each series, and why."""

    frequency: str | None
    jitter: str | None
    positions: Sequence[Array]  # of each series, (row,) int64; -1 for a time off the grid
    reason: str

    def gaps(self) -> Array:
        """Return the number of missing rows at every gap of every series."""
        steps = [np.diff(np.unique(own[own >= 0])) - 1 for own in self.positions]
        whole = np.concatenate(steps) if steps else np.empty(0, np.int64)
        return whole[whole > 0]


def find(series: Sequence[Array], zone: str) -> Steps:
    """Return the frequency that the UTC times of most series have; each (row,), maybe unsorted."""
    longest = max(series, key=len)
    times = np.unique(longest[~np.isnat(longest)])
    jitter, size = None, _usual(times)
    if (name := _name(times, size, zone)) is None:
        rounded, jitter = _rounded(times)
        if jitter is None:
            return Steps(None, None, [np.full(len(own), -1) for own in series], "is not regular")
        size = _usual(rounded)
        name = _name(rounded, size, zone)
        series = [_round(own, rounded, times) for own in series]
    if name is None:
        return Steps(None, None, [np.full(len(own), -1) for own in series], "is not regular")
    positions = [_positions(own, name, zone) for own in series]
    between = np.concatenate([np.diff(np.unique(own[own >= 0])) for own in positions])
    share = float((between == 1).mean())
    words = "every row follows" if share == 1 else f"{share:.1%} of the rows follow"
    return Steps(name, jitter, positions, f"{words} the one before by this step")


def _usual(times: Array) -> np.timedelta64:
    """Return the most frequent step."""
    sizes, counts = np.unique(np.diff(times), return_counts=True)
    return sizes[counts.argmax()] if len(sizes) else DAY


def _name(times: Array, size: np.timedelta64, zone: str) -> str | None:
    """Return the pandas frequency of sorted times whose usual step is `size`, or null."""
    if len(times) < 3:
        return None
    local = pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(zone).tz_localize(None)
    whole_days = bool((local == local.normalize()).all())
    weekdays = whole_days and size == DAY and len(times) > 7 and not (local.day_of_week > 4).any()
    if whole_days and (size > 7 * DAY or weekdays):
        fitting = [name for name in CALENDARS if _holds(local, name)]
        return fitting[0] if fitting else _days(local, size)
    if whole_days and size >= DAY:
        return _days(local, size)
    share = ((times - times[0]) % size == np.timedelta64(0)).mean()
    regular = share >= ON_GRID and (np.diff(times) == size).mean() > 0.5
    return str(to_offset(pd.Timedelta(size)).freqstr) if regular else None


def _days(local: pd.DatetimeIndex, size: np.timedelta64) -> str | None:
    """Return a frequency of days or of weeks that end on the weekday of the times."""
    count = int(size / DAY)
    if (local.normalize().to_series().diff().dropna() == size).mean() <= 0.5:
        return None
    if count % 7:
        return f"{count}D" if count > 1 else "D"
    day = local.day_of_week.to_series().mode().iloc[0]
    weekday = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")[day]
    return f"{count // 7 if count > 7 else ''}W-{weekday}"


def _holds(local: pd.DatetimeIndex, name: str) -> bool:
    """Return whether nearly all days lie on the calendar `name`, and it has few others."""
    days = pd.date_range(local[0], local[-1], freq=name)
    return bool(local.isin(days).mean() >= ON_GRID and len(local) >= 0.5 * len(days))


def _rounded(times: Array) -> tuple[Array, str | None]:
    """Return the times on the coarsest round grid that is regular, and the largest distance."""
    index = pd.DatetimeIndex(times)
    for unit in reversed(ROUND):
        rounded = index.round(unit)
        steps = np.diff(rounded.to_numpy())
        distance = pd.Timedelta(np.abs((index - rounded).to_numpy()).max())
        size = _usual(np.unique(rounded.to_numpy()))
        if (steps == size).mean() > 0.9 and distance < pd.Timedelta(size) / 4:
            seconds = max(int(np.ceil(distance.total_seconds())), 1)
            return rounded.to_numpy(), f"{seconds}s"
    return times, None


def _round(own: Array, rounded: Array, times: Array) -> Array:
    """Return times of a series on the grid that `rounded` lies on."""
    size = _usual(np.unique(rounded))
    first = rounded[0]
    steps = np.round((own - first) / size)
    lost = np.isnan(steps)
    return np.where(
        lost, np.datetime64("NaT", "ns"), first + np.nan_to_num(steps).astype(int) * size
    )


def _positions(times: Array, name: str, zone: str) -> Array:
    """Return the place of each time on the grid that starts at the first one, -1 if off it."""
    known = ~np.isnat(times)
    if not known.any():
        return np.full(len(times), -1)
    offset = to_offset(name)
    first, last = times[known].min(), times[known].max()
    if isinstance(offset, Tick) and name != "D":
        size = pd.Timedelta(offset).to_timedelta64()
        since = np.where(known, times - first, size // 2).astype("timedelta64[ns]")
        on = since % size == np.timedelta64(0)
        return np.where(on & known, (since // size).astype(np.int64), -1)
    local = pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(zone).tz_localize(None)
    ends = pd.DatetimeIndex([first, last]).tz_localize("UTC").tz_convert(zone).tz_localize(None)
    grid = pd.date_range(ends[0], ends[1], freq=offset)
    return np.asarray(grid.get_indexer(local))
