"""Calendar channels: the position of a local time within a cycle, and whether its day is a holiday.

A cycle becomes a sine and a cosine, a pair without a seam: the end of a cycle lies beside its
beginning. Calendar channels are future covariates, since the time of every forecast step is known;
training and forecasting compute them with the same function. Instants are UTC, and the calendar is
the local one of `data.time_zone`: the hour of a day is that of the clock on the wall, and a Monday
is a local Monday.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Self

import numpy as np
import pandas as pd

from pipeline.config import calendars
from pipeline.config.data import Data
from pipeline.tables.rows import Array

DAY = np.timedelta64(1, "D")
MONDAY = np.datetime64("1970-01-05", "D")


@dataclass(frozen=True)
class Cycle:
    """A cycle of the calendar.

    `passed` maps local times (row,) to the fraction of the cycle that has passed, (row,) in [0, 1).
    `bins` is the number of equal parts of a cycle that are told apart.
    """

    passed: Callable[[Array], Array]
    bins: int


def _hour_of_day(times: Array) -> Array:
    return np.asarray((times - times.astype("datetime64[D]")) / DAY)


def _day_of_week(times: Array) -> Array:
    return (times.astype("datetime64[D]") - MONDAY) // DAY % 7 / 7


def _hour_of_week(times: Array) -> Array:
    return (times - MONDAY) / DAY % 7 / 7


def _day_of_year(times: Array) -> Array:
    year = times.astype("datetime64[Y]")
    first = year.astype("datetime64[D]")
    next_first = (year + 1).astype("datetime64[D]")
    return np.asarray((times.astype("datetime64[D]") - first) / (next_first - first))


_PASSED: Mapping[str, Callable[[Array], Array]] = {
    "hour_of_day": _hour_of_day,
    "day_of_week": _day_of_week,
    "hour_of_week": _hour_of_week,
    "day_of_year": _day_of_year,
}
CYCLES = {name: Cycle(passed, calendars.PHASES[name]) for name, passed in _PASSED.items()}


@dataclass(frozen=True)
class Calendar:
    """The cycles, the zone in which they are local, and whose holidays count, if any do.

    `holidays` is a country of the library `holidays`, perhaps with a subdivision: `US-NY`.
    """

    cycles: tuple[str, ...] = ()
    zone: str = "UTC"
    holidays: str | None = None

    @classmethod
    def of(cls, data: Data) -> Self:
        """Return the calendar that the section `data` asks for."""
        return cls(data.calendar, data.time_zone, data.holidays)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the channels: for each cycle its sine, then its cosine; then the holiday."""
        return calendars.channels(self.cycles, self.holidays)

    def channels(self, times: Array) -> Array:
        """Return the channels of `times`, (row, channel) float32 in [-1, 1].

        `times` is (row,) `datetime64` in UTC.
        """
        angles = 2 * np.pi * self.passed(times)
        result = np.empty((len(times), len(self.names)), np.float32)
        for position in range(len(self.cycles)):
            result[:, 2 * position] = np.sin(angles[:, position])
            result[:, 2 * position + 1] = np.cos(angles[:, position])
        if self.holidays:
            result[:, -1] = is_holiday(local(times, self.zone), self.holidays)
        return result

    def passed(self, times: Array) -> Array:
        """Return the fraction of each cycle that has passed, (row, cycle) float64 in [0, 1)."""
        clock = local(times, self.zone)
        passed = [CYCLES[cycle].passed(clock)[:, None] for cycle in self.cycles]
        return np.hstack([np.empty((len(times), 0)), *passed])


def local(times: Array, zone: str) -> Array:
    """Return UTC `times` (row,) as the clock on the wall in `zone` shows them."""
    clock = pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(zone)
    return clock.tz_localize(None).to_numpy()


def is_holiday(clock: Array, place: str) -> Array:
    """Return whether the days of local times (row,) are public holidays of `place`, (row,)."""
    days = clock.astype("datetime64[D]")
    years = np.unique(days.astype("datetime64[Y]")).astype(int) + 1970
    found = [day for year in years.tolist() for day in _holidays(place, year)]
    return np.isin(days, np.array(found, "datetime64[D]"))


@cache
def _holidays(place: str, year: int) -> tuple[str, ...]:
    """Return the public holidays of a year as ISO dates."""
    from holidays import country_holidays  # takes a second, which only those with holidays pay

    country, _, subdivision = place.partition("-")
    found = country_holidays(country, subdiv=subdivision or None, years=year)
    return tuple(day.isoformat() for day in found)
