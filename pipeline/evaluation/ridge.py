"""Ridge regression from the flattened window to every cell of the horizon (Hoerl, Kennard, 1970).

Each cell (horizon step and target) has its own regression on the training windows where it was
measured, and equals `sklearn.linear_model.Ridge(alpha=ridge_penalty)` on those. scikit-learn would
hold all flattened windows in memory; here the normal equations are summed over chunks of windows in
float64. Where all cells were measured, they share one left-hand side.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.metrics import Array
from pipeline.evaluation.task import ForecastTask, Starts

CHUNK = 1 << 22  # window values that are in memory at once: 32 MB in float64
MEMORY = 1 << 26  # entries of left-hand sides that are summed at once: 512 MB in float64


@dataclass(frozen=True)
class Ridge:
    """The fitted regressions: `weights` (feature, cell) and `bias` (cell,)."""

    weights: Array
    bias: Array

    @property
    def parameters(self) -> int:
        """The number of coefficients."""
        return self.weights.size + self.bias.size

    def forecast(self, task: ForecastTask, starts: Starts) -> Array:
        """Return the forecasts of windows: (window, horizon, target) float32."""
        values = task.inputs(starts) @ self.weights + self.bias
        return values.reshape(-1, task.horizon, task.targets).astype(np.float32)


class _Moments:
    """Sums over the training windows where a group of cells was measured, for all of the group.

    The first window is subtracted before anything is summed, so that a large level costs no digits.
    """

    def __init__(self, cells: Starts, features: int) -> None:
        self.cells = cells
        self.count = 0
        self.inputs, self.answers = np.zeros(features), np.zeros(len(cells))
        self.squares = np.zeros((features, features))
        self.products = np.zeros((features, len(cells)))

    def add(self, inputs: Array, answers: Array) -> None:
        """Add windows: `inputs` (window, feature) and `answers` (window, cell of the task)."""
        answers = answers[:, self.cells]
        measured = np.isfinite(answers[:, 0])
        inputs, answers = inputs[measured], answers[measured]
        self.count += len(inputs)
        self.inputs += inputs.sum(axis=0)
        self.answers += answers.sum(axis=0)
        self.squares += inputs.T @ inputs
        self.products += inputs.T @ answers

    def solve(self, penalty: float) -> tuple[Array, Array]:
        """Return weights (feature, cell) and bias (cell,) of the centered windows.

        Both are 0, the center of the scaler, where no training window was measured.
        """
        count = max(self.count, 1)
        mean, target = self.inputs / count, self.answers / count
        scatter = self.squares - np.outer(self.inputs, mean)
        products = self.products - np.outer(self.inputs, target)
        weights = np.linalg.solve(scatter + penalty * np.eye(len(mean)), products)
        return weights, target - mean @ weights


def fit(task: ForecastTask) -> Ridge:
    """Fit the regressions on the training windows, as many at once as `MEMORY` holds."""
    groups = _groups(task)
    shift = task.inputs(task.train[:1])[0]
    level = np.nan_to_num(_flat_answers(task, task.train[:1])[0])
    weights = np.empty((task.features, task.horizon * task.targets))
    bias = np.empty(task.horizon * task.targets)
    together = max(1, MEMORY // task.features**2)
    for start in range(0, len(groups), together):
        moments = [_Moments(cells, task.features) for cells in groups[start : start + together]]
        for starts in _slices(task.train, task.features):
            inputs, answers = task.inputs(starts) - shift, _flat_answers(task, starts) - level
            for one in moments:
                one.add(inputs, answers)
        for one in moments:
            weights[:, one.cells], bias[one.cells] = one.solve(task.ridge_penalty)
    return Ridge(weights, bias + level - shift @ weights)


def _groups(task: ForecastTask) -> list[Starts]:
    """Return groups of cells that were measured in the same training windows.

    All cells are one group where the targets were measured throughout, and else each is its own.
    """
    cells = np.arange(task.horizon * task.targets)
    chunks = _slices(task.train, task.horizon * task.targets)
    complete = all(np.isfinite(task.answers(starts)).all() for starts in chunks)
    return [cells] if complete else [cells[i : i + 1] for i in cells]


def _flat_answers(task: ForecastTask, starts: Starts) -> Array:
    """Return what is to be forecast as (window, cell) float64."""
    return task.answers(starts).reshape(len(starts), -1).astype(np.float64)


def _slices(starts: Starts, values: int) -> Iterator[Starts]:
    """Yield the starts in chunks of windows of so many `values` each."""
    size = max(1, CHUNK // values)
    for first in range(0, len(starts), size):
        yield starts[first : first + size]
