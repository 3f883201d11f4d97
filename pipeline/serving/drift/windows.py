"""Distances between windows of one column, and how unusual one is beside those of its history."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy import stats

from pipeline.tables.rows import Array

PARTS = 16  # the history holds at least this many windows
LEAST = 8  # rows of a window
PAIRS = 3  # disjoint pairs of windows that a calibration needs at least
MEASURED = 0.25  # share of a window's values that must not be missing


@dataclass(frozen=True)
class Windows:
    """One column of one series, cut into windows of `width` rows.

    `values` are the history and the new rows, (row,) in order of time, NaN where missing; the new
    rows begin at row `boundary`. `year` is the number of rows of a year.
    """

    values: Array
    boundary: int
    year: int

    @property
    def width(self) -> int:
        """The rows of a window: all new rows, or a sixteenth of the history if that is less."""
        return min(len(self.values) - self.boundary, self.boundary // PARTS)

    @property
    def new(self) -> Array:
        """The new rows, (row,)."""
        return self.values[self.boundary :]

    @property
    def old(self) -> Array:
        """The history, (row,)."""
        return self.values[: self.boundary]

    @cached_property
    def spread(self) -> float:
        """The standard deviation of the history, the unit of all distances; 1 if it is constant."""
        measured = self.old[~np.isnan(self.old)]
        spread = float(measured.std()) if measured.size else 0.0
        return spread if spread > 1e-9 * (1e-9 + float(np.abs(measured).max(initial=0))) else 1.0

    def starts(self) -> list[int]:
        """Return the first rows of the windows that cover the new rows; the last may overlap."""
        last = len(self.values) - self.width
        return [*range(self.boundary, last, self.width), last]

    def window(self, start: int) -> Array:
        """Return the values of a window, (row,)."""
        return self.values[start : start + self.width]

    def history(self) -> Iterator[Array]:
        """Yield the windows of the history, each overlapping the next by a half."""
        for start in range(0, self.boundary - self.width + 1, max(1, self.width // 2)):
            yield self.window(start)

    def references(self, start: int) -> Iterator[int]:
        """Yield where the windows begin that a new one is compared with.

        They are the last window of the history and, if it reaches so far back, the window of the
        same season: as many whole years earlier as are needed to be in the history.
        """
        yield self.boundary - self.width
        years = -(-(start + self.width - self.boundary) // self.year)
        if start - years * self.year >= 0:
            yield start - years * self.year

    def distance(self, first: Array, second: Array) -> float:
        """Return the Wasserstein distance of two windows in `spread`s; NaN if too much is missing.

        It is the mean distance by which values have to be moved to turn one window into the other.
        """
        one, other = first[~np.isnan(first)], second[~np.isnan(second)]
        if min(one.size, other.size) < max(1, MEASURED * self.width):
            return float("nan")
        return float(stats.wasserstein_distance(one, other)) / self.spread

    def sample(self, lag: int) -> tuple[Array, int]:
        """Return the distances of pairs of windows of the history, and how many are disjoint.

        The pairs are `lag` rows apart, or a window apart where there are too few of those.
        """
        if (self.boundary - lag) // self.width < PAIRS:
            lag = self.width
        firsts = range(0, self.boundary - lag - self.width + 1, max(1, self.width // 2))
        pairs = [self.distance(self.window(at), self.window(at + lag)) for at in firsts]
        known = np.array([pair for pair in pairs if not np.isnan(pair)])
        return known, int(min(len(known), (self.boundary - lag) // self.width))

    def scale_change(self) -> float:
        """Return the largest change of scale (see `scale_change`) from window to window."""
        windows = list(self.history())
        changes = [scale_change(*pair) for pair in pairwise(windows)]
        return max((change for change in changes if np.isfinite(change)), default=0.0)


def scale_change(first: Array, second: Array) -> float:
    """Return the absolute logarithm of the ratio of two interquartile ranges; NaN if one is 0."""
    ranges = [np.ptp(np.nanquantile(each, [0.25, 0.75])) for each in (first, second)]
    return float(abs(np.log(ranges[0] / ranges[1]))) if min(ranges) > 0 else float("nan")


def probability(distance: float, sample: Array, disjoint: int) -> float:
    """Return how likely a distance of at least this size is, given those of the history.

    It is the tail of a prediction interval for the next value, on the scale of the square root, on
    which distances are about normal. It is 1 for a distance that the history has seen, and where
    the history is too short to say.
    """
    if np.isnan(distance) or disjoint < PAIRS or distance <= sample.max():
        return 1.0
    roots = np.sqrt(sample)
    deviation = float(roots.std(ddof=1))
    above = float(np.sqrt(distance) - roots.mean())
    if deviation < 1e-12:
        return 0.0 if above > 1e-9 else 1.0
    score = above / (deviation * np.sqrt(1 + 1 / disjoint))
    return float(stats.t.sf(score, disjoint - 1))
