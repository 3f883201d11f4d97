"""A fleet: the replicas of one variant, one per seed, trained as one TensorFlow graph.

The trainable weights of all replicas are one matrix (replica, parameter), so that an optimizer step is a handful of operations;
`tf.vectorized_map` turns the replicas' small matrix products into batched ones. Windows are gathered in the graph, and a whole epoch
is one call where the data fits the device. A replica sees only its own row: its result does not hang on its fleet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.config.learning import Train
from pipeline.config.slots import Slot
from pipeline.training.engine.replicas import Replicas, Statistics
from pipeline.training.engine.samples import DeviceData, Samples

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
        weights, statistics, slots = tf.nest.map_structure(
            lambda x: tf.gather(x, rows), (self.weights, self.statistics, self.slots)
        )
        return State(weights, statistics, slots, self.step)


class Fleet:
    """The graph of a network in training over `samples`: `epoch` trains every replica on batches of its own, `validate` measures them."""

    def __init__(self, replicas: Replicas, train: Train, samples: Samples) -> None:
        self.replicas, self.samples, self.memory = replicas, samples, train.memory * 2**20
        self.optimizer, self.loss, self.clip = (
            _made(train.optimizer)(),
            _made(train.loss),
            _made(train.clip),
        )
        self.schedule = _made(train.schedule)
        replicas.compute_in(train.precision)
        self._define(samples.size(train.batch))

    def initial(self, seeds: Sequence[int]) -> State:
        """The state before the first step."""
        weights, statistics = self.replicas.initial(seeds)
        return State(weights, statistics, self.optimizer.initial(weights), tf.zeros(()))

    def _define(self, batch: int) -> None:
        """Both graphs, for any number of replicas: some may leave without another trace. Training knows its batch, and so every shape of a replica."""
        shape = self.replicas.shape
        data = tf.TensorSpec((None, shape.channels)), tf.TensorSpec((None, shape.targets))
        weights = tf.TensorSpec((None, self.replicas.parameters))
        statistics = tuple(tf.TensorSpec((None, *v.shape), v.dtype) for v in self.replicas.rest)
        slots = tuple(
            tf.TensorSpec((None, *slot.shape[1:]))
            for slot in self.optimizer.initial(tf.zeros((1, self.replicas.parameters)))
        )
        state = weights, statistics, slots, tf.TensorSpec(()), tf.TensorSpec((None,))
        batches, rates = tf.TensorSpec((None, None, batch), tf.int32), tf.TensorSpec((None, 1))
        self._train = tf.function(self._steps, input_signature=(*data, batches, rates, *state))
        self._validate = tf.function(
            self._measure,
            input_signature=(*data, tf.TensorSpec((None,), tf.int32), weights, statistics),
        )

    def trace(self) -> None:
        """Build both graphs now, so that the clock of the training does not show it."""
        self._train.get_concrete_function()
        self._validate.get_concrete_function()

    def epoch(
        self, state: State, seeds: Sequence[int], epoch: int, batches: np.ndarray, rates: np.ndarray
    ) -> tuple[State, np.ndarray]:
        """Train on `batches` (step, replica, batch) of window starts at `rates` (replica,); also returns the mean loss (replica,)."""
        state, total = self.piece(
            self.begin(state, seeds, epoch), np.zeros(len(seeds)), batches, rates
        )
        return state, total / len(batches)

    def begin(self, state: State, seeds: Sequence[int], epoch: int) -> State:
        """As an epoch begins: dropout streams of its own."""
        return replace(state, statistics=self.replicas.reseed(state.statistics, seeds, epoch))

    def piece(
        self, state: State, total: np.ndarray, batches: np.ndarray, rates: np.ndarray
    ) -> tuple[State, np.ndarray]:
        """A piece of an epoch; adds the loss of each step to `total` (replica,). However an epoch is cut, the bits are the same."""
        now: tuple[Tensor, ...] = (
            state.weights,
            state.statistics,
            state.slots,
            state.step,
            tf.constant(total, tf.float32),
        )
        for rows, part in self.samples.parts(batches, self.memory):
            now = self._train(
                rows.inputs, rows.targets, part, rates[:, None].astype(np.float32), *now
            )
        *new, summed = now
        return State(*new), summed.numpy()

    def _steps(self, inputs, targets, batches, rates, weights, statistics, slots, step, total):  # type: ignore[no-untyped-def]
        rows = DeviceData(inputs, targets, self.replicas.shape)
        for i in tf.range(tf.shape(batches)[0]):
            gradient, statistics, loss = self.gradient(rows, batches[i], weights, statistics)
            step += 1.0
            weights, slots = self.optimizer.apply(weights, self.clip(gradient), slots, step, rates)
            total += loss
        return weights, statistics, slots, step, total

    def gradient(
        self, rows: DeviceData, batch: Tensor, weights: Tensor, statistics: Statistics
    ) -> tuple[Tensor, Statistics, Tensor]:
        """The gradient of each replica (replica, parameter) on its `batch` (replica, window), the new statistics, and the losses (replica,).

        The tape stands inside of the vectorization, where all shapes are known: a gradient then asks for none of them while it runs.
        """

        def one(replica: tuple[Tensor, Tensor, Statistics]) -> tuple[Tensor, Statistics, Tensor]:
            batch, weights, statistics = replica
            with tf.GradientTape() as tape:
                tape.watch(weights)
                loss, statistics = self._loss(rows, batch, weights, statistics)
            return tape.gradient(loss, weights), statistics, loss

        gradient: tuple[Tensor, Statistics, Tensor] = tf.vectorized_map(
            one, (batch, weights, statistics)
        )
        return gradient

    def _loss(
        self, rows: DeviceData, batch: Tensor, weights: Tensor, statistics: Statistics
    ) -> tuple[Tensor, Statistics]:
        truth = rows.truth(batch, self.replicas.model.head.sequence)
        forecast, statistics = self.replicas.call(
            weights, statistics, rows.windows(batch), training=True
        )
        return tf.reduce_mean(self.loss(forecast - truth)), statistics

    def validate(self, state: State) -> np.ndarray:
        """The loss of every replica (replica,) on the whole validation part, in inference."""
        starts = self.samples.validation
        blocks = [
            starts[None, i : i + VALIDATION_BATCH] for i in range(0, len(starts), VALIDATION_BATCH)
        ]
        parts = (part for block in blocks for part in self.samples.parts(block, self.memory))
        total: np.ndarray = sum(
            self._validate(
                rows.inputs, rows.targets, part[0], state.weights, state.statistics
            ).numpy()
            for rows, part in parts
        )
        return total / len(starts)

    def _measure(
        self,
        inputs: Tensor,
        targets: Tensor,
        starts: Tensor,
        weights: Tensor,
        statistics: Statistics,
    ) -> Tensor:
        rows = DeviceData(inputs, targets, self.replicas.shape)
        windows, truth = rows.windows(starts), rows.truth(starts)

        def one(replica: tuple[Tensor, Statistics]) -> Tensor:
            forecast, _ = self.replicas.call(*replica, windows, training=False)
            return tf.reduce_sum(tf.reduce_mean(self.loss(forecast - truth), axis=(1, 2)))

        return tf.vectorized_map(one, (weights, statistics))


def _made(slot: Slot) -> Any:
    """The class or function of a slot, its options bound."""
    return partial(slot.row.load(), **slot.options)
