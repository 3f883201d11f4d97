"""Normalizations of the network's input: by the training rows, or by the window itself and undone behind the head.

Those of the second sort have `normalize(x) -> (z, statistics)` and `denormalize(y, statistics)`; `Reversible` puts them around a network. Their statistics
are constants to the gradient. They see measured channels only, targets first, so that a forecast of n targets takes the first n statistics.
Not causal inside the window, except `LastValue` for one forecast at its end: every step is normalized by what the whole window is like.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

register = keras.saving.register_keras_serializable("pipeline")


@register
class AdaptedNormalization(keras.Layer):
    """z = (x - mean) / max(sd, 1e-7) with the mean and sd of the rows that `adapt` was given; saved as weights that never train.

    (batch, time, channel) in and out. Causal. Source: `keras.layers.Normalization`, which keeps its numbers outside of its
    weights once adapted, where a fleet could neither stack nor restore them. Cost: one pass over the input.
    """

    def build(self, input_shape: Any) -> None:
        """One mean and one sd for each channel of `input_shape`."""
        channels = (input_shape[-1],)
        self.mean = self.add_weight(
            shape=channels, initializer="zeros", trainable=False, name="mean"
        )
        self.sd = self.add_weight(shape=channels, initializer="ones", trainable=False, name="sd")

    def adapt(self, rows: Any) -> None:
        """Take mean and sd (population) of `rows` (row, channel), in float64: those of the training part only."""
        if not self.built:
            self.build(np.shape(rows))
        wide = np.asarray(rows, np.float64)
        self.mean.assign(wide.mean(axis=0))
        self.sd.assign(np.maximum(wide.std(axis=0), 1e-7))

    def call(self, x: Any) -> Any:
        """Normalize `x` (batch, time, channel)."""
        return (x - self.mean) / self.sd

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Unchanged."""
        return input_shape


class WindowNormalization(keras.Layer):
    """Base: z = (x - center) / scale, with a center and a scale for each window and channel; a kind says which."""

    def statistics(self, x: Any) -> tuple[Any, Any]:
        """Center and scale of `x`, each (batch, 1, channel)."""
        raise NotImplementedError

    def normalize(self, x: Any) -> tuple[Any, tuple[Any, Any]]:
        """`x` (batch, time, channel) normalized, and the statistics that undo it."""
        center, scale = (ops.stop_gradient(value) for value in self.statistics(x))
        return (x - center) / scale, (center, scale)

    def denormalize(self, y: Any, statistics: tuple[Any, Any]) -> Any:
        """A forecast `y` (batch, horizon, target) or (batch, time, horizon, target) on the scale of the window."""
        center, scale = (_for_targets(value, y) for value in statistics)
        return y * scale + center

    def call(self, x: Any) -> Any:
        """`x` normalized."""
        return self.normalize(x)[0]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Unchanged."""
        return input_shape


def _for_targets(statistic: Any, y: Any) -> Any:
    """The first channels of (batch, 1, channel), with as many axes as `y` has."""
    batch, targets = ops.shape(statistic)[0], y.shape[-1]
    return ops.reshape(statistic[..., :targets], (batch, *[1] * (len(y.shape) - 2), targets))


@register
class LastValue(WindowNormalization):
    """z = x - x_T: the window relative to its last value, which is added to the forecast.

    (batch, time, channel) in and out. A network of zeros becomes the last-value baseline. Source: NLinear in Zeng et al., "Are
    Transformers Effective for Time Series Forecasting?", 2023. Cost: one subtraction.
    """

    def statistics(self, x: Any) -> tuple[Any, Any]:
        """The last value, and 1."""
        return x[:, -1:], ops.ones_like(x[:, -1:])


@register
class Robust(WindowNormalization):
    """z = (x - median) / sqrt(s^2 + epsilon), with s = 1.4826 median |x - median|, which is the sd of a normal distribution.

    Where more than half of a window is one value (precipitation), that s is 0 and s = 1.2533 mean |x - median| takes its place.
    (batch, time, channel) in and out; one wild value moves the statistics by no more than one rank. Sources: R2-IN, arXiv
    2510.04667, 2025; Iglewicz & Hoaglin, "How to Detect and Handle Outliers", 1993, for the constants and the second s.
    Cost: two sorts of each window.
    """

    def __init__(self, epsilon: float = 1e-5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def statistics(self, x: Any) -> tuple[Any, Any]:
        """Median, and scaled median absolute deviation."""
        center = _median(x)
        deviation = ops.abs(x - center)
        typical, mean = (
            1.4826 * _median(deviation),
            1.2533 * ops.mean(deviation, axis=1, keepdims=True),
        )
        spread = ops.where(typical > 0, typical, mean)
        return center, ops.sqrt(spread**2 + self.epsilon)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}


def _median(x: Any) -> Any:
    """Of (batch, time, channel) over time, which stays as an axis of 1."""
    ordered, time = ops.sort(x, axis=1), x.shape[1]
    low, high = (time - 1) // 2, time // 2
    return (ordered[:, low : low + 1] + ordered[:, high : high + 1]) / 2


@register
class RevIN(WindowNormalization):
    """z = gain (x - mean) / sqrt(variance + epsilon) + offset; back: y = (forecast - offset) / (gain + epsilon^2) sqrt(variance + epsilon) + mean.

    Mean and (population) variance are over the window's time; gain and offset, one a channel, are trained, or left out where `affine` is false (which is the
    stationarization of Non-stationary Transformers). (batch, time, channel) in and out. Sources: Kim et al., "Reversible Instance Normalization", 2022,
    and its code; Liu et al., "Non-stationary Transformers", 2022. Cost: two passes over the input.
    """

    def __init__(self, affine: bool = True, epsilon: float = 1e-5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.affine, self.epsilon = affine, epsilon

    def build(self, input_shape: Any) -> None:
        """One gain and one offset for each channel of `input_shape`; constants unless affine."""
        channels = (input_shape[-1],)
        self.gain = self.add_weight(
            shape=channels, initializer="ones", trainable=self.affine, name="gain"
        )
        self.offset = self.add_weight(
            shape=channels, initializer="zeros", trainable=self.affine, name="offset"
        )

    def statistics(self, x: Any) -> tuple[Any, Any]:
        """Mean and sd."""
        mean, variance = ops.moments(x, axes=1, keepdims=True)
        return mean, ops.sqrt(variance + self.epsilon)

    def normalize(self, x: Any) -> tuple[Any, tuple[Any, Any]]:
        """`x` (batch, time, channel) normalized, and the statistics that undo it."""
        z, statistics = super().normalize(x)
        return z * self.gain + self.offset, statistics

    def denormalize(self, y: Any, statistics: tuple[Any, Any]) -> Any:
        """A forecast `y` (batch, horizon, target) or (batch, time, horizon, target) on the scale of the window."""
        targets = y.shape[-1]
        return super().denormalize(
            (y - self.offset[:targets]) / (self.gain[:targets] + self.epsilon**2), statistics
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "affine": self.affine, "epsilon": self.epsilon}


@register
class RevINLast(RevIN):
    """As `RevIN`, but about the window's last value instead of its mean; the sd is still the one about the mean.

    (batch, time, channel) in and out. Source: `subtract_last` in the code of Nie et al., "A Time Series is Worth 64 Words"
    (PatchTST), 2023. Cost: as `RevIN`.
    """

    def statistics(self, x: Any) -> tuple[Any, Any]:
        """Last value, and sd."""
        return x[:, -1:], super().statistics(x)[1]
