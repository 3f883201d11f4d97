"""The fleet of `gpu_fleet.py` on a benchmark's data, and the check that it is right."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from contenders import WINDOWS, Work, data
from gpu_fleet import Data, State, compiled, prepare
from gpu_sweep import Loop
from jax import Array

from pipeline.config.model import Model, Shape

Trainer = tuple[Callable[[int], int], float, Callable[[], int]]
SHORT = 24  # steps of a window
TOLERANCE = 1e-5  # of the largest entry of a gradient


def network(work: Work) -> tuple[Model, Shape]:
    """Return what a fleet is built from."""
    return Model.model_validate(work.model), Shape(work.time, 1, 1, work.features - 1)


def inputs(work: Work, replicas: int, steps: int) -> tuple[Data, Array]:
    """Return a table, and for each step and replica the rows where its windows start."""
    windows, targets = data(work)
    shape = steps, replicas, work.batch
    starts = np.random.default_rng(0).integers(0, WINDOWS - work.time - 1, shape)
    rows = Data(jnp.asarray(windows[:, -1]), jnp.asarray(targets))
    return rows, jnp.asarray(starts, jnp.int32)


def trainer(
    work: Work, replicas: int, steps: int, unroll: int | None = None, dtype: str = "float32"
) -> Trainer:
    """Return `train(steps) -> model-steps`, the seconds to compile it, and its memory.

    `unroll` is the steps per iteration of the loop over time: None for a short window as a whole
    and else 8, 0 for the recurrent layer as it is, which unrolls all of them.
    """
    unroll = default_unroll(work.time) if unroll is None else unroll
    rows, batches = inputs(work, replicas, steps)
    fleet, state = prepare(*network(work), replicas, Loop(unroll, dtype) if unroll else None)
    program = compiled(fleet, rows, state, batches)

    def train(_: int) -> int:
        nonlocal state
        state, losses = program.run(rows, state, batches)
        jax.block_until_ready(losses)
        return steps * replicas

    return train, program.seconds, lambda: program.memory


def default_unroll(time: int) -> int:
    """Return what was fastest on an H200: a short window as a whole, else 8 steps at once."""
    return time if time <= SHORT else 8


def check(work: Work, replicas: int = 8) -> dict[str, float]:
    """Return how far gradients lie apart, as shares of the largest entry, in full float32.

    A fleet's row must be the gradient of that replica alone, and the scan over time must agree
    with the layer as it is. Raises `ValueError` above the tolerance.
    """
    with jax.default_matmul_precision("highest"):
        scanned, alone = gradients(work, replicas, Loop())
        unrolled, _ = gradients(work, replicas, None)
    found = {
        "a fleet and its replicas alone": _distance(scanned, alone),
        "the scan over time and the unrolled layer": _distance(scanned, unrolled),
    }
    if max(found.values()) > TOLERANCE:
        raise ValueError(f"gradients differ by more than {TOLERANCE:g}: {found}")
    return found


def gradients(work: Work, replicas: int, loop: Loop | None) -> tuple[Array, Array]:
    """Return the first gradients (replica, parameter), of the fleet and of each replica alone."""
    rows, batches = inputs(work, replicas, 1)
    fleet, state = prepare(*network(work), replicas, loop)
    together = jax.jit(fleet.gradients)(rows, state, batches[0])[0]
    one = jax.jit(fleet.gradient)

    def alone(k: int, state: State) -> Array:
        return one(rows, state.weights[k], tuple(s[k] for s in state.statistics), batches[0, k])[0]

    return together, jnp.stack([alone(k, state) for k in range(replicas)])


def _distance(left: Array, right: Array) -> float:
    return float(jnp.abs(left - right).max() / jnp.abs(right).max())
