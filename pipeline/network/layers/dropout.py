"""Dropouts between layers: one base that decides when noise is drawn, and a subclass per kind.

All of them are the identity at inference, unless `monte_carlo` keeps them active there: the
spread of many such passes estimates the uncertainty of the forecast (Gal & Ghahramani, "Dropout
as a Bayesian Approximation", 2016). Normalizations are not affected: they use their inference
statistics in a Monte Carlo pass as well.

Random numbers are drawn, and the seed advances, only when a layer really disturbs its input.
All kinds are causal.
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
from pipeline.network.layers import noise


@register
class Dropout(ShapePreserving):
    """Standard dropout: y = x m, where each element of m is 1 / (1 - rate) or, dropped, 0.

    Between recurrent layers this is fresh noise at every time step; see `SpatialDropout`.

    Example:
        >>> layer = Dropout(0.5, seed=0)
        >>> x = keras.ops.ones((2, 5, 3))
        >>> bool(keras.ops.all(layer(x) == x))  # at inference
        True
        >>> sorted(set(keras.ops.convert_to_numpy(layer(x, training=True)).ravel().tolist()))
        [0.0, 2.0]

    Args:
        rate: the share of elements that is dropped, from 0 up to but not 1.
        monte_carlo: whether the noise is also drawn at inference.
        seed: seed of the noise; None draws one.

    Raises:
        ValueError: if `rate` is outside its range.

    Shapes:
        Any shape; the output has the shape of the input.

    Causality:
        Causal.

    Cost:
        One hash and one product per element of the mask.

    Source:
        Srivastava et al., "Dropout", 2014, in the inverted form.
    """

    def __init__(
        self,
        rate: float,
        monte_carlo: bool = False,
        seed: int | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(
                f"{type(self).__name__}: rate is {rate}; it must be a number from 0 up to but not 1"
            )
        self.rate, self.monte_carlo, self.seed = rate, monte_carlo, seed
        self.generator = keras.random.SeedGenerator(seed, name=f"{self.name}_noise")

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        active = self.rate > 0 and (training or self.monte_carlo)
        return self.disturb(inputs) if active else inputs

    def disturb(self, x: Tensor) -> Tensor:
        """Return `x` with fresh noise; called only where the dropout is active."""
        return x * ops.cast(noise.keep(self.noise_shape(x), self.rate, self.generator), x.dtype)

    def noise_shape(self, x: Tensor) -> TensorShape:
        """Return the shape of the noise; along an axis of size 1 the noise is shared."""
        return tuple(ops.shape(x))

    def get_config(self) -> LayerConfig:
        return {
            **super().get_config(),
            "rate": self.rate,
            "monte_carlo": self.monte_carlo,
            "seed": self.seed,
        }


@register
class SpatialDropout(Dropout):
    """Spatial dropout: as `Dropout`, but a channel is dropped for the whole window or not at all.

    The mask m has the shape (batch, 1, channel). Between recurrent layers this is what is called
    locked or variational dropout.

    Shapes:
        (batch, time, channel) -> (batch, time, channel).

    Causality:
        Causal.

    Cost:
        That of `Dropout`, with a mask smaller by the number of steps.

    Source:
        Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015;
        Merity et al., "Regularizing and Optimizing LSTM Language Models", 2018 (locked).
    """

    def noise_shape(self, x: Tensor) -> TensorShape:
        batch, _, channels = ops.shape(x)
        return batch, 1, channels


@register
class TimeStepDropout(Dropout):
    """Time-step dropout: as `Dropout`, but a step is dropped with all its channels or not at all.

    The mask m has the shape (batch, time, 1). The newest step is no exception: it is dropped with
    probability `rate`.

    Shapes:
        (batch, time, channel) -> (batch, time, channel).

    Causality:
        Causal.

    Cost:
        That of `Dropout`, with a mask smaller by the number of channels.

    Source:
        `noise_shape` of `keras.layers.Dropout`, with one mask element per step.
    """

    def noise_shape(self, x: Tensor) -> TensorShape:
        batch, time, _ = ops.shape(x)
        return batch, time, 1


@register
class GaussianDropout(Dropout):
    """Gaussian dropout: y = x (1 + sqrt(rate / (1 - rate)) n), n being standard normal.

    The noise has the mean and the variance of the mask of `Dropout`.

    Shapes:
        Any shape; the output has the shape of the input.

    Causality:
        Causal.

    Cost:
        Two hashes, a logarithm and a cosine per element.

    Source:
        Srivastava et al., "Dropout", 2014, section 10.
    """

    def disturb(self, x: Tensor) -> Tensor:
        spread = (self.rate / (1 - self.rate)) ** 0.5
        normal = noise.normal(self.noise_shape(x), self.generator)
        return x * (1 + spread * ops.cast(normal, x.dtype))


@register
class AlphaDropout(Dropout):
    """Alpha dropout: y = a (x m + s (1 - m)) + b, where m is 1 or, dropped, 0.

    s = -1.7580993 is the value at which selu saturates. a = ((1 - rate) (1 + rate s^2))^(-1/2)
    and b = -a s rate keep mean 0 and variance 1. It belongs after a selu activation.

    Shapes:
        Any shape; the output has the shape of the input.

    Causality:
        Causal.

    Cost:
        One hash and four element-wise operations per element.

    Source:
        Klambauer et al., "Self-Normalizing Neural Networks", 2017.
    """

    SATURATION = -1.6732632423543772 * 1.0507009873554805

    def disturb(self, x: Tensor) -> Tensor:
        s = self.SATURATION
        a = ((1 - self.rate) * (1 + self.rate * s**2)) ** -0.5
        kept = noise.uniform(self.noise_shape(x), self.generator) >= self.rate
        return a * ops.where(kept, x, s) - a * s * self.rate


@register
class AlphaFeatureDropout(AlphaDropout):
    """Alpha dropout by feature: a channel saturates for the whole window or not at all.

    The formula is that of `AlphaDropout`; the mask m has the shape (batch, 1, channel).

    Shapes:
        (batch, time, channel) -> (batch, time, channel).

    Causality:
        Causal.

    Cost:
        That of `AlphaDropout`, with a mask smaller by the number of steps.

    Source:
        `AlphaDropout` with the mask of `SpatialDropout`.
    """

    noise_shape = SpatialDropout.noise_shape
