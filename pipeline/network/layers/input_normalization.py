"""Normalizations of the network's input by the statistics of each window, which can be undone.

A `WindowNormalization` is undone after the head: it has `normalize(x) -> (z, statistics)` and
`denormalize(y, statistics)`, and the layer `Reversible` puts the two around a network. To the
gradient its statistics are constants. It is applied to the target and past covariate channels
only, targets first, so that a forecast of n targets is denormalized by the first n statistics.
"""

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

Statistics = tuple[Tensor, Tensor]  # center and scale of each window, each (batch, 1, channel)


class WindowNormalization(ShapePreserving):
    """The base of the reversible kinds: z = (x - center) / scale for each window and channel.

    A subclass says what center and scale are.
    """

    def statistics(self, x: Tensor) -> Statistics:
        """Return center and scale of the windows `x` (batch, time, channel)."""
        raise NotImplementedError

    def normalize(self, x: Tensor) -> tuple[Tensor, Statistics]:
        """Return `x` (batch, time, channel) normalized, and the statistics that undo it."""
        center, scale = (ops.stop_gradient(value) for value in self.statistics(x))
        return (x - center) / scale, (center, scale)

    def denormalize(self, y: Tensor, statistics: Statistics) -> Tensor:
        """Return the forecast `y` on the scale of its window.

        `y` is (batch, horizon, target) or (batch, time, horizon, target).
        """
        targets = y.shape[-1]
        ones = [1] * (len(y.shape) - 2)
        center, scale = (
            ops.reshape(value[..., :targets], (ops.shape(value)[0], *ones, targets))
            for value in statistics
        )
        return y * scale + center

    def call(self, inputs: Tensor) -> Tensor:
        return self.normalize(inputs)[0]


@register
class LastValue(WindowNormalization):
    """Last-value subtraction: z = x - x_T; the last value is added to the forecast again.

    A network that returns zeros becomes the last-value baseline.

    Example:
        >>> x = keras.ops.convert_to_tensor([[[1.0], [3.0], [2.0]]])
        >>> keras.ops.convert_to_numpy(LastValue()(x)).ravel().tolist()
        [-1.0, 1.0, 0.0]

    Shapes:
        (batch, time, channel) -> (batch, time, channel).

    Causality:
        Not causal inside the window, but causal for one forecast at its end.

    Cost:
        One subtraction per element.

    Source:
        NLinear in Zeng et al., "Are Transformers Effective for Time Series Forecasting?", 2023.
    """

    def statistics(self, x: Tensor) -> Statistics:
        return x[:, -1:], ops.ones_like(x[:, -1:])


@register
class Robust(WindowNormalization):
    """Robust normalization: z = (x - median) / sqrt(s^2 + epsilon), s = 1.4826 median |x - median|.

    For a normal distribution s is the sd. Where more than half of a window has one value (as
    precipitation does), that s is 0 and s = 1.2533 mean |x - median| takes its place. One outlier
    moves the statistics by no more than one rank.

    Args:
        epsilon: added to the squared scale.

    Shapes:
        (batch, time, channel) -> (batch, time, channel).

    Causality:
        Not causal inside the window.

    Cost:
        Two sorts of each window.

    Source:
        R2-IN, arXiv 2510.04667, 2025; Iglewicz & Hoaglin, "How to Detect and Handle Outliers",
        1993, for the constants and the second s.
    """

    def __init__(self, epsilon: float = 1e-5, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def statistics(self, x: Tensor) -> Statistics:
        center = _median(x)
        deviation = ops.abs(x - center)
        typical = 1.4826 * _median(deviation)
        mean = 1.2533 * ops.mean(deviation, axis=1, keepdims=True)
        spread = ops.where(typical > 0, typical, mean)
        return center, ops.sqrt(spread**2 + self.epsilon)

    def get_config(self) -> LayerConfig:
        return {**super().get_config(), "epsilon": self.epsilon}


def _median(x: Tensor) -> Tensor:
    """Return the median over time: (batch, time, channel) -> (batch, 1, channel)."""
    ordered, time = ops.sort(x, axis=1), x.shape[1]
    low, high = (time - 1) // 2, time // 2
    return (ordered[:, low : low + 1] + ordered[:, high : high + 1]) / 2


@register
class RevIN(WindowNormalization):
    """RevIN: z = gain (x - mean) / sqrt(variance + epsilon) + offset.

    Its inverse is y = (forecast - offset) / (gain + epsilon^2) sqrt(variance + epsilon) + mean.
    Mean and (population) variance are over the time of the window. There is one trained gain and
    one trained offset per channel.

    Args:
        affine: whether gain and offset are trained; without them the layer is the stationarization
            of Non-stationary Transformers.
        epsilon: added to the variance.

    Shapes:
        (batch, time, channel) -> (batch, time, channel).

    Causality:
        Not causal inside the window.

    Cost:
        Two passes over the input.

    Source:
        Kim et al., "Reversible Instance Normalization", 2022, and its code; Liu et al.,
        "Non-stationary Transformers", 2022.
    """

    def __init__(
        self, affine: bool = True, epsilon: float = 1e-5, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.affine, self.epsilon = affine, epsilon

    def build(self, input_shape: TensorShape) -> None:
        channels = (input_shape[-1],)
        self.gain = self.add_weight(
            shape=channels, initializer="ones", trainable=self.affine, name="gain"
        )
        self.offset = self.add_weight(
            shape=channels, initializer="zeros", trainable=self.affine, name="offset"
        )

    def statistics(self, x: Tensor) -> Statistics:
        mean, variance = ops.moments(x, axes=1, keepdims=True)
        return mean, ops.sqrt(variance + self.epsilon)

    def normalize(self, x: Tensor) -> tuple[Tensor, Statistics]:
        z, statistics = super().normalize(x)
        return z * self.gain + self.offset, statistics

    def denormalize(self, y: Tensor, statistics: Statistics) -> Tensor:
        gain, offset = self.gain[: y.shape[-1]], self.offset[: y.shape[-1]]
        return super().denormalize((y - offset) / (gain + self.epsilon**2), statistics)

    def get_config(self) -> LayerConfig:
        return {**super().get_config(), "affine": self.affine, "epsilon": self.epsilon}


@register
class RevINLast(RevIN):
    """RevIN about the last value: z = gain (x - x_T) / sqrt(variance + epsilon) + offset.

    The variance is still the one about the mean.

    Shapes:
        (batch, time, channel) -> (batch, time, channel).

    Causality:
        Not causal inside the window.

    Cost:
        That of `RevIN`.

    Source:
        `subtract_last` in the code of Nie et al., "A Time Series is Worth 64 Words" (PatchTST),
        2023.
    """

    def statistics(self, x: Tensor) -> Statistics:
        _, scale = super().statistics(x)
        return x[:, -1:], scale
