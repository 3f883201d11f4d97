"""Optimizers on the weights of a whole fleet at once, (replica, parameter) matrices.

Same formulas and defaults as `keras.optimizers`, to float32 rounding; Keras' own cannot step replicas at rates of their own.
`step` counts from 1; `rate` is (replica, 1), so that every replica can follow a schedule of its own. Their memory is handed in and out:
`slots`, each (replica, parameter) or (replica, 1).
"""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

Tensor = Any
Slots = tuple[Tensor, ...]

BETA_1, BETA_2, EPSILON, RHO = 0.9, 0.999, 1e-7, 0.9


@dataclass(frozen=True)
class Optimizer:
    """The base. `weight_decay` times the rate is the share that every weight loses per step, apart from its gradient (Loshchilov and Hutter, 2019).

    Biases and the gains of normalizations decay too, as they do in Keras.
    """

    weight_decay: float
    _memories = 0  # how many matrices it remembers, all zero at first

    def initial(self, weights: Tensor) -> Slots:
        """The memory before the first step."""
        return (tf.zeros_like(weights),) * self._memories

    def apply(
        self, weights: Tensor, gradient: Tensor, slots: Slots, step: Tensor, rate: Tensor
    ) -> tuple[Tensor, Slots]:
        """Weights and memory after one step."""
        change, slots = self._change(gradient, slots, step, rate)
        kept = weights - weights * self.weight_decay * rate if self.weight_decay else weights
        return kept - change, slots

    def _change(
        self, gradient: Tensor, slots: Slots, step: Tensor, rate: Tensor
    ) -> tuple[Tensor, Slots]:
        """What to subtract from the weights because of their gradient, and the memory after it."""
        raise NotImplementedError


@dataclass(frozen=True)
class Adam(Optimizer):
    """Kingma and Ba, 2015; with weight decay it is AdamW."""

    _memories = 2

    def _change(
        self, gradient: Tensor, slots: Slots, step: Tensor, rate: Tensor
    ) -> tuple[Tensor, Slots]:
        mean, square = _moments(gradient, slots)
        scale = tf.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
        return rate * scale * mean / (tf.sqrt(square) + EPSILON), (mean, square)


@dataclass(frozen=True)
class Nadam(Optimizer):
    """Dozat, 2016, with the momentum schedule of Keras, whose running product is a number per replica."""

    _memories = 2

    def initial(self, weights: Tensor) -> Slots:
        """Two matrices, and the product."""
        return *super().initial(weights), tf.ones_like(weights[:, :1])

    def _change(
        self, gradient: Tensor, slots: Slots, step: Tensor, rate: Tensor
    ) -> tuple[Tensor, Slots]:
        mean, square = _moments(gradient, slots[:2])
        now, following = _nesterov(step), _nesterov(step + 1)
        product = slots[2] * now
        ahead = following * mean / (1 - product * following) + (1 - now) * gradient / (1 - product)
        return rate * ahead / (tf.sqrt(square / (1 - BETA_2**step)) + EPSILON), (
            mean,
            square,
            product,
        )


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent, with heavy-ball `momentum` (Polyak, 1964), 0 for none."""

    momentum: float
    _memories = 1

    def _change(
        self, gradient: Tensor, slots: Slots, step: Tensor, rate: Tensor
    ) -> tuple[Tensor, Slots]:
        change = self.momentum * slots[0] + rate * gradient
        return change, (change,)


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Tieleman and Hinton, 2012."""

    _memories = 1

    def _change(
        self, gradient: Tensor, slots: Slots, step: Tensor, rate: Tensor
    ) -> tuple[Tensor, Slots]:
        square = RHO * slots[0] + (1 - RHO) * tf.square(gradient)
        return rate * gradient / tf.sqrt(square + EPSILON), (square,)


def _moments(gradient: Tensor, slots: Slots) -> Slots:
    mean, square = slots
    return mean + (1 - BETA_1) * (gradient - mean), square + (1 - BETA_2) * (
        tf.square(gradient) - square
    )


def _nesterov(step: Tensor) -> Tensor:
    return BETA_1 * (1 - 0.5 * 0.96**step)
