"""Errors reduced to one loss per seed and origin, all series together."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pipeline.evaluation.metrics import Array, Counts, Mask, pieces


@dataclass(frozen=True)
class Losses:
    """Squared errors of an entry, summed over the series, steps and targets of each origin.

    `sums` is (seed, origin) and has the seeds that were not lost; `cells` is (origin,), the number
    of measured cells in each sum. A mean is a ratio of sums, so that every measured cell has the
    same weight and a masked one is in no number.
    """

    sums: Array
    cells: Counts

    @cached_property
    def by_seed(self) -> Array:
        """The mean loss of each seed, (seed,)."""
        means: Array = self.sums.sum(axis=1) / self.cells.sum()
        return means

    @cached_property
    def mean(self) -> float:
        """The mean loss over seeds; NaN where no seed is left."""
        return float(self.by_seed.mean()) if len(self.by_seed) else float("nan")

    @cached_property
    def influence(self) -> Array:
        """What each origin adds to the logarithm of the mean loss, (origin,), with the mean 0.

        The linear part of a ratio of sums: the mean of these values over a resampled set of origins
        is, to first order, the change of the logarithm.
        """
        seeds: Array = self.sums.mean(axis=0)
        surplus: Array = seeds / self.mean - self.cells
        influence: Array = surplus / self.cells.mean()
        return influence


def reduce(errors: Array, lost: Mask, origins: Counts) -> Losses:
    """Reduce signed errors (seed, window, horizon, target), NaN where the truth was not measured.

    `origins` (window,) numbers the origin of each window from 0. Errors may be a memory map; they
    are read once, in chunks of windows. Seeds that are `lost`, (seed,), are left out.
    """
    kept = np.flatnonzero(~lost)
    count = int(origins.max(initial=-1)) + 1
    sums, cells = np.zeros((len(kept), count)), np.zeros(count, np.int64)
    for part in pieces(errors) if len(kept) else ():
        chunk = errors[:, part][kept].astype(np.float64)
        measured = np.isfinite(chunk[0]).sum(axis=(1, 2))
        cells += np.bincount(origins[part], measured, count).astype(np.int64)
        squares = np.nansum(np.square(chunk, out=chunk), axis=(2, 3))  # (seed, window)
        for row, windows in zip(sums, squares, strict=True):
            row += np.bincount(origins[part], windows, count)
    return Losses(sums, cells)
