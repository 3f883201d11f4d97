"""What normalizes one term inside a recurrent cell: layer normalization, and batch normalization with statistics per time step.

A `Normalizer` is a layer without a call of its own that holds weights. When a call of the recurrent layer begins it hands out a `Term`, which
normalizes a term of the x-side for every step at once, or one of the h-side step by step. All compute in float32 or wider.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

Tensor = Any


class Term:
    """One term in one call of the layer."""

    def every_step(self, x: Tensor) -> Tensor:
        """Normalize (batch, time, width)."""
        raise NotImplementedError

    def step(self, z: Tensor, t: int) -> Tensor:
        """Normalize (batch, width) at step t."""
        raise NotImplementedError

    def end(self) -> None:
        """After the last step: keep what was learned of the batch."""


class Normalizer(keras.Layer):
    """The base: y = gamma standardize(z) + beta, with one gamma for each of `width` channels, and one beta where `shift`."""

    def __init__(
        self, width: int, epsilon: float, shift: bool, gamma: float = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.gamma = self.add_weight(
            shape=(width,),
            initializer=keras.initializers.Constant(gamma),
            autocast=False,
            name="gamma",
        )
        self.beta = (
            self.add_weight(shape=(width,), initializer="zeros", autocast=False, name="beta")
            if shift
            else None
        )
        self.built = True

    def begin(self, steps: int, training: bool) -> Term:
        """The term of a call over `steps` steps."""
        raise NotImplementedError

    def scaled(self, z: Tensor, gamma: Tensor) -> Tensor:
        """`gamma` z + beta in the precision of the layer, for a centred z."""
        return ops.cast(
            z * gamma if self.beta is None else z * gamma + self.beta, self.compute_dtype
        )


def wide(z: Tensor) -> Tensor:
    """`z` in float32 or wider."""
    return ops.cast(z, keras.backend.result_type(z.dtype, "float32"))


class LayerNorm(Normalizer):
    """Layer normalization: standardize(z) = (z - mean) / sqrt(variance + epsilon), over the channels of each of `groups` equal parts of z.

    (..., width) in and out. It is the same in training and at inference, for a sample alone or in a batch. Source: Ba et al., "Layer Normalization",
    2016. Cost: two passes over z.
    """

    def __init__(
        self, width: int, epsilon: float, shift: bool, groups: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(width, epsilon, shift, **kwargs)
        self.groups = groups

    def begin(self, steps: int, training: bool) -> Term:
        return LayerTerm(self)


class LayerTerm(Term):
    """A term under layer normalization."""

    def __init__(self, layer: LayerNorm) -> None:
        self.layer = layer

    def every_step(self, x: Tensor) -> Tensor:
        return self.step(x, 0)

    def step(self, z: Tensor, t: int) -> Tensor:
        parts = (
            wide(z)
            if self.layer.groups == 1
            else ops.reshape(wide(z), (*ops.shape(z)[:-1], self.layer.groups, -1))
        )
        centred = parts - ops.mean(parts, axis=-1, keepdims=True)
        unit = centred * ops.rsqrt(
            ops.mean(ops.square(centred), axis=-1, keepdims=True) + self.layer.epsilon
        )
        return self.layer.scaled(
            unit if self.layer.groups == 1 else ops.reshape(unit, ops.shape(z)), self.layer.gamma
        )


class BatchNorm(Normalizer):
    """Batch normalization: standardize(z) = (z - mean_t) / sqrt(variance_t + epsilon), over the batch, each time step t by itself.

    gamma and beta are shared by the steps. Training uses the batch's own statistics and moves the stored ones, m <- momentum m + (1 - momentum) batch's;
    inference uses the stored ones, beyond the last step those of the last. With `rows` = 1 there is one stored row for
    all steps, which moves by the steps' average. With `sequence`, on the x-side only, the batch's statistics are over batch and time.
    (batch, time, width) or (batch, width) in and out; the stored statistics are (rows, width).
    Source: Cooijmans et al., "Recurrent Batch Normalization", 2017, whose gamma starts at 0.1: at 1 the gates saturate and gradients vanish.
    Cost: two passes over z in training, one at inference; 2 rows width numbers.
    """

    def __init__(
        self,
        width: int,
        epsilon: float,
        shift: bool,
        rows: int,
        gamma: float,
        momentum: float,
        sequence: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(width, epsilon, shift, gamma, **kwargs)
        self.momentum, self.axes = momentum, (0, 1) if sequence else (0,)
        stored = {"shape": (rows, width), "trainable": False, "autocast": False}
        self.moving_mean = self.add_weight(**stored, initializer="zeros", name="moving_mean")
        self.moving_variance = self.add_weight(**stored, initializer="ones", name="moving_variance")

    def begin(self, steps: int, training: bool) -> Term:
        if not (training and self.trainable):
            return StoredTerm(self, steps)
        if self.moving_mean.shape[0] not in (1, steps):
            raise ValueError(
                f"BatchNorm: expected {self.moving_mean.shape[0]} time steps in training, received {steps}"
            )
        return BatchTerm(self)

    def move(self, means: Tensor, variances: Tensor) -> None:
        """Move the stored statistics towards those of a batch, each (time, width)."""
        for stored, now in ((self.moving_mean, means), (self.moving_variance, variances)):
            stored.assign(
                self.momentum * stored
                + (1 - self.momentum)
                * ops.mean(ops.reshape(now, (stored.shape[0], -1, stored.shape[1])), axis=1)
            )


class BatchTerm(Term):
    """A term under batch normalization in training, with a record of the batch's statistics."""

    def __init__(self, layer: BatchNorm) -> None:
        self.layer = layer
        self.means: list[Tensor] = []
        self.variances: list[Tensor] = []

    def every_step(self, x: Tensor) -> Tensor:
        return self.normalized(wide(x), self.layer.axes)

    def step(self, z: Tensor, t: int) -> Tensor:
        return self.normalized(wide(z), (0,))

    def normalized(self, z: Tensor, axes: Sequence[int]) -> Tensor:
        """`z` by its own moments over `axes`, which are recorded."""
        mean = ops.mean(z, axis=axes)
        variance = ops.mean(ops.square(z - mean), axis=axes)
        self.means.append(mean)
        self.variances.append(variance)
        return self.layer.scaled(
            z - mean, self.layer.gamma * ops.rsqrt(variance + self.layer.epsilon)
        )

    def end(self) -> None:
        self.layer.move(ops.stack(self.means), ops.stack(self.variances))


class StoredTerm(Term):
    """A term under batch normalization at inference: an affine function for each step."""

    def __init__(self, layer: BatchNorm, steps: int) -> None:
        rows = [min(t, layer.moving_mean.shape[0] - 1) for t in range(steps)]
        self.layer = layer
        self.mean = ops.take(layer.moving_mean, rows, axis=0)  # (time, width)
        self.slope = layer.gamma * ops.rsqrt(
            ops.take(layer.moving_variance, rows, axis=0) + layer.epsilon
        )

    def every_step(self, x: Tensor) -> Tensor:
        return self.layer.scaled(wide(x) - self.mean, self.slope)

    def step(self, z: Tensor, t: int) -> Tensor:
        return self.layer.scaled(wide(z) - self.mean[t], self.slope[t])
