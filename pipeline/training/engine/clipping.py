"""Gradient clipping: the gradients of a fleet, (replica, parameter), to smaller ones."""

import tensorflow as tf
from tensorflow import Tensor


def none(gradient: Tensor) -> Tensor:
    """Return the gradients as they are."""
    return gradient


def norm(gradient: Tensor, limit: float) -> Tensor:
    """Shrink each replica's gradient as a whole to a norm of at most `limit`.

    This is `global_clipnorm` of Keras: all variables of a replica form one vector.
    """
    size = tf.norm(gradient, axis=1, keepdims=True)
    return gradient * (limit / tf.maximum(size, limit))


def value(gradient: Tensor, limit: float) -> Tensor:
    """Clip each entry to [-`limit`, `limit`]: `clipvalue` of Keras."""
    return tf.clip_by_value(gradient, -limit, limit)
