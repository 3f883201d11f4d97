"""Normalizations between layers, not over the batch, that Keras lacks or has with a pitfall.

Those over the batch are in `batch_normalization`. Batch, layer, group and RMS normalization are
Keras' own layers. All layers here compute in float32 or wider, whatever the precision of the input.
"""

from typing import Unpack

import keras
from keras import ops

from pipeline.network.base import (
    LayerConfig,
    LayerOptions,
    ShapePreserving,
    Tensor,
    TensorShape,
    register,
)


class Scaled(ShapePreserving):
    """The base of normalizations with a scale: y = gamma standardize(x) + beta.

    There is one gamma and one beta per channel, which is the last axis. A subclass implements
    `standardize`.

    Args:
        epsilon: added to the variance.
        scale: whether gamma is trained; otherwise it stays 1.
    """

    def __init__(
        self, epsilon: float = 1e-3, scale: bool = True, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.epsilon, self.scale = epsilon, scale

    def build(self, input_shape: TensorShape) -> None:
        channels = (input_shape[-1],)
        self.gamma = self.add_weight(
            shape=channels, initializer="ones", trainable=self.scale, autocast=False, name="gamma"
        )
        self.beta = self.add_weight(
            shape=channels, initializer="zeros", autocast=False, name="beta"
        )

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        wide = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        outputs = self.standardize(wide, training) * self.gamma + self.beta
        return ops.cast(outputs, self.compute_dtype)

    def standardize(self, x: Tensor, training: bool | None) -> Tensor:
        """Return `x` (batch, ..., channel) with mean 0 and variance 1 over the kind's axes."""
        raise NotImplementedError

    def get_config(self) -> LayerConfig:
        return {**super().get_config(), "epsilon": self.epsilon, "scale": self.scale}


@register
class InstanceNormalization(Scaled):
    """Instance normalization: y = gamma (x - mean) / sqrt(variance + epsilon) + beta.

    Mean and variance are over time, for each window and channel, so that the level and the scale
    of each channel are removed. Keras' group normalization with as many groups as channels
    computes the same.

    Example:
        >>> InstanceNormalization()(keras.ops.ones((2, 5, 3))).shape == (2, 5, 3)
        True

    Raises:
        ValueError: for vectors and for windows of one step, which would become beta.

    Shapes:
        (batch, time, channel) -> (batch, time, channel).

    Causality:
        Not causal: the first step sees the whole window.

    Cost:
        Two passes over the input.

    Source:
        Ulyanov et al., "Instance Normalization", 2016.
    """

    def build(self, input_shape: TensorShape) -> None:
        if len(input_shape) != 3 or input_shape[1] == 1:
            raise ValueError(
                f"InstanceNormalization: the input is {tuple(input_shape)}; "
                "it must be (batch, time, channel) with time above 1"
            )
        super().build(input_shape)

    def standardize(self, x: Tensor, training: bool | None) -> Tensor:
        mean, variance = ops.moments(x, axes=1, keepdims=True)
        return (x - mean) * ops.rsqrt(variance + self.epsilon)


@register
class HeadNormalization(Scaled):
    """Layer normalization per head: y = gamma (x - mean_k) / sqrt(variance_k + epsilon) + beta.

    The channels are `heads` equal parts; mean_k and variance_k are over the channels of part k at
    one step. With one head it is layer normalization. Unlike group normalization, whose statistics
    are over time as well, it is causal. xLSTM normalizes the output of its cells so; its code has
    no beta.

    Example:
        >>> HeadNormalization(heads=2)(keras.ops.ones((2, 5, 6))).shape == (2, 5, 6)
        True

    Args:
        heads: number of parts, which must divide the channels.
        epsilon: added to the variance.
        scale: whether gamma is trained; otherwise it stays 1.

    Raises:
        ValueError: if `heads` does not divide the channels.

    Shapes:
        (batch, ..., channel) -> (batch, ..., channel).

    Causality:
        Causal: each step is computed by itself.

    Cost:
        Two passes over the input.

    Source:
        Beck et al., "xLSTM: Extended Long Short-Term Memory", arXiv 2405.04517, 2024.
    """

    def __init__(
        self,
        heads: int,
        epsilon: float = 1e-5,
        scale: bool = True,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(epsilon, scale, **kwargs)
        self.heads = heads

    def build(self, input_shape: TensorShape) -> None:
        if input_shape[-1] % self.heads:
            raise ValueError(
                f"HeadNormalization: {input_shape[-1]} channels; "
                f"their number must be a multiple of heads, {self.heads}"
            )
        super().build(input_shape)

    def standardize(self, x: Tensor, training: bool | None) -> Tensor:
        parts = ops.reshape(x, (-1, *x.shape[1:-1], self.heads, x.shape[-1] // self.heads))
        mean, variance = ops.moments(parts, axes=-1, keepdims=True)
        standardized = (parts - mean) * ops.rsqrt(variance + self.epsilon)
        return ops.reshape(standardized, (-1, *x.shape[1:]))

    def get_config(self) -> LayerConfig:
        return {**super().get_config(), "heads": self.heads}


@register
class UnitNormalization(ShapePreserving):
    """Unit normalization: y = x / sqrt(|x|^2 + epsilon), x being the channels at one step.

    Keras' layer has its epsilon of 1e-12 outside the root: at a vector of zeros (a dead channel,
    or the last step after last-value subtraction) it multiplies the gradient by 1e12, this one by
    1000.

    Example:
        >>> x = keras.ops.convert_to_tensor([[[3.0, 4.0]]])
        >>> [round(float(value), 3) for value in UnitNormalization()(x)[0, 0]]
        [0.6, 0.8]

    Args:
        epsilon: added to the squared length.

    Shapes:
        (batch, ..., channel) -> (batch, ..., channel).

    Causality:
        Causal: each step is computed by itself.

    Cost:
        One pass over the input.

    Source:
        `keras.layers.UnitNormalization`.
    """

    def __init__(self, epsilon: float = 1e-6, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, inputs: Tensor) -> Tensor:
        wide = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        squared = ops.sum(wide**2, axis=-1, keepdims=True)
        return ops.cast(wide * ops.rsqrt(squared + self.epsilon), self.compute_dtype)

    def get_config(self) -> LayerConfig:
        return {**super().get_config(), "epsilon": self.epsilon}
