"""What normalizes one term inside a recurrent cell: layer or batch normalization.

A `Normalizer` is a layer without a call of its own that holds weights. At the beginning of each
call of the recurrent layer it hands out a `Term`, which normalizes an x-term for all steps at
once, or an h-term or a state step by step. All compute in float32 or wider.
"""

from collections.abc import Sequence
from typing import Unpack

import keras
from keras import ops

from pipeline.network.base import LayerOptions, Tensor


class Term:
    """The normalization of one term during one call of the recurrent layer."""

    def every_step(self, x: Tensor) -> Tensor:
        """Normalize all steps at once: (batch, time, width) -> (batch, time, width)."""
        raise NotImplementedError

    def step(self, z: Tensor, t: int) -> Tensor:
        """Normalize step t: (batch, width) -> (batch, width)."""
        raise NotImplementedError

    def end(self) -> None:
        """Store what was learned of the batch; called after the last step."""


class Normalizer(keras.Layer):
    """The base of the normalizers: y = gamma standardize(z) + beta.

    Args:
        width: number of channels of the term, each with its own gamma.
        epsilon: added to the variance.
        shift: whether there is a beta.
        gamma: initial value of gamma.
    """

    def __init__(
        self,
        width: int,
        epsilon: float,
        shift: bool,
        gamma: float = 1.0,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.gamma = self.add_weight(
            shape=(width,),
            initializer=keras.initializers.Constant(gamma),
            autocast=False,
            name="gamma",
        )
        self.beta = None
        if shift:
            self.beta = self.add_weight(
                shape=(width,), initializer="zeros", autocast=False, name="beta"
            )
        self.built = True

    def begin(self, steps: int, training: bool) -> Term:
        """Return the term of a call over `steps` steps."""
        raise NotImplementedError

    def scaled(self, z: Tensor, gamma: Tensor) -> Tensor:
        """Return `gamma` z + beta in the precision of the layer, for a centered z."""
        scaled = z * gamma if self.beta is None else z * gamma + self.beta
        return ops.cast(scaled, self.compute_dtype)


def wide(z: Tensor) -> Tensor:
    """Return `z` in float32 or wider."""
    return ops.cast(z, keras.backend.result_type(z.dtype, "float32"))


class LayerNorm(Normalizer):
    """Layer normalization: standardize(z) = (z - mean) / sqrt(variance + epsilon).

    Mean and variance are over the channels of each of `groups` equal parts of z. The result is
    the same in training and at inference, for a sample alone or in a batch.

    Args:
        width, epsilon, shift: see `Normalizer`.
        groups: number of parts that are normalized separately, such as the gates.

    Shapes:
        (..., width) -> (..., width).

    Cost:
        Two passes over z.

    Source:
        Ba et al., "Layer Normalization", 2016.
    """

    def __init__(
        self,
        width: int,
        epsilon: float,
        shift: bool,
        groups: int = 1,
        **kwargs: Unpack[LayerOptions],
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
        layer, parts = self.layer, wide(z)
        if layer.groups > 1:
            parts = ops.reshape(parts, (*ops.shape(z)[:-1], layer.groups, -1))
        centered = parts - ops.mean(parts, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(centered), axis=-1, keepdims=True)
        standardized = centered * ops.rsqrt(variance + layer.epsilon)
        if layer.groups > 1:
            standardized = ops.reshape(standardized, ops.shape(z))
        return layer.scaled(standardized, layer.gamma)


class BatchNorm(Normalizer):
    """Batch normalization: standardize(z_t) = (z_t - mean_t) / sqrt(variance_t + epsilon).

    Mean and variance are over the batch, for each time step t separately; gamma and beta are
    shared by the steps. Training uses the statistics m' of the batch and moves the stored ones by
    m <- momentum m + (1 - momentum) m'. Inference uses the stored ones, and after their last row
    that of the last step.

    Args:
        width, epsilon, shift, gamma: see `Normalizer`. Cooijmans et al. start gamma at 0.1,
            because at 1 the gates saturate and gradients vanish.
        rows: number of stored rows: one per time step, or 1 for all steps, which moves by the
            average of the steps.
        momentum: the weight of the old value in the moving averages.
        sequence: whether the statistics of the batch are over batch and time; for x-terms only.

    Raises:
        ValueError: if a window in training has another number of steps than there are rows.

    Shapes:
        (batch, time, width) or (batch, width), and the output has the shape of the input; the
        stored statistics are (rows, width).

    Cost:
        Two passes over z in training, one at inference; 2 rows width stored numbers.

    Source:
        Cooijmans et al., "Recurrent Batch Normalization", 2017.
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
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(width, epsilon, shift, gamma, **kwargs)
        self.momentum, self.axes = momentum, (0, 1) if sequence else (0,)
        stored = {"shape": (rows, width), "trainable": False, "autocast": False}
        self.moving_mean = self.add_weight(**stored, initializer="zeros", name="moving_mean")
        self.moving_variance = self.add_weight(**stored, initializer="ones", name="moving_variance")

    def begin(self, steps: int, training: bool) -> Term:
        if not (training and self.trainable):
            return StoredTerm(self, steps)
        rows = self.moving_mean.shape[0]
        if rows not in (1, steps):
            raise ValueError(f"BatchNorm: expected {rows} time steps in training, received {steps}")
        return BatchTerm(self)

    def move(self, stored: keras.Variable, batch: Tensor) -> None:
        """Move a `stored` statistic towards that of the batch, (time, width)."""
        rows, width = stored.shape
        mean = ops.mean(ops.reshape(batch, (rows, -1, width)), axis=1)
        stored.assign(self.momentum * stored + (1 - self.momentum) * mean)


class BatchTerm(Term):
    """A term under batch normalization in training, which records the batch's statistics."""

    def __init__(self, layer: BatchNorm) -> None:
        self.layer = layer
        self.means: list[Tensor] = []
        self.variances: list[Tensor] = []

    def every_step(self, x: Tensor) -> Tensor:
        return self.normalized(wide(x), self.layer.axes)

    def step(self, z: Tensor, t: int) -> Tensor:
        return self.normalized(wide(z), (0,))

    def normalized(self, z: Tensor, axes: Sequence[int]) -> Tensor:
        """Normalize `z` by its own moments over `axes`, which are recorded."""
        mean = ops.mean(z, axis=axes)
        variance = ops.mean(ops.square(z - mean), axis=axes)
        self.means.append(mean)
        self.variances.append(variance)
        slope = self.layer.gamma * ops.rsqrt(variance + self.layer.epsilon)
        return self.layer.scaled(z - mean, slope)

    def end(self) -> None:
        self.layer.move(self.layer.moving_mean, ops.stack(self.means))
        self.layer.move(self.layer.moving_variance, ops.stack(self.variances))


class StoredTerm(Term):
    """A term under batch normalization at inference: an affine function for each step."""

    def __init__(self, layer: BatchNorm, steps: int) -> None:
        rows = [min(t, layer.moving_mean.shape[0] - 1) for t in range(steps)]
        variance = ops.take(layer.moving_variance, rows, axis=0)
        self.layer = layer
        self.mean = ops.take(layer.moving_mean, rows, axis=0)  # (time, width)
        self.slope = layer.gamma * ops.rsqrt(variance + layer.epsilon)

    def every_step(self, x: Tensor) -> Tensor:
        return self.layer.scaled(wide(x) - self.mean, self.slope)

    def step(self, z: Tensor, t: int) -> Tensor:
        return self.layer.scaled(wide(z) - self.mean[t], self.slope[t])
