"""Mean squared and mean absolute errors, their spread over seeds, and skill.

All sums are in float64.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]

CHUNK = 1 << 22  # errors that are squared at once: 32 MB, whatever the number of windows


@dataclass(frozen=True)
class Scores:
    """Means over the windows, each (seed, horizon, target) float64; NaN for a failed seed."""

    squared: Array
    absolute: Array

    @property
    def mse(self) -> Array:
        """The mean squared error of each seed over windows, horizon and targets, (seed,)."""
        return np.asarray(self.squared.mean(axis=(1, 2)))

    @property
    def mae(self) -> Array:
        """The mean absolute error of each seed over windows, horizon and targets, (seed,)."""
        return np.asarray(self.absolute.mean(axis=(1, 2)))


def score(errors: Array) -> Scores:
    """Return the scores of signed errors (seed, window, horizon, target).

    The errors may be a memory map; they are read once, in chunks of windows.
    """
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
    """Mean and standard deviation (ddof=1) of a metric over the seeds that have one.

    `mean` is NaN without any such seed, `sd` with fewer than two.
    """

    mean: float
    sd: float


def spread(values: Array) -> Spread:
    """Return the spread of `values` (seed,), of which NaN are left out."""
    present = values[~np.isnan(values)]
    mean = float(present.mean()) if present.size else float("nan")
    sd = float(present.std(ddof=1)) if present.size > 1 else float("nan")
    return Spread(mean, sd)


def skill(mse: float, reference: float) -> float:
    """Return the skill score 1 - `mse` / `reference`, NaN for a `reference` of 0.

    1 is a perfect forecast, 0 one that is no better than the reference, below 0 one that is worse.
    """
    return 1.0 - mse / reference if reference else float("nan")
