"""Weight normalizations and constraints, as functions of the kernel.

A layer computes with `effective(kernel)` in place of its kernel. The kernel stays an ordinary
weight under its ordinary name, and gradients pass through the function: `max_norm` and
`unit_norm` bound the kernel that the network computes with at every moment, while the weight
itself is free. The alternatives do not work in a fleet: an optimizer of the stacked weights of
many replicas does not know the constraints of a layer, and wrappers that assign to the kernel in
a forward pass conflict with it.

The output units of a kernel are its last axis. Norms are over all other axes, that is, over the
inputs of a unit. A layer with a kernel calls `attach(kernel)` once when it builds its weights,
then `effective(kernel, training)` once in each call. All kinds are causal.
"""

from typing import Any, Unpack

import keras
from keras import ops

from pipeline.network.base import LayerConfig, LayerOptions, Tensor, TensorShape, register

TINY = 1e-12


@register
class Reparametrization(keras.Layer):
    """The identity, w = kernel, and the base of the other kinds, which override `of`.

    All of them compute in float32 or wider.
    """

    def attach(self, kernel: Tensor) -> None:
        """Create the weights that belong to `kernel`, which has its initial value already."""
        self.built = True

    def effective(self, kernel: Tensor, training: bool | None = None) -> Tensor:
        """Return the kernel to compute with, of the shape and type of `kernel`."""
        given = ops.convert_to_tensor(kernel)
        wide = ops.cast(given, keras.backend.result_type(given.dtype, "float32"))
        return ops.cast(self.of(wide, training), given.dtype)

    def of(self, kernel: Tensor, training: bool | None) -> Tensor:
        """Return `kernel` reparametrized."""
        return kernel


def column_norms(kernel: Tensor) -> Tensor:
    """Return the Euclidean norm of the inputs of each unit: (..., unit) -> (unit,)."""
    inputs = tuple(range(len(kernel.shape) - 1))
    return ops.sqrt(ops.sum(ops.square(kernel), axis=inputs) + TINY**2)


@register
class WeightNormalization(Reparametrization):
    """Weight normalization: w = g v / |v| for each output unit.

    v is the kernel and g a trained length, which begins as |v|, so that the layer initially
    computes what it would compute without. The gradient of v is orthogonal to v.

    Shapes:
        v and w are (..., unit), g is (unit,).

    Cost:
        One pass over the kernel, and one more weight per unit.

    Source:
        Salimans & Kingma, "Weight Normalization", 2016, without its data-dependent
        initialization.
    """

    def attach(self, kernel: Tensor) -> None:
        self.length = self.add_weight(
            shape=kernel.shape[-1:],
            dtype=kernel.dtype,
            autocast=False,
            initializer=lambda *_, **__: column_norms(kernel),
            name="length",
        )
        super().attach(kernel)

    def of(self, kernel: Tensor, training: bool | None) -> Tensor:
        return kernel * (self.length / column_norms(kernel))


