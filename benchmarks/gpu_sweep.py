"""A plain LSTM as one `lax.scan` over time, for the recurrent layer of a network under Keras' JAX.

The project's recurrent layer unrolls its loop over time, which takes XLA on a CPU a minute and more
to compile from about 96 steps on. Where nothing stands inside the cell, the same function is a loop
whose body is compiled once. On a GPU such a loop is bound by the bytes that it moves, so this one
moves few: the input enters the same product as h, nothing is stored twice, and the backward pass is
written by hand, with one product over all steps for the gradient of the weights.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import keras
from jax import Array, lax

from pipeline.config.model import Model, Recurrent

ALIGNMENT = 8  # rows of the weights come in multiples of this, as tensor cores like them


class Loop(NamedTuple):
    """How the loop is compiled: `unroll` steps per iteration, products of `dtype` operands."""

    unroll: int = 8
    dtype: str = "float32"


class Saved(NamedTuple):
    """What the backward pass reads of each step; the leading axis is the time."""

    joined: Array  # (batch, row): the operand of the product, h last
    carry: Array  # (batch, unit): c before the step
    gates: Array  # (batch, 4 unit): i, f, g, o after their activations


def is_plain(model: Model) -> bool:
    """Return whether the network has one LSTM with nothing inside, of which it reads the last h."""
    around = ("units", "dropout_before", "dropout_after", "output_normalization")
    plain = Recurrent(**{name: getattr(model.recurrent, name) for name in around})
    single = len(model.recurrent.units) == 1 and model.columns == "joint"
    return single and model.recurrent == plain and not model.head.sequence


def scan_over_time(network: keras.Model, loop: Loop) -> None:
    """Let the recurrent layer of a plain `network` compute with `lstm`."""
    layer = network.get_layer("recurrent_1")
    layer.call = partial(_call, layer, loop)


def _call(layer: keras.Layer, loop: Loop, x: Array, training: bool | None = None) -> Array:
    """Replace a recurrent layer's `call`: (batch, time, channel) to the last h (batch, unit)."""
    own = {v.name: keras.ops.convert_to_tensor(v) for v in layer.trainable_variables}
    batch, steps, channels = x.shape
    units = len(own["recurrent_kernel"])
    rows = -(channels + 1 + units) % ALIGNMENT
    ones, zeros = jnp.ones((steps, batch, 1)), jnp.zeros((steps, batch, rows))
    inputs = jnp.concatenate([jnp.swapaxes(x, 0, 1), ones, zeros], axis=-1)
    padding = jnp.zeros((rows, 4 * units))
    weights = [own["kernel"], own["bias"][None], padding, own["recurrent_kernel"]]
    return lstm(inputs, jnp.concatenate(weights), loop)


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def lstm(inputs: Array, weights: Array, loop: Loop) -> Array:
    """Return h after the last step (batch, unit), from zero states.

    i, f, g, o = (x_t, h_{t-1}) W;  c_t = sigmoid(f) c_{t-1} + sigmoid(i) tanh(g);
    h_t = sigmoid(o) tanh(c_t). `inputs` are (time, batch, channel), one of them 1 for the bias;
    `weights` (channel + unit, 4 unit). Source: Hochreiter and Schmidhuber, 1997, as in Keras.
    """
    return _forward(inputs, weights, loop)[0]


def _forward(inputs: Array, weights: Array, loop: Loop) -> tuple[Array, tuple[Array, Saved]]:
    operand = weights.astype(loop.dtype)

    def step(state: tuple[Array, Array], x: Array) -> tuple[tuple[Array, Array], Saved]:
        h, c = state
        joined = jnp.concatenate([x, h], axis=-1)
        i, f, g, o = jnp.split(_product(joined, operand), 4, axis=-1)
        i, f, g, o = jax.nn.sigmoid(i), jax.nn.sigmoid(f), jnp.tanh(g), jax.nn.sigmoid(o)
        after = f * c + i * g
        saved = Saved(joined, c, jnp.concatenate([i, f, g, o], axis=-1))
        return (o * jnp.tanh(after), after), saved

    zeros = jnp.zeros((inputs.shape[1], weights.shape[1] // 4), inputs.dtype)
    (h, _), saved = lax.scan(step, (zeros, zeros), inputs, unroll=loop.unroll)
    return h, (weights, saved)


def _backward(loop: Loop, residuals: tuple[Array, Saved], dh: Array) -> tuple[Array, Array]:
    weights, saved = residuals
    operand = weights.T.astype(loop.dtype)
    channels = len(weights) - dh.shape[-1]

    def step(state: tuple[Array, Array], now: tuple[Array, Array]) -> tuple[object, object]:
        dz, dc = _step_back(*state, *now)
        dx, dh = jnp.split(_product(dz, operand), [channels], axis=-1)
        return (dh, dc), (dx, dz)

    start, steps = (dh, jnp.zeros_like(dh)), (saved.carry, saved.gates)
    _, (dx, dz) = lax.scan(step, start, steps, reverse=True, unroll=loop.unroll)
    return dx, jnp.einsum("tbk,tbz->kz", saved.joined, dz)


def _step_back(dh: Array, dc: Array, before: Array, gates: Array) -> tuple[Array, Array]:
    """Return the gradients of a step's pre-activations (batch, 4 unit) and of c before it."""
    i, f, g, o = jnp.split(gates, 4, axis=-1)
    shown = jnp.tanh(f * before + i * g)
    dc = dc + dh * o * (1 - shown * shown)
    parts = [
        dc * g * i * (1 - i),
        dc * before * f * (1 - f),
        dc * i * (1 - g * g),
        dh * shown * o * (1 - o),
    ]
    return jnp.concatenate(parts, axis=-1), dc * f


def _product(x: Array, weights: Array) -> Array:
    """Multiply operands of the dtype of `weights`; the result is float32."""
    return jnp.matmul(x.astype(weights.dtype), weights, preferred_element_type=jnp.float32)


lstm.defvjp(_forward, _backward)
