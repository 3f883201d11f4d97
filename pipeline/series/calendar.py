"""Calendar channels: the position of a time within a cycle, as sine and cosine.

The pair has no seam: the end of a cycle lies beside its beginning. Calendar channels are future
covariates, since the time of every forecast step is known; training and forecasting compute them
with the same function. All cycles are those of UTC.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from pipeline.tables.rows import Array

DAY = np.timedelta64(1, "D")
MONDAY = np.datetime64("1970-01-05", "D")


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


# times (row,) -> the fraction of the cycle that has passed, (row,) in [0, 1)
CYCLES: Mapping[str, Callable[[Array], Array]] = {
    "hour_of_day": _hour_of_day,
    "day_of_week": _day_of_week,
    "hour_of_week": _hour_of_week,
    "day_of_year": _day_of_year,
}


def names(cycles: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the channels: for each cycle its sine, then its cosine."""
    return tuple(f"{cycle}_{function}" for cycle in cycles for function in ("sin", "cos"))


def channels(times: Array, cycles: Sequence[str]) -> Array:
    """Return the channels of `times`, (row, 2 * cycle) float32 in [-1, 1].

    `times` is (row,) `datetime64` in UTC.
    """
    result = np.empty((len(times), 2 * len(cycles)), np.float32)
    for position, cycle in enumerate(cycles):
        angle = 2 * np.pi * CYCLES[cycle](times)
        result[:, 2 * position] = np.sin(angle)
        result[:, 2 * position + 1] = np.cos(angle)
    return result
