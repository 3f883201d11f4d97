"""Normalizations that Keras lacks, or has with a trap: over the batch always, per time step, with clipped renormalization, per window, to unit length.

Batch, layer, group and RMS normalization are Keras' own layers. All of these compute in float32 or wider, whatever the precision of the input.
"""

from typing import Any

import keras
from keras import ops

register = keras.saving.register_keras_serializable("pipeline")


class Scaled(keras.Layer):
    """Base: y = gamma standardize(x) + beta with one gamma (left out where `scale` is false) and one beta per channel, the last axis."""

    def __init__(self, epsilon: float = 1e-3, scale: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon, self.scale = epsilon, scale

    def build(self, input_shape: Any) -> None:
        """One gamma and one beta for each channel of `input_shape`."""
        channels = (input_shape[-1],)
        self.gamma = self.add_weight(
            shape=channels, initializer="ones", trainable=self.scale, autocast=False, name="gamma"
        )
        self.beta = self.add_weight(
            shape=channels, initializer="zeros", autocast=False, name="beta"
        )

    def call(self, x: Any, training: bool | None = None) -> Any:
        """Normalize `x` (batch, ..., channel)."""
        wide = ops.cast(x, keras.backend.result_type(x.dtype, "float32"))
        return ops.cast(
            self.standardize(wide, training) * self.gamma + self.beta, self.compute_dtype
        )

    def standardize(self, x: Any, training: bool | None) -> Any:
        """`x` with mean 0 and variance 1 over whatever axes the kind stands for."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Unchanged."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon, "scale": self.scale}


@register
class AlwaysBatchNormalization(Scaled):
    """Batch normalization by the statistics of the present batch, at inference too: (x - mean) / sqrt(variance + epsilon), over batch and time.

    (batch, ..., channel) in and out. It is what `training=True` written into a network does: a forecast depends on the other
    windows of its batch, and for a batch of one on the window's own future steps. Not causal. Source: the habit itself, to be
    measured; Ioffe & Szegedy, "Batch Normalization", 2015, for the training half. Cost: two passes over the input.
    """

    def standardize(self, x: Any, training: bool | None) -> Any:
        """Over every axis but the last."""
        mean, variance = ops.moments(x, axes=tuple(range(len(x.shape) - 1)))
        return (x - mean) * ops.rsqrt(variance + self.epsilon)


@register
class TimeStepBatchNormalization(Scaled):
    """Batch normalization with statistics of its own for each time step: (x_t - mean_t) / sqrt(variance_t + epsilon), over the batch only.

    gamma and beta are shared by the steps. Training uses the batch's statistics and moves the stored ones,
    m <- momentum m + (1 - momentum) batch's; inference uses the stored ones. (batch, time, channel) in and out, `time` fixed when
    built; (batch, channel) is plain batch normalization of a vector. Causal: a step's statistics come from that step alone.
    Source: Cooijmans et al., "Recurrent Batch Normalization", 2017, section 3, applied between layers; momentum and epsilon as in
    Keras. `TimeDistributed(BatchNormalization)` is something else: one moving average, moved `time` times per batch.
    Cost: two passes over the input, 2 time channel numbers of state.
    """

    def __init__(
        self, momentum: float = 0.99, epsilon: float = 1e-3, scale: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(epsilon, scale, **kwargs)
        self.momentum = momentum

    def build(self, input_shape: Any) -> None:
        """Statistics for each step and channel."""
        super().build(input_shape)
        each = {"shape": tuple(input_shape[1:]), "trainable": False, "autocast": False}
        self.moving_mean = self.add_weight(**each, initializer="zeros", name="moving_mean")
        self.moving_variance = self.add_weight(**each, initializer="ones", name="moving_variance")

    def standardize(self, x: Any, training: bool | None) -> Any:
        """Over the batch, each step by itself."""
        mean, variance = (
            self.moments(x)
            if training and self.trainable
            else (self.moving_mean, self.moving_variance)
        )
        return (x - mean) * ops.rsqrt(variance + self.epsilon)

    def moments(self, x: Any) -> tuple[Any, Any]:
        """Mean and variance over the batch, which also move the stored ones."""
        mean, variance = ops.moments(x, axes=0)
        self.moving_mean.assign(self.momentum * self.moving_mean + (1 - self.momentum) * mean)
        self.moving_variance.assign(
            self.momentum * self.moving_variance + (1 - self.momentum) * variance
        )
        return mean, variance

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "momentum": self.momentum}


@register
class BatchRenormalization(keras.layers.BatchNormalization):
    """Batch renormalization: y = gamma ((x - mean) / sd r + d) + beta, with r = clip(sd / SD, 1 / rmax, rmax) and d = clip((mean - MEAN) / SD, -dmax, dmax).

    Small letters are the batch's statistics, capital ones running averages; r and d carry no gradient, so that training sees what inference will
    see as long as they are not clipped. (batch, ..., channel) in and out. Not causal in training. Source: Ioffe, "Batch
    Renormalization", 2017, with the limits at which its ramp ends; Keras leaves r and d without limits, which is wild in the first
    steps. Cost: as batch normalization.
    """

    def __init__(
        self,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        scale: bool = True,
        rmax: float = 3.0,
        dmax: float = 5.0,
        **kwargs: Any,
    ) -> None:
        limits = {"rmin": 1 / rmax, "rmax": rmax, "dmax": dmax}
        super().__init__(
            momentum=momentum,
            epsilon=epsilon,
            scale=scale,
            renorm=True,
            renorm_clipping=limits,
            renorm_momentum=momentum,
            **kwargs,
        )
        self.rmax, self.dmax = rmax, dmax

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        inherited = {
            key: value
            for key, value in super().get_config().items()
            if not key.startswith("renorm")
        }
        return {**inherited, "rmax": self.rmax, "dmax": self.dmax}


@register
class InstanceNormalization(Scaled):
    """Instance normalization: (x - mean) / sqrt(variance + epsilon) over time, for each window and channel, then gamma and beta.

    (batch, time, channel) in and out; raises `ValueError` for vectors and windows of one step, which it would turn into beta. It removes each
    channel's level and scale. Not causal: the first step sees the whole window. Source: Ulyanov et al., "Instance Normalization",
    2016; Keras' group normalization with as many groups as channels is the same. Cost: two passes over the input.
    """

    def build(self, input_shape: Any) -> None:
        """Refuse what has no time axis to normalize over."""
        if len(input_shape) != 3 or input_shape[1] == 1:
            raise ValueError(
                f"InstanceNormalization: the input is {tuple(input_shape)}; it must be (batch, time, channel) with time above 1"
            )
        super().build(input_shape)

    def standardize(self, x: Any, training: bool | None) -> Any:
        """Over time."""
        mean, variance = ops.moments(x, axes=1, keepdims=True)
        return (x - mean) * ops.rsqrt(variance + self.epsilon)


@register
class UnitNormalization(keras.Layer):
    """Unit normalization: y = x / sqrt(|x|^2 + epsilon), the vector of channels at each step to length 1.

    (batch, ..., channel) in and out. Causal. Keras' layer has its epsilon of 1e-12 outside of the root: at a vector of zeros (a dead channel, the last
    step less the last value) it multiplies the gradient by 1e12; here by 1000. Source: `keras.layers.UnitNormalization`. Cost: one pass over the input.
    """

    def __init__(self, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, x: Any) -> Any:
        """Normalize `x` (batch, ..., channel)."""
        wide = ops.cast(x, keras.backend.result_type(x.dtype, "float32"))
        return ops.cast(
            wide * ops.rsqrt(ops.sum(wide**2, axis=-1, keepdims=True) + self.epsilon),
            self.compute_dtype,
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Unchanged."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}
