"""The data of a fleet: an array of inputs, an array of targets, and the start rows of windows.

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
from pipeline.series.dataset import Dataset
from pipeline.series.split import TRAIN
from pipeline.series.windows import Windows, align


@dataclass(frozen=True)
class DeviceData:
    """Rows on the device, float32: `inputs` (row, channel), and `targets` (row, target).

    The inputs are aligned with their future covariates, as windows see them.
    """

    inputs: Tensor
    targets: Tensor
    shape: Shape

    def windows(self, starts: Tensor) -> Tensor:
        """Gather the inputs (window, lookback, channel) of the windows at `starts` (window,)."""
        rows = tf.cast(starts, tf.int32)[:, None] + tf.range(self.shape.lookback)
        return tf.gather(self.inputs, rows)

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

    `inputs` (row, channel) and `targets` (row, target) are float32, perhaps memory-mapped;
    `train` and `validation` (window,) are the rows at which windows start.
    """

    inputs: np.ndarray
    targets: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    shape: Shape

    @cached_property
    def on_device(self) -> DeviceData:
        """All rows on the device."""
        return self._send(self.inputs, self.targets)

    def _send(self, inputs: np.ndarray, targets: np.ndarray) -> DeviceData:
        """Send rows (..., row, channel) to the device, aligned with their future covariates."""
        aligned = align(inputs, self.shape.horizon, self.shape.future)
        return DeviceData(
            tf.constant(aligned.reshape(-1, self.shape.channels)),
            tf.constant(targets.reshape(-1, self.shape.targets)),
            self.shape,
        )

    def parts(self, starts: np.ndarray, memory: int) -> Iterator[tuple[DeviceData, np.ndarray]]:
        """Yield the rows on the device, and the `starts` (step, ...) of windows in those rows.

        That is everything at once if the data fits `memory` bytes, else a few steps at a time.
        """
        if self.inputs.nbytes + self.targets.nbytes <= memory:
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
        rows = starts.reshape(-1, 1) + np.arange(length)  # (window, row)
        new = np.arange(0, rows.size, length, dtype=np.int32)
        return self._send(self.inputs[rows], self.targets[rows]), new.reshape(starts.shape)

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

    Returns the samples, and the training rows of the inputs, (row, channel).
    """
    dataset, starts = Dataset.load(standardized), Windows.load(windows)
    inputs = {"standardized": dataset.standardized, "raw": dataset.raw}[values]
    targets = dataset.standardized[:, : shape.targets]
    samples = Samples(inputs, targets, starts.train, starts.validation, shape)
    return samples, inputs[dataset.split == TRAIN]
