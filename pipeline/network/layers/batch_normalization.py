"""Normalizations over the batch that Keras lacks, or implements with a pitfall."""

from typing import Unpack

import keras
from keras import ops

from pipeline.network.base import LayerConfig, LayerOptions, Tensor, TensorShape, register
from pipeline.network.layers.normalization import Scaled


@register
class AlwaysBatchNormalization(Scaled):
    """Batch normalization by the present batch, always: y = gamma (x - mean) / sd + beta.

    sd is sqrt(variance + epsilon); mean and variance are over batch and time, also at inference.
    This is what `training=True` written into a network does: a forecast depends on the other
    windows of its batch and, in a batch of one, on the later steps of its own window.

    Shapes:
        (batch, ..., channel) -> (batch, ..., channel).

    Causality:
        Not causal.

    Cost:
        Two passes over the input.

    Source:
        A common habit, included to be measured; Ioffe & Szegedy, "Batch Normalization", 2015, for
        the computation in training.
    """

    def standardize(self, x: Tensor, training: bool | None) -> Tensor:
        mean, variance = ops.moments(x, axes=tuple(range(len(x.shape) - 1)))
        return (x - mean) * ops.rsqrt(variance + self.epsilon)


@register
class TimeStepBatchNormalization(Scaled):
    """Batch normalization per step: y_t = gamma (x_t - mean_t) / sqrt(variance_t + epsilon) + beta.

    Mean and variance are over the batch only; gamma and beta are shared by the steps. Training
    uses the statistics m' of the batch and moves the stored ones by
    m <- momentum m + (1 - momentum) m'; inference uses the stored ones.
    `TimeDistributed(BatchNormalization)` differs: it has a single moving average, which it moves
    `time` times per batch.

    Args:
        momentum: the weight of the old value in the moving averages.
        epsilon: added to the variance.
        scale: whether gamma is trained; otherwise it stays 1.

    Shapes:
        (batch, time, channel) -> (batch, time, channel), `time` being fixed when the layer is
        built. (batch, channel) -> (batch, channel) is ordinary batch normalization of a vector.

    Causality:
        Causal: the statistics of a step come from that step alone.

    Cost:
        Two passes over the input, and 2 time channel stored numbers.

    Source:
        Cooijmans et al., "Recurrent Batch Normalization", 2017, section 3, applied between layers;
        momentum and epsilon as in Keras.
    """

    def __init__(
        self,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        scale: bool = True,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(epsilon, scale, **kwargs)
        self.momentum = momentum

    def build(self, input_shape: TensorShape) -> None:
        super().build(input_shape)
        stored = {"shape": tuple(input_shape[1:]), "trainable": False, "autocast": False}
        self.moving_mean = self.add_weight(**stored, initializer="zeros", name="moving_mean")
        self.moving_variance = self.add_weight(**stored, initializer="ones", name="moving_variance")

    def standardize(self, x: Tensor, training: bool | None) -> Tensor:
        if training and self.trainable:
            mean, variance = ops.moments(x, axes=0)
            self.move(self.moving_mean, mean)
            self.move(self.moving_variance, variance)
        else:
            mean, variance = self.moving_mean, self.moving_variance
        return (x - mean) * ops.rsqrt(variance + self.epsilon)

    def move(self, stored: keras.Variable, batch: Tensor) -> None:
        """Move a `stored` statistic towards that of the batch."""
        stored.assign(self.momentum * stored + (1 - self.momentum) * batch)

    def get_config(self) -> LayerConfig:
        return {**super().get_config(), "momentum": self.momentum}


@register
class BatchRenormalization(keras.layers.BatchNormalization):
    """Batch renormalization: y = gamma ((x - mean) / sd r + d) + beta.

    r = clip(sd / SD, 1 / rmax, rmax) and d = clip((mean - MEAN) / SD, -dmax, dmax), where small
    letters are the statistics of the batch and capital ones their moving averages. r and d carry
    no gradient. As long as they are not clipped, training computes with the statistics that
    inference will use. Keras leaves r and d unlimited, which makes the first steps erratic.

    Args:
        momentum: the weight of the old value in the moving averages.
        epsilon: added to the variance.
        scale: whether gamma is trained; otherwise it stays 1.
        rmax: limit of r, at least 1.
        dmax: limit of d, at least 0.

    Shapes:
        (batch, ..., channel) -> (batch, ..., channel).

    Causality:
        Not causal in training; causal at inference.

    Cost:
        That of batch normalization.

    Source:
        Ioffe, "Batch Renormalization", 2017, with the limits at which its ramp ends.
    """

    def __init__(
        self,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        scale: bool = True,
        rmax: float = 3.0,
        dmax: float = 5.0,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(
            momentum=momentum,
            epsilon=epsilon,
            scale=scale,
            renorm=True,
            renorm_clipping={"rmin": 1 / rmax, "rmax": rmax, "dmax": dmax},
            renorm_momentum=momentum,
            **kwargs,
        )
        self.rmax, self.dmax = rmax, dmax

    def get_config(self) -> LayerConfig:
        inherited = super().get_config().items()
        kept = {key: value for key, value in inherited if not key.startswith("renorm")}
        return {**kept, "rmax": self.rmax, "dmax": self.dmax}
