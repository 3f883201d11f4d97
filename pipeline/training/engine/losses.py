"""Losses: from an error (forecast - truth, any shape) to its cost, of the same shape.

A fleet takes the mean over the measured cells of windows, steps and targets.
"""

import tensorflow as tf
from tensorflow import Tensor


def mse(error: Tensor) -> Tensor:
    """Return the squared error; the best forecast is the conditional mean."""
    return tf.square(error)


def mae(error: Tensor) -> Tensor:
    """Return the absolute error; the best forecast is the conditional median."""
    return tf.abs(error)


def huber(error: Tensor, delta: float) -> Tensor:
    """Return a loss that is squared up to `delta` and linear beyond it (Huber, 1964).

    `delta` is in standard deviations of the training rows.
    """
    size = tf.abs(error)
    return tf.where(size < delta, 0.5 * tf.square(error), delta * (size - 0.5 * delta))


def pinball(error: Tensor, quantile: float) -> Tensor:
    """Return the quantile loss (Koenker and Bassett, 1978).

    The best forecast is the conditional `quantile` of each step and target by itself.
    """
    return tf.maximum(-quantile * error, (1 - quantile) * error)
