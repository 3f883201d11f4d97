"""The season length of a series, by its autocorrelation."""

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import Tick

from pipeline.tables.rows import Array

LEAST = 0.2  # the least autocorrelation that counts as a season
CLOSE = 0.05  # a longer season must be better by this much
DAY = pd.Timedelta("1D")
CYCLES = {"B": (5,), "W": (52,), "M": (12,), "Q": (4,)}  # by the first letters of a frequency


def cycles(frequency: str) -> tuple[int, ...]:
    """Return the season lengths that are natural for a frequency, in steps, the shortest first."""
    offset = to_offset(frequency)
    if frequency.startswith("BM"):
        return CYCLES["M"]
    if isinstance(offset, Tick) or frequency.endswith("D"):
        step = pd.Timedelta(offset) if isinstance(offset, Tick) else offset.n * DAY
        whole = [span / step for span in (DAY, 7 * DAY) if not span % step]
        if step < pd.Timedelta("1min"):
            whole = [pd.Timedelta("1min") / step, pd.Timedelta("1h") / step]
        return tuple(int(length) for length in whole if length > 1)
    letter = next((letter for letter in CYCLES if frequency.lstrip("0123456789")[:1] == letter), "")
    return tuple(n // offset.n for n in CYCLES.get(letter, ()) if n // offset.n > 1)


def autocorrelation(values: Array, most: int) -> Array:
    """Return the autocorrelation of `values` (row,), without their trend, at lags 0 to `most`."""
    series = pd.Series(values).interpolate(limit_direction="both").to_numpy(float)
    line = np.polynomial.Polynomial.fit(np.arange(len(series)), series, 1)
    rest = series - line(np.arange(len(series)))
    spectrum = np.fft.rfft(rest, 2 * len(rest))
    sums = np.fft.irfft(spectrum * spectrum.conj())[: most + 1]
    shares = sums / (len(rest) - np.arange(most + 1))
    return np.asarray(shares / shares[0] if shares[0] > 0 else np.zeros(most + 1))


def find(values: Array, frequency: str) -> tuple[int, float] | None:
    """Return the season length of a regular series and its autocorrelation, or null.

    A season is a natural cycle at which the autocorrelation peaks.
    """
    natural = [length for length in cycles(frequency) if 3 * length <= len(values)]
    if not natural or not np.isfinite(values).any():
        return None
    strength = autocorrelation(values, max(natural) + 1)
    found: tuple[int, float] | None = None
    for length in natural:
        value = float(strength[length])
        near = max(length // 4, 1)
        peak = value > strength[length - near] and value >= strength[length - 1] - 0.02
        better = found is None or value > found[1] + CLOSE
        if value >= LEAST and peak and better:
            found = length, value
    return found
