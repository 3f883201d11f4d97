"""Weight normalizations and constraints, as reparametrizations: a layer computes with `effective(kernel)` in place of its kernel.

An optimizer that updates stacked weights of many replicas knows nothing of a layer's constraints, and wrappers that assign to the kernel
in a forward pass fight with it. So the kernel stays an ordinary weight under its ordinary name, and what it means is a function of it, with gradients through
that function: `max_norm` and `unit_norm` bound the kernel that the network works with at every moment, while the weight below is free. A kernel has
its output units on the last axis; norms are taken over all the other axes, that is over what comes into a unit.

A layer with a kernel calls `attach(kernel)` once when it builds its weights, then `effective(kernel, training)` once in each call.
"""

from typing import Any

import keras
from keras import ops

register = keras.saving.register_keras_serializable("pipeline")
TINY = 1e-12


@register
class Reparametrization(keras.Layer):
    """The identity, and the base of the others, each of which overrides `of`. They compute in float32 or wider."""

    def attach(self, kernel: Any) -> None:
        """Make the weights that belong to `kernel`, which has its initial value already."""
        self.built = True

    def effective(self, kernel: Any, training: bool | None = None) -> Any:
        """The kernel to compute with, of the shape and type of `kernel`."""
        given = ops.convert_to_tensor(kernel)
        wide = ops.cast(given, keras.backend.result_type(given.dtype, "float32"))
        return ops.cast(self.of(wide, training), given.dtype)

    def of(self, kernel: Any, training: bool | None) -> Any:
        """What `kernel` stands for."""
        return kernel


def column_norms(kernel: Any) -> Any:
    """Euclidean norm of what comes into each output unit: (..., unit) -> (unit,)."""
    return ops.sqrt(ops.sum(ops.square(kernel), axis=tuple(range(len(kernel.shape) - 1))) + TINY**2)


@register
class WeightNormalization(Reparametrization):
    """Weight normalization: w = g v / |v| for each output unit; v (..., unit) is the kernel, g (unit,) a trained length that begins as |v|.

    The gradient of v is orthogonal to v. At the start the layer computes what it would without. Source: Salimans & Kingma, "Weight
    Normalization", 2016, without its data-dependent initialization. Cost: one pass over the kernel, one number more per unit.
    """

    def attach(self, kernel: Any) -> None:
        """One length for each unit."""
        self.length = self.add_weight(
            shape=kernel.shape[-1:],
            dtype=kernel.dtype,
            autocast=False,
            initializer=lambda *_, **__: column_norms(kernel),
            name="length",
        )
        super().attach(kernel)

    def of(self, kernel: Any, training: bool | None) -> Any:
        """Columns of the trained lengths."""
        return kernel * (self.length / column_norms(kernel))


@register
class SpectralNormalization(Reparametrization):
    """Spectral normalization: w = kernel / sigma, sigma being the largest singular value of the kernel as a matrix (inputs, units).

    sigma = v' kernel u by power iteration: in training, v <- kernel u, u <- kernel' v (each to length 1) `iterations` times per step,
    starting from where the last step ended and at the very start from 15 iterations; u and v carry no gradient, sigma does.
    Source: Miyato et al., "Spectral Normalization for GANs", 2018. Keras' wrapper instead assigns the quotient to the kernel
    in training, and cannot hold a recurrent layer. Cost: 4 iterations inputs units products per step.
    """

    def __init__(self, iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.iterations = iterations

    def attach(self, kernel: Any) -> None:
        """The right singular vector u, near its limit."""
        units = kernel.shape[-1:]
        start = ops.ones(units, dtype=kernel.dtype)
        self.u = self.add_weight(
            shape=units,
            dtype=kernel.dtype,
            autocast=False,
            initializer=lambda *_, **__: _iterate(_matrix(kernel), start, 15)[1],
            trainable=False,
            name="u",
        )
        super().attach(kernel)

    def of(self, kernel: Any, training: bool | None) -> Any:
        """A kernel whose largest singular value is about 1."""
        matrix = _matrix(kernel)
        v, u = (ops.stop_gradient(vector) for vector in _iterate(matrix, self.u, self.iterations))
        if training:
            self.u.assign(u)
        return kernel / (ops.sum(v * _times(matrix, u)) + TINY)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "iterations": self.iterations}


def _matrix(kernel: Any) -> Any:
    """(..., unit) as (inputs, unit)."""
    return ops.reshape(kernel, (-1, kernel.shape[-1]))


def _times(matrix: Any, vector: Any) -> Any:
    return ops.sum(matrix * vector, axis=-1)


def _iterate(matrix: Any, u: Any, iterations: int) -> tuple[Any, Any]:
    """Left and right singular vectors (v, u) after so many power iterations from `u`."""
    for _ in range(iterations):
        v = _unit(_times(matrix, u))
        u = _unit(_times(ops.transpose(matrix), v))
    return v, u


def _unit(vector: Any) -> Any:
    return vector / ops.sqrt(ops.sum(ops.square(vector)) + TINY**2)


@register
class MaxNorm(Reparametrization):
    """Max-norm constraint: w = kernel min(1, limit / |kernel|), for each output unit of a kernel (..., unit).

    Inside of the limit it is the identity; outside, the gradient keeps only what turns the column. Source: Srivastava et al., "Dropout", 2014,
    section 5.1, there as a projection after each update. Cost: one pass over the kernel.
    """

    def __init__(self, limit: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.limit = limit

    def of(self, kernel: Any, training: bool | None) -> Any:
        """Columns no longer than the limit."""
        return kernel * ops.minimum(1.0, self.limit / column_norms(kernel))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "limit": self.limit}


@register
class UnitNorm(Reparametrization):
    """Unit-norm constraint: w = kernel / |kernel|, for each output unit of a kernel (..., unit); weight normalization with its lengths fixed to 1.

    Source: `keras.constraints.UnitNorm`, there as a projection after each update. Cost: one pass over the kernel.
    """

    def of(self, kernel: Any, training: bool | None) -> Any:
        """Columns of length 1."""
        return kernel / column_norms(kernel)


class Reparametrized(keras.Layer):
    """Base, put before a Keras layer with a kernel: `self.effective(training)` is what the layer shall compute with.

    Arguments: `reparametrization`, a `Reparametrization` or null for the kernel as it is; all the others go on to the Keras layer.
    """

    def __init__(
        self, *args: Any, reparametrization: Reparametrization | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.reparametrization = reparametrization or Reparametrization(name="weights")

    def build(self, input_shape: Any) -> None:
        """Build the Keras layer, then what belongs to its kernel."""
        super().build(input_shape)
        self.reparametrization.attach(self.kernel)

    def effective(self, training: bool | None) -> Any:
        """The kernel to compute with."""
        return self.reparametrization.effective(self.kernel, training)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "reparametrization": keras.saving.serialize_keras_object(self.reparametrization),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Reparametrized":
        """The layer that `get_config` describes."""
        return cls(
            **{
                **config,
                "reparametrization": keras.saving.deserialize_keras_object(
                    config["reparametrization"]
                ),
            }
        )
