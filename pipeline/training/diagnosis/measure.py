"""The measurements: gradients over time, saturated gates, activations, norms, and noise.

All are taken at inference, on one batch, seed by seed and eagerly: what a graph of an unrolled loop
and its gradient would take to trace exceeds what it would save here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow import Tensor

from pipeline.config.flow import parts
from pipeline.config.slots import Slot, slots
from pipeline.training.diagnosis import probes
from pipeline.training.diagnosis.probes import Recording
from pipeline.training.engine.ensemble import Ensemble
from pipeline.training.engine.fleet import bind
from pipeline.training.engine.replicas import Replicas, Statistics

DRAWS = 2  # of the dropout, enough as the variance is averaged over all windows and seeds
SATURATED = 0.05  # a gate below it is closed, one above 1 minus it is open
LOGIT = np.log((1 - SATURATED) / SATURATED)
GATES: Mapping[str, Mapping[str, int]] = {  # the sigmoids of a cell, by their places
    "lstm": {"input": 0, "forget": 1, "output": 3},
    "gru": {"update": 0, "reset": 1},
    "simple_rnn": {},
}
STATES = ("h", "c")
Facts = dict[str, Any]
Arrays = dict[str, np.ndarray]
Loss = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Batch:
    """Windows with their truth: float32, as an `Ensemble` takes them.

    `past` is (window, lookback, channel), `future` (window, horizon, future covariate), and `truth`
    (window, horizon, target), NaN where it was not measured.
    """

    past: np.ndarray
    future: np.ndarray
    truth: np.ndarray


@dataclass(frozen=True)
class Replica:
    """One seed of a variant: the network, which all share, with its weights, on the batch."""

    replicas: Replicas
    weights: Tensor
    statistics: Statistics
    seed: int
    batch: Batch
    loss: Loss

    def forecast(self, draw: int = 0) -> Tensor:
        """Return the forecasts (window, horizon, target), with the dropout masks of that draw."""
        rows = tuple(statistic[None] for statistic in self.statistics)
        reseeded = self.replicas.reseed(rows, [self.seed], draw)
        statistics = tuple(row[0] for row in reseeded)
        past, future = tf.constant(self.batch.past), tf.constant(self.batch.future)
        return self.replicas.call(self.weights, statistics, past, future, training=False)[0]

    def losses(self, forecast: Tensor) -> Tensor:
        """Return the loss of each window, (window,), the mean over its measured cells."""
        measured = np.isfinite(self.batch.truth)
        cost = self.loss(forecast - np.where(measured, self.batch.truth, np.float32(0)))
        axes = tuple(range(1, measured.ndim))
        count = np.maximum(measured.sum(axis=axes), 1).astype(np.float32)
        return tf.reduce_sum(tf.where(measured, cost, 0.0), axis=axes) / count


def diagnose(ensemble: Ensemble, batch: Batch, loss: Slot) -> tuple[Facts, Arrays]:
    """Return what is measured inside the trained replicas of a variant: facts, and arrays.

    A fact is a mean over the seeds; an array is (seed, step), the steps of a recurrent layer in the
    order of time. Its key is the name of layer, direction and state or gate, such as
    `recurrent_1.forward.h`, which holds norms of gradients, and `recurrent_1.forward.forget`, which
    holds shares of saturated gates. `loss` is that of the training. What is not finite is null. A
    normalization that the forecast inverts (`revin`, `last_value`) is not among the layers.
    """
    each = [_one(replica) for replica in _replicas(ensemble, batch, bind(loss))]
    facts = _mean([facts for facts, _ in each])
    arrays = {name: np.stack([arrays[name] for _, arrays in each]) for name in each[0][1]}
    gates = {
        name: float(array.mean()) for name, array in arrays.items() if _last(name) not in STATES
    }
    facts |= {"gates": gates, "windows": len(batch.past), "seeds": len(each)}
    return _rounded(facts), {name: array.astype(np.float32) for name, array in arrays.items()}


def _replicas(ensemble: Ensemble, batch: Batch, loss: Loss) -> Iterator[Replica]:
    """Yield the seeds that were trained."""
    weights, statistics = ensemble.weights
    for i, (seed, state) in enumerate(zip(ensemble.seeds, ensemble.states, strict=True)):
        if state == "trained":
            own = tuple(statistic[i] for statistic in statistics)
            yield Replica(ensemble.replicas, weights[i], own, seed, batch, loss)


def _one(replica: Replica) -> tuple[Facts, Arrays]:
    """Measure one seed: one pass with its gradient, and a few without."""
    layers = _layers(replica.replicas)
    with probes.recording(replica.replicas.network, layers) as seen, tf.GradientTape() as tape:
        tape.watch(replica.weights)
        forecast = replica.forecast()
        losses = replica.losses(forecast)
        total = tf.reduce_sum(losses)
    cell = replica.replicas.model.recurrent.cell
    arrays = {**_gradients(tape, total, seen), **dict(_saturated(seen, cell))}
    error = _rms(forecast.numpy() - replica.batch.truth)
    facts: Facts = {
        "layers": {
            name: _activation(layers[name], got) for name, got in seen.outputs.items() if got
        },
        "weights": _norms(replica),
        "batch_gap": _batch_gap(replica, forecast, error, float(tf.reduce_mean(losses))),
        "dropout_noise": _noise(replica, error),
        "error": error,
    }
    return facts, arrays


def _layers(replicas: Replicas) -> dict[str, keras.Layer]:
    """Return the layers of the network that are parts of it, by name, in the order of the data."""
    named = {layer.name: layer for layer in replicas.network._flatten_layers()}
    order = [part.name for part in parts(replicas.model, replicas.shape)]
    return {name: named[name] for name in [*order, "forecast"] if name in named}


def _gradients(tape: tf.GradientTape, total: Tensor, seen: Recording) -> Arrays:
    """Return the norm of the gradient with respect to every state, (step,), a mean over the batch.

    `total` is the sum of the losses of the windows, so that a row holds the gradient of the loss of
    its own window. The gradient is the whole one, through all later steps, and for c through h of
    the same step as well.
    """
    unused = tf.UnconnectedGradients.ZERO
    found = tape.gradient(total, seen.states, unconnected_gradients=unused)
    return {
        f"{name}.{state}": _in_time(name, [_norm(step[i]) for step in steps])
        for name, steps in found.items()
        for i, state in enumerate(STATES[: len(steps[0])])
    }


def _saturated(seen: Recording, cell: str) -> Iterator[tuple[str, np.ndarray]]:
    """Yield for each gate its name and the share that is saturated at each step, (step,)."""
    for name, steps in seen.gates.items():
        for gate, place in GATES[cell].items():
            outside = [np.abs(_terms(step.numpy(), place, cell)) > LOGIT for step in steps]
            yield f"{name}.{gate}", _in_time(name, [each.mean() for each in outside])


def _terms(terms: np.ndarray, place: int, cell: str) -> np.ndarray:
    """Return the part of the gate at `place` of the pre-activations (row, gate and unit)."""
    gates = 4 if cell == "lstm" else len(GATES[cell])
    return np.split(terms, gates, axis=-1)[place]


def _in_time(name: str, steps: Sequence[Any]) -> np.ndarray:
    """Return the values of the steps of a direction in the order of time, (step,)."""
    values = np.array(steps, np.float64)
    return values[::-1] if _last(name) == "backward" else values


def _activation(layer: keras.Layer, outputs: Sequence[Tensor]) -> Facts:
    """Return mean and sd of a layer's outputs, and the share of its units that are always 0.

    A unit can be dead where the activation is ReLU; elsewhere the share is null.
    """
    values = np.concatenate([o.numpy().reshape(-1, o.shape[-1]) for o in outputs])
    dead = getattr(layer, "activation", None) is keras.activations.relu
    return {
        "mean": float(values.mean(dtype=np.float64)),
        "sd": float(values.std(dtype=np.float64)),
        "dead": float((values == 0).all(axis=0).mean()) if dead else None,
    }


def _norms(replica: Replica) -> Facts:
    """Return the Euclidean norm of every trained variable, by its path."""
    pieces = np.split(replica.weights.numpy(), np.cumsum(replica.replicas.sizes)[:-1])
    named = zip(replica.replicas.trainable, pieces, strict=True)
    return {v.path: float(np.linalg.norm(piece.astype(np.float64))) for v, piece in named}


def _batch_gap(replica: Replica, forecast: Tensor, error: float, loss: float) -> Facts | None:
    """Return what the statistics of the batch, in place of the moving ones, change.

    `forecast` is the root mean square of the change of the forecast, relative to the error, and
    `loss` the relative change of the loss; null without batch normalization.
    """
    network = replica.replicas.network
    if not probes.batch_normalizations(network):
        return None
    with probes.batch_statistics(network):
        other = replica.forecast()
    change = float(tf.reduce_mean(replica.losses(other))) / loss - 1
    return {"forecast": _rms((other - forecast).numpy()) / error, "loss": change}


def _noise(replica: Replica, error: float) -> float | None:
    """Return the sd of the forecast over draws of the dropout, relative to the error.

    It is the root of the mean variance of a forecast; null without dropout.
    """
    if not any(slot.row.noise for _, slot in slots(replica.replicas.model)):
        return None
    with probes.dropping(replica.replicas.network):
        draws = np.stack([replica.forecast(draw).numpy() for draw in range(1, DRAWS + 1)])
    return float(np.sqrt(draws.var(axis=0, ddof=1, dtype=np.float64).mean())) / error


def _norm(gradient: Tensor) -> float:
    """Return the mean over the rows of the norm of a gradient (row, unit)."""
    return float(np.linalg.norm(gradient.numpy().astype(np.float64), axis=-1).mean())


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.nanmean(np.square(values, dtype=np.float64))))


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _mean(facts: Sequence[Any]) -> Any:
    """Return the mean of equally nested facts; null where they are null."""
    if isinstance(facts[0], dict):
        return {name: _mean([fact[name] for fact in facts]) for name in facts[0]}
    return None if facts[0] is None else float(np.mean(facts))


def _rounded(facts: Any) -> Any:
    """Round numbers to six digits; what is not finite becomes null."""
    if isinstance(facts, dict):
        return {name: _rounded(fact) for name, fact in facts.items()}
    if isinstance(facts, float):
        return float(f"{facts:.6g}") if np.isfinite(facts) else None
    return facts
