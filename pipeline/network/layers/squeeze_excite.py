"""Squeeze-and-excitation: each channel of a window scaled by a gate that looks at all of them."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("pipeline")
class SqueezeExcite(keras.Layer):
    """y = x g with g = sigmoid(relu(s W1) W2) and s the mean of x over time; W1 (channel, narrow), W2 (narrow, channel), no biases.

    (batch, time, channel) in and out; `narrow` is channel // ratio, but at least 1. Not causal: the gate sees the whole window.
    At the start the gates are near 1/2, so it halves what passes. Source: Hu et al., "Squeeze-and-Excitation Networks", 2018.
    Cost: 2 channel^2 / ratio products per window.
    """

    def __init__(self, ratio: int = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape: Any) -> None:
        """Two matrices, from `channel` to narrow and back."""
        channels = input_shape[-1]
        narrow = max(1, channels // self.ratio)
        self.squeeze = self.add_weight(
            shape=(channels, narrow), initializer="he_normal", name="squeeze"
        )
        self.excite = self.add_weight(
            shape=(narrow, channels), initializer="he_normal", name="excite"
        )

    def call(self, x: Any) -> Any:
        """Scale `x` (batch, time, channel)."""
        gate = ops.relu(ops.matmul(ops.mean(x, axis=1), self.squeeze))
        return x * ops.expand_dims(ops.sigmoid(ops.matmul(gate, self.excite)), 1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Unchanged."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "ratio": self.ratio}
