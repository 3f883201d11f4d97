"""Dynamic squashing: S-shaped functions of each value, in place of normalizations.

They take no statistics: what bounds an outlier is the function, whose slope is trained.
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


class DynamicSquashing(ShapePreserving):
    """The base of the kinds: y = gamma squash(x) + beta, with a trained slope alpha in `squash`.

    There is one gamma and one beta per channel, which is the last axis, and one alpha for all.

    Args:
        alpha: initial value of the slope.
    """

    def __init__(self, alpha: float = 0.5, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.initial_alpha = alpha

    def build(self, input_shape: TensorShape) -> None:
        channels = (input_shape[-1],)
        slope = keras.initializers.Constant(self.initial_alpha)
        self.alpha = self.add_weight(shape=(), initializer=slope, autocast=False, name="alpha")
        self.gamma = self.add_weight(
            shape=channels, initializer="ones", autocast=False, name="gamma"
        )
        self.beta = self.add_weight(
            shape=channels, initializer="zeros", autocast=False, name="beta"
        )

    def call(self, inputs: Tensor) -> Tensor:
        wide = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        return ops.cast(self.gamma * self.squash(wide) + self.beta, self.compute_dtype)

    def squash(self, x: Tensor) -> Tensor:
        """Return each value of `x`, of any shape, between -1 and 1."""
        raise NotImplementedError

    def get_config(self) -> LayerConfig:
        return {**super().get_config(), "alpha": self.initial_alpha}


@register
class DynamicTanh(DynamicSquashing):
    """Dynamic tanh (DyT): y = gamma tanh(alpha x) + beta.

    Example:
        >>> DynamicTanh()(keras.ops.zeros((2, 5, 3))).shape == (2, 5, 3)
        True

    Shapes:
        (batch, ..., channel) -> (batch, ..., channel).

    Causality:
        Causal: each value is computed by itself.

    Cost:
        One pass over the input.

    Source:
        Zhu et al., "Transformers without Normalization", arXiv 2503.10622, 2025.
    """

    def squash(self, x: Tensor) -> Tensor:
        return ops.tanh(self.alpha * x)


@register
class DynamicErf(DynamicSquashing):
    """Dynamic erf (Derf): y = gamma erf(alpha x + s) + beta, s being one trained shift, at first 0.

    Example:
        >>> DynamicErf()(keras.ops.zeros((2, 5, 3))).shape == (2, 5, 3)
        True

    Shapes:
        (batch, ..., channel) -> (batch, ..., channel).

    Causality:
        Causal: each value is computed by itself.

    Cost:
        One pass over the input.

    Source:
        Chen et al., "Stronger Normalization-Free Transformers", arXiv 2512.10938, 2025.
    """

    def build(self, input_shape: TensorShape) -> None:
        super().build(input_shape)
        self.shift = self.add_weight(shape=(), initializer="zeros", autocast=False, name="shift")

    def squash(self, x: Tensor) -> Tensor:
        return ops.erf(self.alpha * x + self.shift)
