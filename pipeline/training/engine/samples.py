"""The data of a fleet: one array of inputs, one of targets, and the starts of windows; on the device as a whole, or by and by where it is too large."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.config.model import Shape
from pipeline.series.dataset import Dataset
from pipeline.series.split import TRAIN
from pipeline.series.windows import Windows, align

Tensor = Any


@dataclass(frozen=True)
class DeviceData:
    """DeviceData on the device: `inputs` (row, channel) as windows read them, `targets` (row, target), float32."""

    inputs: Tensor
    targets: Tensor
    shape: Shape

    def windows(self, starts: Tensor) -> Tensor:
        """Gather inputs (window, lookback, channel)."""
        return tf.gather(
            self.inputs, tf.cast(starts, tf.int32)[:, None] + tf.range(self.shape.lookback)
        )

    def truth(self, starts: Tensor, every_step: bool = False) -> Tensor:
        """Gather what is forecast at the newest step (window, horizon, target), or at every step (window, lookback, horizon, target)."""
        last = self.shape.lookback + tf.range(self.shape.horizon)
        ahead = tf.range(1 - self.shape.lookback, 1)[:, None] + last if every_step else last
        return tf.gather(
            self.targets,
            tf.reshape(tf.cast(starts, tf.int32), [-1, *[1] * len(ahead.shape)]) + ahead,
        )


@dataclass(frozen=True)
class Samples:
    """`inputs` (row, channel) and `targets` (row, target), float32, perhaps memory-mapped; `train` and `validation` (window,), the rows where windows start."""

    inputs: np.ndarray
    targets: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    shape: Shape

    @cached_property
    def whole(self) -> DeviceData:
        """All rows on the device."""
        return self._rows(self.inputs, self.targets)

    def _rows(self, inputs: np.ndarray, targets: np.ndarray) -> DeviceData:
        """Put rows (..., row, channel) on the device, future covariates aligned with the horizon."""
        aligned = align(inputs, self.shape.horizon, self.shape.known)
        return DeviceData(
            tf.constant(aligned.reshape(-1, self.shape.channels)),
            tf.constant(targets.reshape(-1, self.shape.targets)),
            self.shape,
        )

    def parts(self, starts: np.ndarray, memory: int) -> Iterator[tuple[DeviceData, np.ndarray]]:
        """`starts` (step, ...) of windows with the rows to gather them from: all of both where the data fits `memory` bytes, else a few steps at a time."""
        if self.inputs.nbytes + self.targets.nbytes <= memory:
            yield self.whole, starts.astype(np.int32)
            return
        window = (
            4
            * (self.shape.lookback + self.shape.horizon)
            * (self.shape.channels + self.shape.targets)
        )
        steps = max(1, memory // (window * starts[0].size))
        yield from (self._cut(starts[i : i + steps]) for i in range(0, len(starts), steps))

    def _cut(self, starts: np.ndarray) -> tuple[DeviceData, np.ndarray]:
        """The rows of these windows alone, one window behind the other, and where each starts there: the same numbers for whoever gathers them."""
        length = self.shape.lookback + self.shape.horizon
        rows = starts.reshape(-1, 1) + np.arange(length)
        return self._rows(self.inputs[rows], self.targets[rows]), np.arange(
            0, rows.size, length, dtype=np.int32
        ).reshape(starts.shape)

    def size(self, batch: int) -> int:
        """Windows in a batch: as many as asked for, or all."""
        return min(batch, len(self.train))

    def steps(self, batch: int) -> int:
        """Batches of an epoch."""
        return len(self.train) // self.size(batch)

    def batches(self, batch: int, seeds: list[int], epoch: int) -> np.ndarray:
        """The starts of an epoch, (step, replica, batch): each replica's permutation hangs on (seed, epoch) alone; the odd rest sits out."""
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
    """The data of two stages' folders with `values`, standardized or raw, as inputs; and the training rows of those inputs."""
    dataset, starts = Dataset.load(standardized), Windows.load(windows)
    inputs = {"standardized": dataset.standardized, "raw": dataset.raw}[values]
    samples = Samples(
        inputs, dataset.standardized[:, : shape.targets], starts.train, starts.validation, shape
    )
    return samples, inputs[dataset.split == TRAIN]
