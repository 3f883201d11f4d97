"""A fleet: the replicas of one variant, one per seed, trained as one TensorFlow graph.

The trainable weights of all replicas are one matrix (replica, parameter), so that an optimizer step is a handful of operations;
`tf.vectorized_map` turns the replicas' small matrix products into batched ones. Data stays on the device, windows are gathered in
the graph, and a whole epoch is one call. A replica sees only its own row: its result does not hang on its fleet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.learning import CLIPS, LOSSES, OPTIMIZERS, SCHEDULES
from pipeline.network.catalogue import Kind
from pipeline.network.configuration import Slot
from pipeline.params import Train
from pipeline.training.replicas import Replicas, Statistics
from pipeline.training.samples import Samples

Tensor = Any
VALIDATION_BATCH = 512  # windows; bounds memory, and changes results only of a network that normalizes by the batch at inference


@dataclass(frozen=True)
class State:
    """All that changes while a fleet trains; the leading axis of every array but `step` is the replica."""

    weights: Tensor  # (replica, parameter) float32
    statistics: Statistics
    slots: tuple[Tensor, ...]  # the optimizer's memory, each (replica, parameter) or (replica, 1)
    step: Tensor  # () float32: steps taken

    def take(self, replicas: Sequence[int]) -> "State":
        """Only these replicas, in this order."""
        rows = np.asarray(replicas, np.int32)
        weights, statistics, slots = tf.nest.map_structure(lambda x: tf.gather(x, rows), (self.weights, self.statistics, self.slots))
        return State(weights, statistics, slots, self.step)


class Fleet:
    """The graph of a network in training over `samples`: `epoch` trains every replica on batches of its own, `validate` measures them."""

    def __init__(self, replicas: Replicas, train: Train, samples: Samples) -> None:
        self.replicas, self.samples = replicas, samples
        self.optimizer, self.loss, self.clip = _made(OPTIMIZERS, train.optimizer)(), _made(LOSSES, train.loss), _made(CLIPS, train.clip)
        self.schedule = _made(SCHEDULES, train.schedule)
        self._define()

    def initial(self, seeds: Sequence[int]) -> State:
        """The state before the first step."""
        weights, statistics = self.replicas.initial(seeds)
        return State(weights, statistics, self.optimizer.initial(weights), tf.zeros(()))

    def _define(self) -> None:
        """Both graphs, for any number of replicas: some may leave without another trace."""
        weights = tf.TensorSpec((None, self.replicas.parameters))
        statistics = tuple(tf.TensorSpec((None, *v.shape), v.dtype) for v in self.replicas.rest)
        slots = tuple(tf.TensorSpec((None, *slot.shape[1:])) for slot in self.optimizer.initial(tf.zeros((1, self.replicas.parameters))))
        batches, rates = tf.TensorSpec((None, None, None), tf.int32), tf.TensorSpec((None, 1), tf.float32)
        self._train = tf.function(self._epoch, input_signature=(weights, statistics, slots, tf.TensorSpec(()), batches, rates))
        self._validate = tf.function(self._measure, input_signature=(weights, statistics, tf.TensorSpec((None,), tf.int32)))

    def trace(self) -> None:
        """Build both graphs now, so that the clock of the training does not show it."""
        self._train.get_concrete_function()
        self._validate.get_concrete_function()

    def epoch(self, state: State, seeds: Sequence[int], epoch: int, batches: np.ndarray, rates: np.ndarray) -> tuple[State, np.ndarray]:
        """Train on `batches` (step, replica, batch) of window starts at `rates` (replica,); also returns the mean loss (replica,)."""
        state = replace(state, statistics=self.replicas.reseed(state.statistics, seeds, epoch))
        *new, total = self._train(state.weights, state.statistics, state.slots, state.step, batches, rates[:, None].astype(np.float32))
        return State(*new), total.numpy() / len(batches)

    def _epoch(self, weights, statistics, slots, step, batches, rates):  # type: ignore[no-untyped-def]
        total = tf.zeros_like(weights[:, 0])
        for i in tf.range(tf.shape(batches)[0]):
            gradient, statistics, loss = tf.vectorized_map(self._gradient, (weights, statistics, batches[i]))
            step += 1.0
            weights, slots = self.optimizer.apply(weights, self.clip(gradient), slots, step, rates)
            total += loss
        return weights, statistics, slots, step, total

    def _gradient(self, replica: tuple[Tensor, Statistics, Tensor]) -> tuple[Tensor, Statistics, Tensor]:
        weights, statistics, batch = replica
        inputs, truth = self.samples.windows(batch), self.samples.truth(batch, self.replicas.model.head.sequence)
        with tf.GradientTape() as tape:
            tape.watch(weights)
            forecast, statistics = self.replicas.call(weights, statistics, inputs, training=True)
            loss = tf.reduce_mean(self.loss(forecast - truth))
        return tape.gradient(loss, weights), statistics, loss

    def validate(self, state: State) -> np.ndarray:
        """The loss of every replica (replica,) on the whole validation part, in inference."""
        starts = self.samples.validation
        parts = [starts[i : i + VALIDATION_BATCH] for i in range(0, len(starts), VALIDATION_BATCH)]
        total: np.ndarray = sum(self._validate(state.weights, state.statistics, part).numpy() for part in parts)
        return total / len(starts)

    def _measure(self, weights: Tensor, statistics: Statistics, starts: Tensor) -> Tensor:
        inputs, truth = self.samples.windows(starts), self.samples.truth(starts)

        def one(replica: tuple[Tensor, Statistics]) -> Tensor:
            forecast, _ = self.replicas.call(*replica, inputs, training=False)
            return tf.reduce_sum(tf.reduce_mean(self.loss(forecast - truth), axis=(1, 2)))

        return tf.vectorized_map(one, (weights, statistics))


def _made(table: Mapping[str, Kind], slot: Slot) -> Any:
    """The class or function of a slot, its options bound."""
    return partial(table[slot.kind].load(), **slot.options)
