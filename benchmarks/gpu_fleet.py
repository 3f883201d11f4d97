"""A fleet under JAX: the replicas of one network, trained as one program on the device.

The formulas are those of `pipeline/training/engine`: the trainable weights of all replicas are one
matrix (replica, parameter), windows are gathered in the program, and a whole epoch is one call
(`lax.scan` over its steps, `vmap` over the replicas). Every target counts as measured. Keras must
run with `KERAS_BACKEND=jax`.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np
from gpu_sweep import Loop, is_plain, scan_over_time
from jax import Array, lax

from pipeline.config.model import Model, Shape
from pipeline.network.build import build

Statistics = tuple[Array, ...]
Slots = tuple[Array, ...]
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
RATE = 1e-3
DRAWN = 8  # initial weights that are drawn; a larger fleet repeats them, its batches differ


class State(NamedTuple):
    """All that changes in training; the leading axis of every array but `step` is the replica."""

    weights: Array  # (replica, parameter) float32
    statistics: Statistics
    slots: Slots  # the optimizer's memory
    step: Array  # () float32: steps taken


class Data(NamedTuple):
    """The table on the device: `inputs` (row, channel) and `targets` (row, target), float32.

    The future covariates are the last channels.
    """

    inputs: Array
    targets: Array


class Optimizer(NamedTuple):
    """`initial` makes the slots of weights; `change` says what to subtract, and the new slots."""

    initial: Callable[[Array], Slots]
    change: Callable[[Array, Slots, Array], tuple[Array, Slots]]


def _moments(gradient: Array, mean: Array, square: Array) -> tuple[Array, Array]:
    mean = mean + (1 - BETA_1) * (gradient - mean)
    return mean, square + (1 - BETA_2) * (jnp.square(gradient) - square)


def adam(gradient: Array, slots: Slots, step: Array) -> tuple[Array, Slots]:
    """Kingma and Ba, 2015, as in Keras."""
    mean, square = _moments(gradient, *slots)
    scale = jnp.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
    return RATE * scale * mean / (jnp.sqrt(square) + EPSILON), (mean, square)


def nadam(gradient: Array, slots: Slots, step: Array) -> tuple[Array, Slots]:
    """Dozat, 2016, with the momentum schedule of Keras, whose running product is the last slot."""
    mean, square = _moments(gradient, *slots[:2])
    now, following = (BETA_1 * (1 - 0.5 * 0.96**s) for s in (step, step + 1))
    product = slots[2] * now
    ahead = following * mean / (1 - product * following) + (1 - now) * gradient / (1 - product)
    scale = jnp.sqrt(square / (1 - BETA_2**step)) + EPSILON
    return RATE * ahead / scale, (mean, square, product)


def _zeros(weights: Array) -> Slots:
    return jnp.zeros_like(weights), jnp.zeros_like(weights)


OPTIMIZERS = {
    "adam": Optimizer(_zeros, adam),
    "nadam": Optimizer(lambda weights: (*_zeros(weights), jnp.ones(())), nadam),
}


@dataclass(frozen=True)
class Fleet:
    """One network whose variables are handed in; `shape` says what a window is."""

    network: keras.Model
    shape: Shape
    optimizer: Optimizer

    def epoch(self, data: Data, state: State, batches: Array) -> tuple[State, Array]:
        """Train on `batches` (step, replica, window); also return the mean losses (replica,)."""
        state, losses = lax.scan(lambda now, batch: self.step(data, now, batch), state, batches)
        return state, losses.mean(axis=0)

    def step(self, data: Data, state: State, batch: Array) -> tuple[State, Array]:
        """Take one optimizer step with every replica on its `batch` (replica, window)."""
        gradient, statistics, loss = self.gradients(data, state, batch)
        step = state.step + 1
        change, slots = self.optimizer.change(gradient, state.slots, step)
        return State(state.weights - change, statistics, slots, step), loss

    def gradients(self, data: Data, state: State, batch: Array) -> tuple[Array, Statistics, Array]:
        """Return gradients (replica, parameter), new statistics, and losses (replica,)."""
        return jax.vmap(self.gradient, in_axes=(None, 0, 0, 0))(
            data, state.weights, state.statistics, batch
        )

    def gradient(
        self, data: Data, weights: Array, statistics: Statistics, batch: Array
    ) -> tuple[Array, Statistics, Array]:
        """Do the same for one replica: its weights (parameter,), its batch (window,)."""
        loss_and_gradient = jax.value_and_grad(self.loss, argnums=1, has_aux=True)
        (loss, new), gradient = loss_and_gradient(data, weights, statistics, batch)
        return gradient, new, loss

    def loss(
        self, data: Data, weights: Array, statistics: Statistics, batch: Array
    ) -> tuple[Array, Statistics]:
        """Return the squared error of one replica on its batch, and its new statistics."""
        shape = self.shape
        past = data.inputs[batch[:, None] + jnp.arange(shape.lookback)]
        ahead = batch[:, None] + shape.lookback + jnp.arange(shape.horizon)
        future = data.inputs[ahead, shape.channels - shape.future :]
        forecast, new = self.network.stateless_call(
            self._unflatten(weights), statistics, [past, future], training=True
        )
        error = forecast.astype(jnp.float32) - data.targets[ahead]
        kept = tuple(n.astype(s.dtype) for n, s in zip(new, statistics, strict=True))
        return jnp.mean(jnp.square(error)), kept

    def _unflatten(self, weights: Array) -> list[Array]:
        """Cut a row of weights (parameter,) into the network's trainable variables."""
        variables = self.network.trainable_variables
        ends = np.cumsum([int(np.prod(v.shape)) for v in variables])
        parts = jnp.split(weights, ends[:-1])
        return [p.reshape(v.shape) for p, v in zip(parts, variables, strict=True)]

    def initial(self, networks: Sequence[keras.Model], replicas: int) -> State:
        """Return the state before the first step; `networks` are repeated up to `replicas`."""
        chosen = [networks[i % len(networks)] for i in range(replicas)]
        flat = [np.concatenate([np.ravel(v) for v in n.trainable_variables]) for n in chosen]
        rest = zip(
            *([np.asarray(v) for v in n.non_trainable_variables] for n in chosen), strict=True
        )
        weights = jnp.asarray(np.stack(flat), jnp.float32)
        statistics = tuple(jnp.asarray(np.stack(values)) for values in rest)
        return State(weights, statistics, self.optimizer.initial(weights), jnp.zeros(()))


