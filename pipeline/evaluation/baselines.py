"""Forecasts that need no network: what a variant has to beat.

Each baseline is a row of `BASELINES`: a function of a `ForecastTask` that returns a `Fitted` forecaster. Baselines work on the standardized array, on the
very windows that the variants are tested on; scaling is affine and each series has one scale, so a copied value is the same copy in real units.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.evaluation.metrics import Array
from pipeline.series.windows import gather, gather_targets

Starts = npt.NDArray[np.int64]
Forecast = Callable[
    [Starts], Array
]  # window starts (batch,) -> standardized forecasts (batch, horizon, target)

CHUNK = 1 << 22  # window values that the ridge regression holds at once: 32 MB in float64


@dataclass(frozen=True)
class ForecastTask:
    """What a baseline may know: the rows before each origin, and the training windows.

    `array` is (row, channel), targets first and `future` covariates last; `segment` numbers the gapless stretches, (row,), never falling.
    """

    array: Array
    segment: npt.NDArray[np.integer[Any]]
    train: Starts
    test: Starts
    lookback: int
    horizon: int
    targets: int
    future: int
    season_length: int
    penalty: float

    def inputs(self, starts: Starts) -> Array:
        """The windows that the networks see, flattened: (batch, lookback * channel) float64."""
        return (
            gather(self.array, starts, self.lookback, self.horizon, self.future)
            .reshape(len(starts), -1)
            .astype(np.float64)
        )

    def truth(self, starts: Starts) -> Array:
        """What is to be forecast: (batch, horizon, target) float32."""
        return gather_targets(self.array, starts, self.lookback, self.horizon, self.targets)

    def values(self, starts: Starts) -> Array:
        """Inputs, then outputs, flattened: (batch, lookback * channel + horizon * target) float64."""
        return np.hstack([self.inputs(starts), self.truth(starts).reshape(len(starts), -1)])


@dataclass(frozen=True)
class Fitted:
    """A baseline ready to forecast, its number of fitted parameters, and what a reader must know about it."""

    forecast: Forecast
    parameters: int = 0
    note: str | None = None


@dataclass(frozen=True)
class Baseline:
    """A row of the table; skill is measured against the best of those that are `naive`, that is fitted to nothing."""

    fit: Callable[[ForecastTask], Fitted]
    naive: bool


def last_value(task: ForecastTask) -> Fitted:
    """The newest value of the target, at every horizon step (the random walk's forecast)."""

    def forecast(starts: Starts) -> Array:
        newest = task.array[starts + task.lookback - 1, : task.targets]  # (batch, target)
        return np.repeat(newest[:, None], task.horizon, axis=1)

    return Fitted(forecast)


def seasonal_naive(task: ForecastTask) -> Fitted:
    """The value one season ago; a horizon longer than the season repeats the last season that is known at the origin.

    A season longer than the lookback reaches back before the window, which a forecaster in use could do as well. It never reaches over the
    start of the segment, where `season` rows are not one season of time: those steps get the last value, and the note counts them.
    """

    def forecast(starts: Starts) -> Array:
        rows, reachable = _season_ago(task, starts)
        newest = (starts + task.lookback - 1)[:, None]
        return task.array[np.where(reachable, rows, newest), : task.targets]

    short = int((~_season_ago(task, task.test)[1].all(axis=1)).sum())
    note = f"{short} of {len(task.test)} windows have less than a season ({task.season_length} steps) of unbroken past; there the last value stands in"
    return Fitted(forecast, note=note if short else None)


def _season_ago(task: ForecastTask, starts: Starts) -> tuple[Starts, npt.NDArray[np.bool_]]:
    """The row that each horizon step repeats, and whether it lies in the window's segment: both (batch, horizon)."""
    steps = np.arange(task.horizon) % task.season_length - task.season_length
    rows = (starts + task.lookback)[:, None] + steps
    first = np.searchsorted(task.segment, task.segment[starts], side="left")
    return rows, rows >= first[:, None]


def ridge(task: ForecastTask) -> Fitted:
    """Linear least squares with an L2 penalty (Hoerl and Kennard, 1970): the flattened window to every horizon step of every target at once.

    Equals `sklearn.linear_model.Ridge(alpha=penalty)` on the training windows; it is solved by the normal equations, summed up over chunks of
    windows in float64, because scikit-learn would hold all flattened windows in memory.
    """
    mean, scatter = _moments(task)
    features = task.lookback * task.array.shape[1]
    weights = np.linalg.solve(
        scatter[:features, :features] + task.penalty * np.eye(features),
        scatter[:features, features:],
    )
    bias = mean[features:] - mean[:features] @ weights

    def forecast(starts: Starts) -> Array:
        return (
            (task.inputs(starts) @ weights + bias)
            .reshape(-1, task.horizon, task.targets)
            .astype(np.float32)
        )

    return Fitted(forecast, weights.size + bias.size)


def _moments(task: ForecastTask) -> tuple[Array, Array]:
    """Mean (value,) and centred sum of products (value, value) of the training windows' values, which are inputs, then outputs.

    The first window is subtracted before anything is summed, so that a large level costs no digits.
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
