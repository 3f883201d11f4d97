"""What a baseline may use: the arrays, and where its windows start."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.evaluation.metrics import Array, Mask
from pipeline.series.windows import Inputs, gather, gather_truth

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
        return len(self.truth[0])

    @property
    def features(self) -> int:
        """The number of values that a forecast is made from, those of `inputs`."""
        channels = len(self.array[0])
        return self.lookback * channels + self.horizon * self.future_covariates

    def seen(self, starts: Starts) -> Inputs:
        """Return what the networks see of the windows: their past, and the future covariates."""
        return gather(self.array, starts, self.lookback, self.horizon, self.future_covariates)

    def inputs(self, starts: Starts) -> Array:
        """Return what the networks see, the past before the future: (window, feature) float64."""
        flat = [part.reshape(len(starts), -1) for part in self.seen(starts)]
        return np.hstack(flat).astype(np.float64)

    def answers(self, starts: Starts) -> Array:
        """Return what is to be forecast: (window, horizon, target), NaN where not measured."""
        return gather_truth(self.truth, starts, self.lookback, self.horizon)

    def measured(self, starts: Starts) -> Mask:
        """Return which cells of the past were measured: (window, lookback, target)."""
        return np.asarray(np.isfinite(self.truth[starts[:, None] + np.arange(self.lookback)]))