@register
class SpectralNormalization(Reparametrization):
    """Spectral normalization: w = kernel / sigma, sigma being its largest singular value.

    The kernel is read as a matrix K (inputs, unit) and sigma = v' K u is found by power
    iteration. In training, v <- K u and u <- K' v (each scaled to length 1) are repeated
    `iterations` times per step, starting from the vectors of the last step, and initially from 15
    iterations. u and v carry no gradient, sigma does. Keras' wrapper instead assigns the quotient
    to the kernel in training, and cannot wrap a recurrent layer.

    Args:
        iterations: number of power iterations per step.

    Shapes:
        The kernel and w are (..., unit), u is (unit,) and v is (inputs,).

    Cost:
        4 iterations inputs units products per step.

    Source:
        Miyato et al., "Spectral Normalization for GANs", 2018.
    """

    def __init__(self, iterations: int = 1, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.iterations = iterations

    def attach(self, kernel: Tensor) -> None:
        units = kernel.shape[-1:]
        start = ops.ones(units, dtype=kernel.dtype)
        self.u = self.add_weight(
            shape=units,
            dtype=kernel.dtype,
            autocast=False,
            initializer=lambda *_, **__: _power_iteration(_matrix(kernel), start, 15)[1],
            trainable=False,
            name="u",
        )
        super().attach(kernel)

    def of(self, kernel: Tensor, training: bool | None) -> Tensor:
        matrix = _matrix(kernel)
        v, u = (
            ops.stop_gradient(vector)
            for vector in _power_iteration(matrix, self.u, self.iterations)
        )
        if training:
            self.u.assign(u)
        return kernel / (ops.sum(v * _times(matrix, u)) + TINY)

    def get_config(self) -> LayerConfig:
        return {**super().get_config(), "iterations": self.iterations}


def _matrix(kernel: Tensor) -> Tensor:
    """Reshape a kernel: (..., unit) -> (inputs, unit)."""
    return ops.reshape(kernel, (-1, kernel.shape[-1]))


def _times(matrix: Tensor, vector: Tensor) -> Tensor:
    return ops.sum(matrix * vector, axis=-1)


def _power_iteration(matrix: Tensor, u: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """Return the left and right singular vectors (v, u) after some iterations from `u`."""
    for _ in range(iterations):
        v = _unit(_times(matrix, u))
        u = _unit(_times(ops.transpose(matrix), v))
    return v, u


def _unit(vector: Tensor) -> Tensor:
    return vector / ops.sqrt(ops.sum(ops.square(vector)) + TINY**2)


@register
class MaxNorm(Reparametrization):
    """Max-norm constraint: w = kernel min(1, limit / |kernel|) for each output unit.

    Within the limit it is the identity. Outside, the gradient keeps only the part that turns the
    column.

    Args:
        limit: the largest norm of a column.

    Shapes:
        The kernel and w are (..., unit).

    Cost:
        One pass over the kernel.

    Source:
        Srivastava et al., "Dropout", 2014, section 5.1, where it is a projection after each
        update.
    """

    def __init__(self, limit: float = 2.0, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.limit = limit

    def of(self, kernel: Tensor, training: bool | None) -> Tensor:
        return kernel * ops.minimum(1.0, self.limit / column_norms(kernel))

    def get_config(self) -> LayerConfig:
        return {**super().get_config(), "limit": self.limit}


@register
class UnitNorm(Reparametrization):
    """Unit-norm constraint: w = kernel / |kernel| for each output unit.

    This is weight normalization with all lengths fixed to 1.

    Shapes:
        The kernel and w are (..., unit).

    Cost:
        One pass over the kernel.

    Source:
        `keras.constraints.UnitNorm`, where it is a projection after each update.
    """

    def of(self, kernel: Tensor, training: bool | None) -> Tensor:
        return kernel / column_norms(kernel)


class Reparametrized(keras.Layer):
    """The base, listed before a Keras layer with a kernel, that reparametrizes this kernel.

    The layer computes with `self.effective(training)`.

    Args:
        reparametrization: a `Reparametrization`; None uses the kernel as it is.
        args, kwargs: the arguments of the Keras layer.
    """

    def __init__(
        self, *args: Any, reparametrization: Reparametrization | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.reparametrization = reparametrization or Reparametrization(name="weights")

    def build(self, input_shape: TensorShape) -> None:
        super().build(input_shape)
        self.reparametrization.attach(self.kernel)

    def effective(self, training: bool | None) -> Tensor:
        """Return the kernel to compute with."""
        return self.reparametrization.effective(self.kernel, training)

    def get_config(self) -> LayerConfig:
        reparametrization = keras.saving.serialize_keras_object(self.reparametrization)
        return {**super().get_config(), "reparametrization": reparametrization}

    @classmethod
    def from_config(cls, config: LayerConfig) -> "Reparametrized":
        part = keras.saving.deserialize_keras_object(config["reparametrization"])
        return cls(**{**config, "reparametrization": part})
