"""A fleet: the replicas of one variant, one per seed, trained as one TensorFlow graph.

The trainable weights of all replicas are one matrix (replica, parameter), so that an optimizer step is a handful of operations;
`tf.vectorized_map` turns the replicas' small matrix products into batched ones. Data stays on the device, windows are gathered in
the graph, and a whole epoch is one call. A replica sees only its own row: its result does not hang on its fleet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pipeline.network.assembly import Shape, build
from pipeline.params import Variant
from pipeline.training.losses import LOSSES
from pipeline.training.optimizers import OPTIMIZERS
from pipeline.training.samples import Samples

Tensor = Any
VALIDATION_BATCH = 512


@dataclass(frozen=True)
class State:
    """All that changes while a fleet trains; the leading axis of every array is the replica."""

    weights: Tensor  # (replica, parameter) float32
    statistics: tuple[Tensor, ...]  # the networks' non-trainable variables, each (replica, ...)
    slots: tuple[Tensor, ...]  # the optimizer's memory, each (replica, parameter or 1)
    step: Tensor  # () float32: steps taken

    def take(self, replicas: Sequence[int]) -> "State":
        """Only these replicas, in this order."""
        return replace(
            self,
            weights=tf.gather(self.weights, replicas),
            statistics=tuple(tf.gather(s, replicas) for s in self.statistics),
            slots=tuple(tf.gather(s, replicas) for s in self.slots),
        )


class Fleet:
    """The graph of `variant` over `samples`: `epoch` trains every replica on its own batches, `validate` measures every replica."""

    def __init__(self, variant: Variant, shape: Shape, samples: Samples) -> None:
        self.variant, self.shape, self.samples = variant, shape, samples
        self.network = build(variant.model, shape, seed=0)
        self.optimizer = OPTIMIZERS[variant.train.optimizer]
        self.loss = LOSSES[variant.train.loss]
        self.seeds = [i for i, v in enumerate(self.network.non_trainable_variables) if "seed_generator_state" in v.path]

    def initial(self, seeds: Sequence[int]) -> State:
        """The state before the first step: the initial weights that each seed draws."""
        networks = [build(self.variant.model, self.shape, seed) for seed in seeds]
        weights = tf.stack([_flat(network.trainable_variables) for network in networks])
        statistics = tuple(tf.stack(values) for values in zip(*([v.value for v in n.non_trainable_variables] for n in networks), strict=True))
        return State(weights, statistics, self.optimizer.initial(weights), tf.zeros(()))

    def reseed(self, state: State, seeds: Sequence[int], epoch: int) -> State:
        """Restart every dropout stream from (seed, layer, epoch) alone, so that an epoch can be replayed."""
        statistics = list(state.statistics)
        for layer, index in enumerate(self.seeds):
            statistics[index] = tf.constant([np.random.SeedSequence([seed, layer, epoch]).generate_state(2) for seed in seeds], tf.uint32)
        return replace(state, statistics=tuple(statistics))

    def epoch(self, state: State, batches: np.ndarray, rates: np.ndarray) -> tuple[State, np.ndarray]:
        """Train on `batches` (step, replica, batch) of window starts at `rates` (replica,); returns the mean loss (replica,)."""
        trace = self._epoch.get_concrete_function(*_any_size((state.weights, state.statistics, state.slots)), state.step, *_any_size((batches, rates)))
        *new, total = trace(state.weights, state.statistics, state.slots, state.step, tf.constant(batches), tf.constant(rates[:, None], tf.float32))
        return State(*new), total.numpy() / len(batches)

    @tf.function
    def _epoch(self, weights, statistics, slots, step, batches, rates):  # type: ignore[no-untyped-def]
        total = tf.zeros_like(weights[:, 0])
        for i in tf.range(tf.shape(batches)[0]):
            gradient, statistics, loss = tf.vectorized_map(self._gradient, (weights, statistics, batches[i]))
            step += 1.0
            change, slots = self.optimizer.update(gradient, slots, step, rates)
            weights -= change
            total += loss
        return weights, statistics, slots, step, total

    def _gradient(self, replica):  # type: ignore[no-untyped-def]
        weights, statistics, batch = replica
        inputs, truth = self.samples.windows(batch)
        with tf.GradientTape() as tape:
            tape.watch(weights)
            forecast, new = self.network.stateless_call(self._unflat(weights), statistics, inputs, training=True)
            loss = tf.reduce_mean(self.loss(forecast - truth))
        return tape.gradient(loss, weights), tuple(tf.cast(n, s.dtype) for n, s in zip(new, statistics, strict=True)), loss

    def validate(self, state: State) -> np.ndarray:
        """The loss of every replica (replica,) on the whole validation part, dropout off, moving averages on."""
        total = sum(self._validate(state.weights, state.statistics, part) for part in self._parts(self.samples.validation))
        return np.asarray(total) / len(self.samples.validation)

    @tf.function
    def _validate(self, weights, statistics, starts):  # type: ignore[no-untyped-def]
        inputs, truth = self.samples.windows(starts)

        def one(replica):  # type: ignore[no-untyped-def]
            errors = self.loss(self._call(*replica, inputs) - truth)
            return tf.reduce_sum(tf.reduce_mean(errors, axis=(1, 2)))

        return tf.vectorized_map(one, (weights, statistics))

    def _call(self, weights: Tensor, statistics: tuple[Tensor, ...], inputs: Tensor) -> Tensor:
        forecast, _ = self.network.stateless_call(self._unflat(weights), statistics, inputs, training=False)
        return forecast

    @staticmethod
    def _parts(starts: np.ndarray) -> list[Tensor]:
        return [tf.constant(starts[i : i + VALIDATION_BATCH]) for i in range(0, len(starts), VALIDATION_BATCH)]

    def _unflat(self, weights: Tensor) -> list[Tensor]:
        """One replica's row (parameter,) as the network's trainable variables."""
        variables = self.network.trainable_variables
        parts = tf.split(weights, [int(np.prod(v.shape)) for v in variables])
        return [tf.reshape(part, v.shape) for part, v in zip(parts, variables, strict=True)]

    def named(self, state: State) -> dict[str, np.ndarray]:
        """Every variable of every replica under its path in the network, (replica, ...); dropout streams are left out."""
        variables = self.network.trainable_variables
        parts = np.split(state.weights.numpy(), np.cumsum([int(np.prod(v.shape)) for v in variables])[:-1], axis=1)
        trainable = {v.path: part.reshape(-1, *v.shape) for v, part in zip(variables, parts, strict=True)}
        rest = {v.path: s.numpy() for i, (v, s) in enumerate(zip(self.network.non_trainable_variables, state.statistics, strict=True)) if i not in self.seeds}
        return trainable | rest


def _flat(variables: Sequence[keras.Variable]) -> Tensor:
    return tf.concat([tf.reshape(v.value, [-1]) for v in variables], axis=0)
