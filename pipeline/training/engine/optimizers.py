"""Optimizers on the weights of a whole fleet at once, (replica, parameter) matrices.

The formulas and defaults are those of `keras.optimizers`, to float32 rounding; the optimizers of
Keras cannot step replicas at different rates. `step` counts from 1; `rate` is (replica, 1), so
that every replica can follow its own schedule. The optimizer's memory is passed in and out as
`slots`, each (replica, parameter) or (replica, 1).
"""

from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf
from tensorflow import Tensor

Slots = tuple[Tensor, ...]

BETA_1, BETA_2, EPSILON, RHO = 0.9, 0.999, 1e-7, 0.9


@dataclass(frozen=True)
class Optimizer:
    """The base of all optimizers.

    In every step each weight loses the share `weight_decay` x rate, decoupled from its gradient
    (Loshchilov and Hutter, 2019). All of them do, as in Keras, but those that are `spared`
    (parameter,): the option `spare` says whether these are none, those of normalizations, or those
    and the biases.
    """

    weight_decay: float
    spare: str = field(default="none", kw_only=True)
    spared: np.ndarray | None = field(default=None, kw_only=True, repr=False)
    _memories = 0  # how many matrices it remembers, all zero at first

    def initial(self, weights: Tensor) -> Slots:
        """Return the memory before the first step."""
        return (tf.zeros_like(weights),) * self._memories

    def apply(
        self, weights: Tensor, gradient: Tensor, slots: Slots, step: Tensor, rate: Tensor
    ) -> tuple[Tensor, Slots]:
        """Return weights and memory after one step."""
        change, slots = self._change(gradient, slots, step, rate)
        if self.weight_decay:
            weights = self._decayed(weights, self.weight_decay, rate)
        return weights - change, slots

    def _decayed(self, weights: Tensor, weight_decay: float | Tensor, rate: Tensor) -> Tensor:
        """Return the weights less what decays of those that are not spared."""
        decay = weights * weight_decay * rate
        return weights - (decay if self.spared is None else tf.where(self.spared, 0.0, decay))

    def evaluated(self, weights: Tensor, slots: Slots) -> Tensor:
        """Return the weights that are validated, kept and forecast with."""
        return weights

    def _change(
        self, gradient: Tensor, slots: Slots, step: Tensor, rate: Tensor
    ) -> tuple[Tensor, Slots]:
        """Return what to subtract from the weights for `gradient`, and the new memory."""
        raise NotImplementedError


@dataclass(frozen=True)
class OwnDecay(Optimizer):
    """An `optimizer` without weight decay, and a weight decay of each replica's own.

    The decays, (replica, 1), are the last of the `slots`, zero at first. As what an optimizer
    subtracts for a gradient does not depend on the weights, they may decay before it.
    """

    optimizer: Optimizer

    def initial(self, weights: Tensor) -> Slots:
        """Return the memory of the optimizer, and the decays."""
        return *self.optimizer.initial(weights), tf.zeros_like(weights[:, :1])

    def apply(
        self, weights: Tensor, gradient: Tensor, slots: Slots, step: Tensor, rate: Tensor
    ) -> tuple[Tensor, Slots]:
        """Return weights and memory after one step."""
        decayed = self._decayed(weights, slots[-1], rate)
        weights, memory = self.optimizer.apply(decayed, gradient, slots[:-1], step, rate)
        return weights, (*memory, slots[-1])

    def evaluated(self, weights: Tensor, slots: Slots) -> Tensor:
        """Return the weights that the optimizer names."""
        return self.optimizer.evaluated(weights, slots[:-1])


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015); with weight decay it is AdamW."""

    _memories = 2

    def _change(
        self, gradient: Tensor, slots: Slots, step: Tensor, rate: Tensor
    ) -> tuple[Tensor, Slots]:
        mean, square = _moments(gradient, slots)
        scale = tf.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
        return rate * scale * mean / (tf.sqrt(square) + EPSILON), (mean, square)


@dataclass(frozen=True)
class Nadam(Optimizer):
    """Nadam (Dozat, 2016) with the momentum schedule of Keras.

    The running product of the schedule is one number per replica.
    """

    _memories = 2

    def initial(self, weights: Tensor) -> Slots:
        """Return two matrices and the product."""
        return *super().initial(weights), tf.ones_like(weights[:, :1])

    def _change(
        self, gradient: Tensor, slots: Slots, step: Tensor, rate: Tensor
    ) -> tuple[Tensor, Slots]:
        mean, square = _moments(gradient, slots[:2])
        now, following = _nadam_momentum(step), _nadam_momentum(step + 1)
        product = slots[2] * now
        ahead = following * mean / (1 - product * following) + (1 - now) * gradient / (1 - product)
        change = rate * ahead / (tf.sqrt(square / (1 - BETA_2**step)) + EPSILON)
        return change, (mean, square, product)


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent with heavy-ball `momentum` (Polyak, 1964), 0 for none."""

    momentum: float
    _memories = 1

    def _change(
        self, gradient: Tensor, slots: Slots, step: Tensor, rate: Tensor
    ) -> tuple[Tensor, Slots]:
        change = self.momentum * slots[0] + rate * gradient
        return change, (change,)


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSprop (Tieleman and Hinton, 2012)."""

    _memories = 1

    def _change(
        self, gradient: Tensor, slots: Slots, step: Tensor, rate: Tensor
    ) -> tuple[Tensor, Slots]:
        square = RHO * slots[0] + (1 - RHO) * tf.square(gradient)
        return rate * gradient / tf.sqrt(square + EPSILON), (square,)


def _moments(gradient: Tensor, slots: Slots) -> Slots:
    """Return the moving averages of the gradient and of its square, as Adam and Nadam keep them."""
    mean, square = slots
    mean = mean + (1 - BETA_1) * (gradient - mean)
    square = square + (1 - BETA_2) * (tf.square(gradient) - square)
    return mean, square


def _nadam_momentum(step: Tensor) -> Tensor:
    return BETA_1 * (1 - 0.5 * 0.96**step)
