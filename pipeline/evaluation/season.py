"""The season length of the seasonal naive baseline, where `evaluate.season_length` is null.

The calendar proposes: a minute, an hour, a day, a week or a year, in steps of the table. The
training rows choose the proposal with the highest autocorrelation, and of two that hardly differ
the shorter one.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.evaluation.metrics import Array, Mask
from pipeline.evaluation.task import Codes

SECONDS = {"minute": 60, "hour": 3600, "day": 86_400, "week": 604_800, "year": 31_556_952}
TOLERANCE = 0.03  # relative difference of a cycle from a whole number of steps
TINY = 1e-12
GAIN = 0.05  # of autocorrelation: a longer cycle repeats a shorter one, and noise may favor it
WEAK = 0.1  # an autocorrelation below this is no season
ROWS = 1 << 22  # of the table, from its start, are enough to choose by
Times = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class Season:
    """A season length in steps, the cycle that it is, and the autocorrelation at that lag.

    Without a season the length is 1, which repeats the last value, and the cycle is null.
    """

    length: int
    cycle: str | None = None
    autocorrelation: float = 0.0

    def __str__(self) -> str:
        if self.cycle is None:
            return "no season was found in the training split, so that the last value is repeated"
        return (
            f"a {self.cycle}, inferred: its autocorrelation in the training split is "
            f"{self.autocorrelation:.2f}"
        )


def infer(truth: Array, times: Times, series: Codes, segment: Codes, training: Mask) -> Season:
    """Return the season of the training rows.

    `truth` is (row, target), NaN where not measured; `times`, `series`, `segment` and `training`,
    which says whether a row belongs to the training split, are (row,). A lag is a season only if
    its autocorrelation is higher than that at half of it, as it is not in a mere trend.
    """
    series, segment, training = series[:ROWS], segment[:ROWS], training[:ROWS]
    values = np.where(training[:, None], truth[:ROWS], np.nan).astype(np.float64)
    values -= _means(values, series)
    step, best = _step(times[:ROWS], segment), Season(1)
    for cycle, seconds in SECONDS.items():
        length = round(seconds / step)
        if length < 2 or abs(length - seconds / step) > TOLERANCE * length:
            continue
        found = autocorrelation(values, segment, length)
        half = autocorrelation(values, segment, length // 2)
        if found > max(WEAK, half, best.autocorrelation + GAIN):
            best = Season(length, cycle, found)
    return best


def _means(values: Array, series: Codes) -> Array:
    """Return the mean of each target in the series of each row, (row, target)."""
    counted = np.isfinite(values)
    means = np.empty(values.shape)
    for target, column in enumerate(values.T):
        sums = np.bincount(series, np.where(counted[:, target], column, 0))
        counts = np.bincount(series, counted[:, target])
        means[:, target] = (sums / np.maximum(counts, 1))[series]
    return means


def _step(times: Times, segment: Codes) -> float:
    """Return the mean time from row to row within the segments, in seconds.

    A month is a twelfth of a year by this measure, and business days are five to the week.
    """
    inside = segment[1:] == segment[:-1]
    steps = np.diff(times.astype("datetime64[s]").astype(np.int64))[inside]
    return float(steps.mean()) if steps.size else np.inf


def autocorrelation(values: Array, segment: Codes, lag: int) -> float:
    """Return the autocorrelation of centered `values` (row, target), the mean over the targets.

    Only pairs of measured values in one segment count. It is 0 without any.
    """
    products = values[lag:] * values[:-lag]
    products[segment[lag:] != segment[:-lag]] = np.nan
    correlations = _means_of(products) / np.maximum(_means_of(values**2), TINY)
    return float(correlations.mean())


def _means_of(values: Array) -> Array:
    """Return the mean of each column without NaN, 0 where all are."""
    counts = np.isfinite(values).sum(axis=0)
    return np.asarray(np.nansum(values, axis=0) / np.maximum(counts, 1))
