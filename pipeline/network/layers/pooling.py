"""Pooling over time that keeps the newest samples."""

from typing import Unpack

import keras
from keras import ops

from pipeline.network.base import LayerConfig, LayerOptions, Tensor, TensorShape, register

REDUCTIONS = {"average": ops.mean, "max": ops.max}


@register
class Pooling(keras.Layer):
    """Pooling: y_j = reduce(x_t) over the `size` steps t of pool j, counted from the newest step.

    Where `size` does not divide the length of the window, the oldest steps are left out. Keras'
    own pooling leaves out the newest steps instead, which matter most for what comes next.

    Example:
        >>> x = keras.ops.reshape(keras.ops.arange(5.0), (1, 5, 1))
        >>> keras.ops.convert_to_numpy(Pooling("max", 2)(x)).ravel().tolist()
        [2.0, 4.0]

    Args:
        kind: `average` or `max`.
        size: number of steps per pool.

    Raises:
        ValueError: if the window is shorter than `size`.

    Shapes:
        (batch, time, channel) -> (batch, time // size, channel).

    Causality:
        Causal: an output sees nothing after the last step of its pool.

    Cost:
        One pass over the input.

    Source:
        `keras.layers.AveragePooling1D` and `MaxPooling1D`, aligned to the newest step.
    """

    def __init__(self, kind: str, size: int = 2, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.kind, self.size = kind, size
        self.reduce = REDUCTIONS[kind]

    def build(self, input_shape: TensorShape) -> None:
        steps = input_shape[1]
        if steps is None or steps < self.size:
            raise ValueError(
                f"Pooling: the window has {steps} steps; it must have at least size, {self.size}"
            )

    def call(self, inputs: Tensor) -> Tensor:
        time, channels = inputs.shape[1:]
        newest = inputs[:, time % self.size :]
        pools = ops.reshape(newest, (-1, time // self.size, self.size, channels))
        return self.reduce(pools, axis=2)

    def compute_output_shape(self, input_shape: TensorShape) -> TensorShape:
        return input_shape[0], input_shape[1] // self.size, input_shape[2]

    def get_config(self) -> LayerConfig:
        return {**super().get_config(), "kind": self.kind, "size": self.size}
