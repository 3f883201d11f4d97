"""Optimizers on the weights of a whole fleet at once: pure functions on (replica, parameter) matrices.

Same formulas and defaults as `keras.optimizers`, to float32 rounding; Keras' own cannot step replicas at rates of their own.
`step` counts from 1; `rate` is (replica, 1), so that every replica can follow a schedule of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

Tensor = Any
Update = Callable[[Tensor, tuple[Tensor, ...], Tensor, Tensor], tuple[Tensor, tuple[Tensor, ...]]]

BETA_1, BETA_2, EPSILON, RHO = 0.9, 0.999, 1e-7, 0.9


@dataclass(frozen=True)
class Optimizer:
    """`initial(weights) -> slots`, its memory, and `update(gradient, slots, step, rate) -> (what to subtract from the weights, slots)`."""

    initial: Callable[[Tensor], tuple[Tensor, ...]]
    update: Update


def _moments(gradient: Tensor, slots: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    mean, square = slots
    return mean + (1 - BETA_1) * (gradient - mean), square + (1 - BETA_2) * (tf.square(gradient) - square)


def _adam(gradient: Tensor, slots: tuple[Tensor, ...], step: Tensor, rate: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Kingma and Ba, 2015."""
    mean, square = _moments(gradient, slots)
    scale = tf.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
    return rate * scale * mean / (tf.sqrt(square) + EPSILON), (mean, square)


def _nadam(gradient: Tensor, slots: tuple[Tensor, ...], step: Tensor, rate: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Dozat, 2016, with the momentum schedule of Keras."""
    mean, square = _moments(gradient, slots[:2])
    now, following = _nesterov(step), _nesterov(step + 1)
    product = slots[2] * now
    ahead = following * mean / (1 - product * following) + (1 - now) * gradient / (1 - product)
    return rate * ahead / (tf.sqrt(square / (1 - BETA_2**step)) + EPSILON), (mean, square, product)


def _nesterov(step: Tensor) -> Tensor:
    return BETA_1 * (1 - 0.5 * 0.96**step)


def _sgd(gradient: Tensor, slots: tuple[Tensor, ...], step: Tensor, rate: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Plain stochastic gradient descent."""
    return rate * gradient, slots


def _rmsprop(gradient: Tensor, slots: tuple[Tensor, ...], step: Tensor, rate: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Tieleman and Hinton, 2012."""
    square = RHO * slots[0] + (1 - RHO) * tf.square(gradient)
    return rate * gradient / tf.sqrt(square + EPSILON), (square,)


def _zeros(number: int) -> Callable[[Tensor], tuple[Tensor, ...]]:
    return lambda weights: (tf.zeros_like(weights),) * number


OPTIMIZERS: Mapping[str, Optimizer] = {
    "adam": Optimizer(_zeros(2), _adam),
    "nadam": Optimizer(lambda weights: (*_zeros(2)(weights), tf.ones_like(weights[:, :1])), _nadam),
    "sgd": Optimizer(_zeros(0), _sgd),
    "rmsprop": Optimizer(_zeros(1), _rmsprop),
}
