"""Mean squared, absolute and signed errors, their spread over seeds, and skill.

A cell is one target at one horizon step of one window. Only cells whose truth was measured count:
the error of any other cell is NaN, and in no sum. All sums are in float64.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]
Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

CHUNK = 1 << 22  # errors that are squared at once: 32 MB, whatever the number of windows
HORIZON, TARGET = 1, 2  # axes of sums


@dataclass(frozen=True)
class CellMeans:
    """Means of an error over measured cells, from its sums over the windows.

    `sums` and the number of `cells` in them are (seed, horizon, target). A mean over steps or
    targets is the mean over all of their cells, not the mean of their means. It is NaN for a lost
    seed, and where no cell was measured.
    """

    sums: Array
    cells: Counts

    @property
    def overall(self) -> Array:
        """The mean of each seed, (seed,)."""
        return self._over(HORIZON, TARGET)

    @property
    def by_step(self) -> Array:
        """The mean of each seed at each horizon step, (seed, horizon)."""
        return self._over(TARGET)

    @property
    def by_target(self) -> Array:
        """The mean of each seed for each target, (seed, target)."""
        return self._over(HORIZON)

    @property
    def by_step_and_target(self) -> Array:
        """The mean of each seed for each target at each step, (seed, horizon, target)."""
        return self._over()

    def _over(self, *axes: int) -> Array:
        sums, cells = self.sums.sum(axis=axes), self.cells.sum(axis=axes)
        means: Array = np.divide(sums, cells, out=np.full(sums.shape, np.nan), where=cells > 0)
        return means


@dataclass(frozen=True)
class Scores:
    """Mean squared, mean absolute and mean signed errors over the measured cells.

    `cells` counts them, (horizon, target): they are the same for every seed that is not lost, and
    0 where all are.
    """

    squared: CellMeans
    absolute: CellMeans
    signed: CellMeans

    @property
    def mse(self) -> Array:
        """The mean squared error of each seed over all measured cells, (seed,)."""
        return self.squared.overall

    @property
    def mae(self) -> Array:
        """The mean absolute error of each seed over all measured cells, (seed,)."""
        return self.absolute.overall

    @property
    def cells(self) -> Counts:
        """The number of measured cells at each step of each target, (horizon, target)."""
        return np.asarray(self.squared.cells.max(axis=0))


def pieces(errors: Array) -> Iterator[slice]:
    """Yield windows of `errors` (seed, window, horizon, target) that are in memory at once."""
    size = max(1, CHUNK // max(1, errors[:, :1].size))
    for first in range(0, errors.shape[1], size):
        yield slice(first, first + size)


def score(errors: Array, lost: Mask) -> Scores:
    """Return the scores of signed errors (seed, window, horizon, target), NaN where unmeasured.

    Seeds that are `lost`, (seed,), have none, whatever their errors are. The errors may be a memory
    map; they are read once, in chunks of windows.
    """
    seeds, _, *steps = errors.shape
    squared, absolute, signed = np.zeros((3, seeds, *steps))
    cells = np.zeros((seeds, *steps), np.int64)
    for part in pieces(errors):
        chunk = errors[:, part].astype(np.float64)
        chunk[lost] = np.nan
        cells += np.isfinite(chunk).sum(axis=1)
        absolute += np.nansum(np.abs(chunk), axis=1)
        squared += np.nansum(np.square(chunk), axis=1)
        signed += np.nansum(chunk, axis=1)
    return Scores(*(CellMeans(sums, cells) for sums in (squared, absolute, signed)))


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