def prepare(
    model: Model, shape: Shape, replicas: int, loop: Loop | None, optimizer: str = "nadam"
) -> tuple[Fleet, State]:
    """Build a fleet; `loop` scans over time where the network is plain, None unrolls."""
    networks = [build(model, shape, seed) for seed in range(min(replicas, DRAWN))]
    if loop is not None and is_plain(model):
        scan_over_time(networks[0], loop)
    fleet = Fleet(networks[0], shape, OPTIMIZERS[optimizer])
    return fleet, fleet.initial(networks, replicas)


class Program(NamedTuple):
    """A compiled epoch, the seconds that took, and the bytes XLA plans on the device."""

    run: Callable[[Data, State, Array], tuple[State, Array]]
    seconds: float
    memory: int


def compiled(fleet: Fleet, data: Data, state: State, batches: Array) -> Program:
    """Compile an epoch of the size of `batches`; its state is updated in place."""
    began = time.perf_counter()
    program = jax.jit(fleet.epoch, donate_argnums=1).lower(data, state, batches).compile()
    plan = program.memory_analysis()
    sizes = plan.argument_size_in_bytes + plan.output_size_in_bytes + plan.temp_size_in_bytes
    return Program(program, time.perf_counter() - began, sizes - plan.alias_size_in_bytes)
