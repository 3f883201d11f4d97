"""Squeeze-and-excitation: each channel of a window is scaled by a gate that sees all of them."""

from typing import Unpack

from keras import ops

from pipeline.network.base import (
    LayerConfig,
    LayerOptions,
    ShapePreserving,
    Tensor,
    TensorShape,
    register,
)


@register
class SqueezeExcite(ShapePreserving):
    """Squeeze-and-excitation: y = x g with g = sigmoid(relu(s W1) W2), s being the mean over time.

    W1 is (channel, narrow) and W2 is (narrow, channel), without biases; narrow is
    channel // ratio, but at least 1. The initial gates are near 1/2, so that the layer halves its
    input at first.

    Example:
        >>> SqueezeExcite(ratio=4)(keras.ops.ones((2, 7, 8))).shape == (2, 7, 8)
        True

    Args:
        ratio: by how much the inner layer is narrower than the input.

    Shapes:
        (batch, time, channel) -> (batch, time, channel).

    Causality:
        Not causal: the gate sees the whole window.

    Cost:
        2 channel^2 / ratio products per window.

    Source:
        Hu et al., "Squeeze-and-Excitation Networks", 2018.
    """

    def __init__(self, ratio: int = 4, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape: TensorShape) -> None:
        channels = input_shape[-1]
        narrow = max(1, channels // self.ratio)
        self.squeeze = self.add_weight(
            shape=(channels, narrow), initializer="he_normal", name="squeeze"
        )
        self.excite = self.add_weight(
            shape=(narrow, channels), initializer="he_normal", name="excite"
        )

    def call(self, inputs: Tensor) -> Tensor:
        hidden = ops.relu(ops.matmul(ops.mean(inputs, axis=1), self.squeeze))
        gate = ops.sigmoid(ops.matmul(hidden, self.excite))
        return inputs * ops.expand_dims(gate, 1)

    def get_config(self) -> LayerConfig:
        return {**super().get_config(), "ratio": self.ratio}
