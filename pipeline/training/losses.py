"""Losses: an error, forecast - truth of any shape, to what it costs, of the same shape; a fleet takes the mean over windows, steps and targets."""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

Tensor = Any


def _mse(error: Tensor) -> Tensor:
    return tf.square(error)


def _mae(error: Tensor) -> Tensor:
    return tf.abs(error)


def _huber(error: Tensor) -> Tensor:
    """Huber, 1964, with its knee at 1 (one training standard deviation)."""
    size = tf.abs(error)
    return tf.where(size < 1, 0.5 * tf.square(error), size - 0.5)


LOSSES: Mapping[str, Callable[[Tensor], Tensor]] = {"mse": _mse, "mae": _mae, "huber": _huber}
