"""Losses: an error, forecast - truth of any shape, to what it costs, of the same shape; a fleet takes the mean over windows, steps and targets."""

from typing import Any

import tensorflow as tf

Tensor = Any


def mse(error: Tensor) -> Tensor:
    """Squared error: the forecast is the mean of what may come."""
    return tf.square(error)


def mae(error: Tensor) -> Tensor:
    """Absolute error: the forecast is the median."""
    return tf.abs(error)


def huber(error: Tensor, delta: float) -> Tensor:
    """Huber, 1964: squared up to `delta` (in training standard deviations), absolute from there on."""
    size = tf.abs(error)
    return tf.where(size < delta, 0.5 * tf.square(error), delta * (size - 0.5 * delta))


def pinball(error: Tensor, quantile: float) -> Tensor:
    """Koenker and Bassett, 1978: the forecast is the `quantile` of what may come, each step and target by itself."""
    return tf.maximum(-quantile * error, (1 - quantile) * error)
