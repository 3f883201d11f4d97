"""Calendar channels: where a time stands in a cycle, as sine and cosine, so that a cycle's end lies beside its beginning.

They are known in the future, and the same function serves training and forecasting. Cycles are those of UTC.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
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
    first, next_first = year.astype("datetime64[D]"), (year + 1).astype("datetime64[D]")
    return np.asarray((times.astype("datetime64[D]") - first) / (next_first - first))


CYCLES: Mapping[
    str, Callable[[Array], Array]
] = {  # times (row,) -> how much of the cycle has passed, (row,) in [0, 1)
    "hour_of_day": _hour_of_day,
    "day_of_week": _day_of_week,
    "hour_of_week": _hour_of_week,
    "day_of_year": _day_of_year,
}


def names(cycles: Sequence[str]) -> tuple[str, ...]:
    """The channels' names: sine, then cosine of each cycle."""
    return tuple(f"{cycle}_{function}" for cycle in cycles for function in ("sin", "cos"))


def channels(times: Array, cycles: Sequence[str]) -> Array:
    """The channels of `times` (row,) `datetime64` in UTC: (row, 2 * cycle) float32 in [-1, 1]."""
    result = np.empty((len(times), 2 * len(cycles)), np.float32)
    for position, cycle in enumerate(cycles):
        angle = 2 * np.pi * CYCLES[cycle](times)
        result[:, 2 * position], result[:, 2 * position + 1] = np.sin(angle), np.cos(angle)
    return result
