"""The data of a fleet on its device: one array of inputs, one of targets, and the starts of windows."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.network.configuration import Shape
from pipeline.series.dataset import Dataset
from pipeline.series.split import TRAIN
from pipeline.series.windows import Windows

Tensor = Any


@dataclass(frozen=True)
class Samples:
    """`inputs` (row, channel) and `targets` (row, target), float32; `train` and `validation` (window,), the rows where windows start."""

    inputs: Tensor
    targets: Tensor
    train: np.ndarray
    validation: np.ndarray
    shape: Shape

    @classmethod
    def on_device(cls, inputs: np.ndarray, targets: np.ndarray, train: np.ndarray, validation: np.ndarray, shape: Shape) -> "Samples":
        """Known channels move up by the horizon: at the row of an input step stands the calendar of one horizon later."""
        measured = inputs.shape[1] - shape.known
        ahead = np.concatenate([inputs[:, :measured], np.roll(inputs[:, measured:], -shape.horizon, axis=0)], axis=1)
        return cls(tf.constant(ahead), tf.constant(targets), train.astype(np.int32), validation.astype(np.int32), shape)

    def windows(self, starts: Tensor) -> Tensor:
        """Gather inputs (window, lookback, channel)."""
        return tf.gather(self.inputs, starts[:, None] + tf.range(self.shape.lookback))

    def truth(self, starts: Tensor, every_step: bool = False) -> Tensor:
        """Gather what is forecast at the newest step (window, horizon, target), or at every step (window, lookback, horizon, target)."""
        last = self.shape.lookback + tf.range(self.shape.horizon)
        ahead = tf.range(1 - self.shape.lookback, 1)[:, None] + last if every_step else last
        return tf.gather(self.targets, tf.reshape(starts, [-1, *[1] * len(ahead.shape)]) + ahead)

    def steps(self, size: int) -> int:
        """Batches of an epoch."""
        return max(len(self.train) // size, 1)

    def batches(self, size: int, seeds: list[int], epoch: int) -> np.ndarray:
        """The starts of an epoch, (step, replica, batch): each replica's permutation hangs on (seed, epoch) alone; the odd rest sits out."""
        size, steps = min(size, len(self.train)), self.steps(size)
        orders = [np.random.default_rng([seed, epoch]).permutation(self.train)[: steps * size] for seed in seeds]
        return np.stack(orders).reshape(len(seeds), steps, size).transpose(1, 0, 2)


@lru_cache(maxsize=2)
def load(standardized: Path, windows: Path, values: str, shape: Shape) -> tuple[Samples, np.ndarray]:
    """The data of two stages' folders with `values`, standardized or raw, as inputs; and the training rows of those inputs."""
    dataset, starts = Dataset.load(standardized), Windows.load(windows)
    inputs = {"standardized": dataset.standardized, "raw": dataset.raw}[values]
    samples = Samples.on_device(inputs, dataset.standardized[:, : shape.targets], starts.train, starts.validation, shape)
    return samples, inputs[dataset.split == TRAIN]
