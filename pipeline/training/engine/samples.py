"""The data of a fleet: an array of inputs, an array of truth, and the start rows of windows.

It lies on the device as a whole, or is sent there a few steps at a time if it is too large.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow import Tensor

from pipeline.config.model import Shape
from pipeline.series.channels import OBSERVED
from pipeline.series.dataset import Dataset
from pipeline.series.split import TRAIN
from pipeline.series.windows import Windows


@dataclass(frozen=True)
class DeviceData:
    """Rows on the device, float32: `inputs` (row, channel), and `targets` (row, target).

    A target is NaN where it was not measured. The future covariates are the last channels.
    """

    inputs: Tensor
    targets: Tensor
    shape: Shape

    def past(self, starts: Tensor) -> Tensor:
        """Gather all channels of the lookback, (window, lookback, channel), of these windows."""
        rows = tf.cast(starts, tf.int32)[:, None] + tf.range(self.shape.lookback)
        return tf.gather(self.inputs, rows)

    def future(self, starts: Tensor) -> Tensor:
        """Gather the future covariates of the horizon, (window, horizon, future covariate)."""
        ahead = self.shape.lookback + tf.range(self.shape.horizon)
        rows = tf.gather(self.inputs, tf.cast(starts, tf.int32)[:, None] + ahead)
        return rows[..., self.shape.channels - self.shape.future :]

    def truth(self, starts: Tensor, every_step: bool = False) -> Tensor:
        """Gather the targets to forecast, (window, horizon, target).

        With `every_step` they are those to forecast at each step of the lookback, (window,
        lookback, horizon, target).
        """
        ahead = self.shape.lookback + tf.range(self.shape.horizon)
        if every_step:
            ahead = tf.range(1 - self.shape.lookback, 1)[:, None] + ahead
        first = tf.reshape(tf.cast(starts, tf.int32), [-1, *[1] * len(ahead.shape)])
        return tf.gather(self.targets, first + ahead)


@dataclass(frozen=True)
class Samples:
    """The rows and windows that a fleet learns from.

    `inputs` (row, channel) and `truth` (row, target) are float32, perhaps memory-mapped; the truth
    is NaN where it was not measured. `train` and `validation` (window,) are the rows at which
    windows start.
    """

    inputs: np.ndarray
    truth: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    shape: Shape

    @cached_property
    def on_device(self) -> DeviceData:
        """All rows on the device."""
        return DeviceData(tf.constant(self.inputs), tf.constant(self.truth), self.shape)

    def parts(self, starts: np.ndarray, memory: int) -> Iterator[tuple[DeviceData, np.ndarray]]:
        """Yield the rows on the device, and the `starts` (step, ...) of windows in those rows.

        That is everything at once if the data fits `memory` bytes, else a few steps at a time.
        """
        if self.inputs.nbytes + self.truth.nbytes <= memory:
            yield self.on_device, starts.astype(np.int32)
            return
        shape = self.shape
        window_bytes = 4 * (shape.lookback + shape.horizon) * (shape.channels + shape.targets)
        steps = max(1, memory // (window_bytes * starts[0].size))
        for i in range(0, len(starts), steps):
            yield self._cut(starts[i : i + steps])

    def _cut(self, starts: np.ndarray) -> tuple[DeviceData, np.ndarray]:
        """Return only the rows of these windows, one window after another, and the new starts."""
        length = self.shape.lookback + self.shape.horizon
        rows = (starts.reshape(-1, 1) + np.arange(length)).ravel()
        new = np.arange(0, rows.size, length, dtype=np.int32)
        data = DeviceData(tf.constant(self.inputs[rows]), tf.constant(self.truth[rows]), self.shape)
        return data, new.reshape(starts.shape)

    def size(self, batch: int) -> int:
        """Return the number of windows in a batch: `batch`, or all of them if they are fewer."""
        return min(batch, len(self.train))

    def steps(self, batch: int) -> int:
        """Return the number of batches in an epoch; the last incomplete batch is dropped."""
        return len(self.train) // self.size(batch)

    def batches(self, batch: int, seeds: list[int], epoch: int) -> np.ndarray:
        """Return the start rows of an epoch, (step, replica, batch).

        The order of each replica depends on (seed, epoch) alone.
        """
        size, steps = self.size(batch), self.steps(batch)
        orders = [
            np.random.default_rng([seed, epoch]).permutation(self.train)[: steps * size]
            for seed in seeds
        ]
        return np.stack(orders).reshape(len(seeds), steps, size).transpose(1, 0, 2)


@lru_cache(maxsize=2)
def load(
    standardized: Path, windows: Path, values: str, shape: Shape
) -> tuple[Samples, np.ndarray]:
    """Read the folders of two stages; `values` (standardized or raw) are the inputs.

    Returns the samples, and the training rows of the inputs, (row, channel), which are NaN where
    a cell was not measured.
    """
    dataset, starts = Dataset.load(standardized), Windows.load(windows)
    inputs = {"standardized": dataset.standardized, "raw": dataset.raw}[values]
    samples = Samples(inputs, dataset.truth, starts.train, starts.validation, shape)
    rows = inputs[dataset.split == TRAIN]
    names = dataset.channels.names
    for indicator in dataset.channels.indicators:
        column = indicator.removesuffix(OBSERVED)
        if column in names:  # a category has a channel for each of its values instead
            filled = rows[:, names.index(indicator)] == 0
            rows[filled, names.index(column)] = np.nan
    return samples, rows
