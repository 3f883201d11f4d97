"""Averages of the weights over the steps of a training."""

from dataclasses import dataclass

import tensorflow as tf
from tensorflow import Tensor

from pipeline.training.engine.optimizers import Optimizer, Slots


def none(optimizer: Optimizer) -> Optimizer:
    """Average nothing: the weights of the last step are validated and kept."""
    return optimizer


def ema(optimizer: Optimizer, decay: float) -> Optimizer:
    """Return an optimizer that also keeps an exponential moving average of the weights."""
    return Ema(optimizer.weight_decay, optimizer, decay)


@dataclass(frozen=True)
class Ema(Optimizer):
    """An optimizer, and the exponential moving average of the weights that it goes through.

    After each step, average <- d * average + (1 - d) * weights with d = min(`decay`, (1 + step) /
    (10 + step)), so that the initial weights are soon forgotten. This is
    `tf.train.ExponentialMovingAverage` with `num_updates`. Training goes on from the weights; the
    average is validated, decides about stopping, and is kept. Moving statistics of normalizations
    are averages already; they stay as they are. The average is the last of the `slots`.
    """

    optimizer: Optimizer
    decay: float

    def initial(self, weights: Tensor) -> Slots:
        """Return the memory of the optimizer, and the initial weights as the average."""
        return *self.optimizer.initial(weights), weights

    def apply(
        self, weights: Tensor, gradient: Tensor, slots: Slots, step: Tensor, rate: Tensor
    ) -> tuple[Tensor, Slots]:
        """Return weights and memory after one step."""
        weights, memory = self.optimizer.apply(weights, gradient, slots[:-1], step, rate)
        share = 1 - tf.minimum(self.decay, (1 + step) / (10 + step))
        return weights, (*memory, slots[-1] + share * (weights - slots[-1]))

    def evaluated(self, weights: Tensor, slots: Slots) -> Tensor:
        """Return the average."""
        return slots[-1]
