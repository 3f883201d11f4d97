"""What a baseline may use: the arrays, and where its windows start."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.evaluation.metrics import Array, Mask

Codes = npt.NDArray[np.integer]
Starts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ForecastTask:
    """The rows up to each origin, the future covariates after it, and the windows of all splits.

    `array` is (row, channel), standardized, with the targets first and the future covariates last;
    what was not measured is filled there from earlier rows. `truth` is (row, target), NaN where the
    target was not measured. `series` and `segment` number the series and the stretches without a
    gap, (row,); segments ascend. `train`, `validation` and `test` are window starts, (window,).
    `indicators` pairs each channel that may be filled with the channel that is 1 where it was
    measured. `cache` is the folder of fitted baselines, or null.
    """

    array: Array
    truth: Array
    series: Codes
    segment: Codes
    train: Starts
    validation: Starts
    test: Starts
    lookback: int
    horizon: int
    future_covariates: int
    season_length: int
    ridge_penalty: float
    indicators: tuple[tuple[int, int], ...] = ()
    cache: Path | None = None

    @property
    def targets(self) -> int:
        """The number of targets."""
        return int(self.truth.shape[1])

    @property
    def features(self) -> int:
        """The number of values that a forecast is made from, those of `inputs`."""
        return self.lookback * self.array.shape[1] + self.horizon * self.future_covariates

    def past(self, starts: Starts) -> Array:
        """Return the rows up to each origin: (window, lookback, channel)."""
        return np.asarray(self.array[starts[:, None] + np.arange(self.lookback)])

    def future(self, starts: Starts) -> Array:
        """Return the future covariates of each step: (window, horizon, future covariate)."""
        first = self.array.shape[1] - self.future_covariates
        rows = starts[:, None] + self.lookback + np.arange(self.horizon)
        return np.asarray(self.array[rows, first:])

    def inputs(self, starts: Starts) -> Array:
        """Return what the networks see, flattened: (window, feature) float64, past before future."""
        seen = self.past(starts), self.future(starts)
        return np.hstack([part.reshape(len(starts), -1) for part in seen]).astype(np.float64)

    def answers(self, starts: Starts) -> Array:
        """Return what is to be forecast: (window, horizon, target), NaN where not measured."""
        rows = starts[:, None] + self.lookback + np.arange(self.horizon)
        return np.asarray(self.truth[rows])

    def measured(self, starts: Starts) -> Mask:
        """Return which cells of the past were measured: (window, lookback, target)."""
        return np.isfinite(self.truth[starts[:, None] + np.arange(self.lookback)])
