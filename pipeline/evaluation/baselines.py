"""Forecasts that need no network: what a variant has to beat.

A baseline is a row of `BASELINES`: a function of a `ForecastTask` that returns a `Fitted`
forecaster. Baselines see the standardized array, and the same windows as the variants. Scaling is
affine, with one scale per series, so that a value copied on the standardized scale is the same copy
in real units.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.evaluation.metrics import Array
from pipeline.series.windows import gather, gather_targets

Starts = npt.NDArray[np.int64]
# window starts (window,) -> standardized forecasts (window, horizon, target)
Forecast = Callable[[Starts], Array]

CHUNK = 1 << 22  # window values that the ridge regression holds at once: 32 MB in float64


@dataclass(frozen=True)
class ForecastTask:
    """What a baseline may use: the rows up to each origin, and the training windows.

    `array` is (row, channel) with the targets first and the future covariates last. `segment`
    numbers the stretches without a gap, (row,), in ascending order. `train` and `test` are window
    starts, (window,).
    """

    array: Array
    segment: npt.NDArray[np.integer]
    train: Starts
    test: Starts
    lookback: int
    horizon: int
    targets: int
    future_covariates: int
    season_length: int
    ridge_penalty: float

    def inputs(self, starts: Starts) -> Array:
        """Return the windows that the networks see: (window, lookback * channel) float64."""
        inputs = gather(self.array, starts, self.lookback, self.horizon, self.future_covariates)
        return inputs.reshape(len(starts), -1).astype(np.float64)

    def truth(self, starts: Starts) -> Array:
        """Return what is to be forecast: (window, horizon, target) float32."""
        return gather_targets(self.array, starts, self.lookback, self.horizon, self.targets)

    def values(self, starts: Starts) -> Array:
        """Return inputs and truth side by side: (window, value) float64.

        There are lookback * channel + horizon * target values.
        """
        return np.hstack([self.inputs(starts), self.truth(starts).reshape(len(starts), -1)])


@dataclass(frozen=True)
class Fitted:
    """A baseline ready to forecast, its number of fitted parameters, and a note for the report."""

    forecast: Forecast
    parameters: int = 0
    note: str | None = None


@dataclass(frozen=True)
class Baseline:
    """A row of `BASELINES`.

    Skill is relative to the best of the baselines that are `naive`, which fit nothing.
    """

    fit: Callable[[ForecastTask], Fitted]
    naive: bool


def last_value(task: ForecastTask) -> Fitted:
    """Repeat the newest value of each target at every horizon step (random walk)."""

    def forecast(starts: Starts) -> Array:
        newest = task.array[starts + task.lookback - 1, : task.targets]  # (window, target)
        return np.repeat(newest[:, None], task.horizon, axis=1)

    return Fitted(forecast)


def seasonal_naive(task: ForecastTask) -> Fitted:
    """Repeat the value one season earlier (Hyndman and Athanasopoulos, 2021, section 5.2).

    A horizon longer than the season repeats the last season before the origin. A season longer than
    the lookback reaches back before the window, as a forecaster in use could. It never reaches back
    before the segment, where `season_length` rows are not one season of time: there the last value
    is repeated, and a note counts those windows.
    """

    def forecast(starts: Starts) -> Array:
        rows, reachable = _season_ago(task, starts)
        newest = (starts + task.lookback - 1)[:, None]
        return task.array[np.where(reachable, rows, newest), : task.targets]

    short = int((~_season_ago(task, task.test)[1].all(axis=1)).sum())
    note = (
        f"{short} of {len(task.test)} windows follow less than one season ({task.season_length} "
        "steps) without a gap; there the last value is repeated"
    )
    return Fitted(forecast, note=note if short else None)


def _season_ago(task: ForecastTask, starts: Starts) -> tuple[Starts, npt.NDArray[np.bool_]]:
    """Return the row that each horizon step repeats, and whether it lies in the window's segment.

    Both are (window, horizon).
    """
    steps = np.arange(task.horizon) % task.season_length - task.season_length
    rows = (starts + task.lookback)[:, None] + steps
    first = np.searchsorted(task.segment, task.segment[starts], side="left")
    return rows, rows >= first[:, None]


def ridge(task: ForecastTask) -> Fitted:
    """Fit a linear regression with an L2 penalty (Hoerl and Kennard, 1970).

    It maps the flattened window to every horizon step of every target at once, and equals
    `sklearn.linear_model.Ridge(alpha=ridge_penalty)` on the training windows. scikit-learn would
    hold all flattened windows in memory; here the normal equations are summed over chunks of
    windows in float64.
    """
    mean, scatter = _moments(task)
    features = task.lookback * task.array.shape[1]
    weights = np.linalg.solve(
        scatter[:features, :features] + task.ridge_penalty * np.eye(features),
        scatter[:features, features:],
    )
    bias = mean[features:] - mean[:features] @ weights

    def forecast(starts: Starts) -> Array:
        values = task.inputs(starts) @ weights + bias
        return values.reshape(-1, task.horizon, task.targets).astype(np.float32)

    return Fitted(forecast, weights.size + bias.size)


def _moments(task: ForecastTask) -> tuple[Array, Array]:
    """Return the mean (value,) and the centered scatter (value, value) of the training windows.

    The values are those of `ForecastTask.values`. The first window is subtracted before anything is
    summed, so that a large level costs no digits.
    """
    shift = task.values(task.train[:1])
    total, products = np.zeros(shift.size), np.zeros((shift.size, shift.size))
    size = max(1, CHUNK // shift.size)
    for first in range(0, len(task.train), size):
        chunk = task.values(task.train[first : first + size]) - shift
        total += chunk.sum(axis=0)
        products += chunk.T @ chunk
    mean = total / len(task.train)
    return mean + shift[0], products - np.outer(total, mean)


BASELINES: Mapping[str, Baseline] = {
    "last_value": Baseline(last_value, naive=True),
    "seasonal_naive": Baseline(seasonal_naive, naive=True),
    "ridge": Baseline(ridge, naive=False),
}
