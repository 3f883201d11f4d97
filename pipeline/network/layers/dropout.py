"""Dropouts between layers: one base that draws from `noise`, and for each kind the shape of its mask or its formula.

All of them are the identity at inference, unless `monte_carlo` leaves them on there (Gal & Ghahramani, "Dropout as a Bayesian
Approximation", 2016: the spread of many such passes estimates the uncertainty of the forecast). Normalizations are not
concerned: they keep their inference statistics in a Monte Carlo pass.
Random numbers are drawn, and the seed advances, only when a layer really disturbs its input. Causal, all of them.
"""

from typing import Any

import keras
from keras import ops

from pipeline.network.layers import noise

register = keras.saving.register_keras_serializable("pipeline")


@register
class Dropout(keras.Layer):
    """Standard dropout: y = x m / (1 - rate), where each element of m is 1 with probability 1 - rate, else 0.

    Any shape in, the same shape out. Between recurrent layers this is fresh noise at every time step; see `SpatialDropout`.
    Source: Srivastava et al., "Dropout", 2014, in the inverted form. Cost: one hash and one product per element of the mask.

    Arguments: `rate` in [0, 1), the share that is dropped; `seed`, an integer or null for a random one; `monte_carlo`, also at
    inference. Raises `ValueError` for another rate.
    """

    def __init__(
        self, rate: float, monte_carlo: bool = False, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(
                f"{type(self).__name__}: rate is {rate}; it must be a number from 0 up to but not 1"
            )
        self.rate, self.monte_carlo, self.seed = rate, monte_carlo, seed
        self.generator = keras.random.SeedGenerator(seed, name=f"{self.name}_noise")

    def call(self, x: Any, training: bool | None = None) -> Any:
        """`x`, disturbed in training or always."""
        return self.disturb(x) if self.rate > 0 and (training or self.monte_carlo) else x

    def disturb(self, x: Any) -> Any:
        """`x` with its noise; called only where there is any."""
        return x * ops.cast(noise.keep(self.noise_shape(x), self.rate, self.generator), x.dtype)

    def noise_shape(self, x: Any) -> tuple[Any, ...]:
        """Shape of the noise; an axis of 1 shares it along that axis."""
        return tuple(ops.shape(x))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Unchanged."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "rate": self.rate,
            "monte_carlo": self.monte_carlo,
            "seed": self.seed,
        }


@register
class SpatialDropout(Dropout):
    """Spatial dropout: as `Dropout`, but a channel is dropped for the whole window or not at all; m has the shape (batch, 1, channel).

    (batch, time, channel) in and out. Between recurrent layers this is what is called locked or variational dropout.
    Sources: Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015; Merity et al., "Regularizing
    and Optimizing LSTM Language Models", 2018 (locked). Cost: as `Dropout`, with a mask smaller by the number of steps.
    """

    def noise_shape(self, x: Any) -> tuple[Any, ...]:
        """One for each window and channel."""
        batch, _, channels = ops.shape(x)
        return batch, 1, channels


@register
class TimeStepDropout(Dropout):
    """Time-step dropout: as `Dropout`, but a step is dropped with all of its channels or not at all; m has the shape (batch, time, 1).

    (batch, time, channel) in and out. It drops the newest step too, `rate` of the time. Source: the `noise_shape` of Srivastava's
    dropout, turned about. Cost: as `Dropout`, with a mask smaller by the number of channels.
    """

    def noise_shape(self, x: Any) -> tuple[Any, ...]:
        """One for each window and step."""
        batch, time, _ = ops.shape(x)
        return batch, time, 1


@register
class GaussianDropout(Dropout):
    """Gaussian dropout: y = x (1 + sqrt(rate / (1 - rate)) n) with n standard normal; mean and variance as those of `Dropout`.

    Any shape in, the same shape out. Source: Srivastava et al., "Dropout", 2014, section 10. Cost: two hashes, a logarithm and a
    cosine per element.
    """

    def disturb(self, x: Any) -> Any:
        """`x` times noise about 1."""
        spread = (self.rate / (1 - self.rate)) ** 0.5
        return x * (
            1 + spread * ops.cast(noise.normal(self.noise_shape(x), self.generator), x.dtype)
        )


@register
class AlphaDropout(Dropout):
    """Alpha dropout: y = a (x m + s (1 - m)) + b, with s = -1.7580993 (where selu saturates), a = ((1 - rate) (1 + rate s^2))^(-1/2) and
    b = -a s rate, which keeps mean 0 and variance 1.

    Any shape in, the same shape out; only behind selu. Source: Klambauer et al., "Self-Normalizing Neural Networks", 2017.
    Cost: one hash and four element-wise operations.
    """

    SATURATION = -1.6732632423543772 * 1.0507009873554805

    def disturb(self, x: Any) -> Any:
        """`x` with some elements saturated, back at its mean and variance."""
        s = self.SATURATION
        a = ((1 - self.rate) * (1 + self.rate * s**2)) ** -0.5
        kept = noise.uniform(self.noise_shape(x), self.generator) >= self.rate
        return a * ops.where(kept, x, s) - a * s * self.rate


@register
class AlphaFeatureDropout(AlphaDropout):
    """Alpha dropout by feature: as `AlphaDropout`, but a channel saturates for the whole window or not at all; m has the shape (batch, 1, channel).

    (batch, time, channel) in and out; only behind selu. Source: `AlphaDropout` with the mask of `SpatialDropout`. Cost: as
    `AlphaDropout`, with a mask smaller by the number of steps.
    """

    noise_shape = SpatialDropout.noise_shape
