"""Mean squared and mean absolute errors, their spread over seeds, and skill; all sums in float64."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]

CHUNK = 1 << 22  # errors that are squared at once: 32 MB, whatever the number of windows


@dataclass(frozen=True)
class Scores:
    """Means over the windows, each (seed, horizon, target) float64; NaN for a seed without forecasts."""

    squared: Array
    absolute: Array

    @property
    def mse(self) -> Array:
        """Mean squared error of each seed, over windows, horizon and targets: (seed,)."""
        return np.asarray(self.squared.mean(axis=(1, 2)))

    @property
    def mae(self) -> Array:
        """Mean absolute error of each seed, over windows, horizon and targets: (seed,)."""
        return np.asarray(self.absolute.mean(axis=(1, 2)))


def score(errors: Array) -> Scores:
    """Scores of signed errors (seed, window, horizon, target), which may be a memory map: read once, in chunks of windows."""
    seeds, windows, *steps = errors.shape
    squared, absolute = np.zeros((seeds, *steps)), np.zeros((seeds, *steps))
    size = max(1, CHUNK // max(1, errors[:, :1].size))
    for first in range(0, windows, size):
        chunk = errors[:, first : first + size].astype(np.float64)
        absolute += np.abs(chunk).sum(axis=1)
        squared += np.square(chunk).sum(axis=1)
    return Scores(squared / windows, absolute / windows)


@dataclass(frozen=True)
class Spread:
    """A metric over the seeds: NaN seeds are left out; `sd` (ddof=1) is NaN for fewer than two."""

    mean: float
    sd: float


def spread(values: Array) -> Spread:
    """Mean and standard deviation over the seeds that have a number, both NaN if none has: (seed,) -> Spread."""
    present = values[~np.isnan(values)]
    mean = float(present.mean()) if present.size else float("nan")
    sd = float(present.std(ddof=1)) if present.size > 1 else float("nan")
    return Spread(mean, sd)


def skill(mse: float, reference: float) -> float:
    """The share of the reference's MSE that is gone: 1 is perfect, 0 is as good, below 0 is worse; NaN for a reference of 0."""
    return 1.0 - mse / reference if reference else float("nan")
