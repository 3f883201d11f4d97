"""Clipping: the gradients of a fleet, (replica, parameter), to smaller ones of the same shape."""

from typing import Any

import tensorflow as tf

Tensor = Any


def none(gradient: Tensor) -> Tensor:
    """Gradients as they are."""
    return gradient


def norm(gradient: Tensor, limit: float) -> Tensor:
    """Shrink a replica's gradient, all of its variables as one vector, to a norm of at most `limit`: `global_clipnorm` of Keras."""
    size = tf.norm(gradient, axis=1, keepdims=True)
    return gradient * (limit / tf.maximum(size, limit))


def value(gradient: Tensor, limit: float) -> Tensor:
    """Hold each entry within -`limit` and `limit`: `clipvalue` of Keras."""
    return tf.clip_by_value(gradient, -limit, limit)
