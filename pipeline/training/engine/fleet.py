"""A fleet: the replicas of one variant, one per seed, trained as one TensorFlow graph.

The trainable weights of all replicas are one matrix (replica, parameter), so that an optimizer
step takes only a few operations; `tf.vectorized_map` turns the replicas' small matrix products
into batched ones. Windows are gathered inside the graph, and a whole epoch is one call if the data
fits the device. A replica uses only its own row: its result does not depend on its fleet.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import Tensor

from pipeline.config.learning import Train
from pipeline.config.slots import Slot
from pipeline.training.engine.grid import Grid, seeds
from pipeline.training.engine.optimizers import Optimizer, OwnDecay, Slots
from pipeline.training.engine.replicas import Replicas, Statistics
from pipeline.training.engine.samples import DeviceData, Samples
from pipeline.training.engine.variables import Variables

# Windows at a time. It bounds memory; it changes results only for a network whose normalization
# uses the statistics of the batch at inference.
VALIDATION_BATCH = 512


class Fleet:
    """The graph of a network in training over `samples`.

    `epoch` trains each replica on its own batches; `validate` measures every replica.
    """

    def __init__(
        self, replicas: Replicas, train: Train, samples: Samples, grid: Grid | None = None
    ) -> None:
        """Without a `grid` all replicas have the settings of `train`."""
        self.replicas, self.samples = replicas, samples
        self.memory = train.memory * 2**20  # bytes
        spared = replicas.spared(train.optimizer.options["spare"])
        decay = train.optimizer.options["weight_decay"]
        self.grid = grid or Grid((train.learning_rate,), (decay,))
        own = {"weight_decay": 0.0} if self.grid.decays_differ else {}
        self.optimizer: Optimizer = bind(train.average)(bind(train.optimizer)(spared=spared, **own))
        if own:
            self.optimizer = OwnDecay(0.0, self.optimizer, spared=spared)
        self.loss = bind(train.loss)
        self.clip = bind(train.clip)
        self.schedule = bind(train.schedule)
        replicas.compute_in(train.precision)
        self._define(samples.size(train.batch))

    def initial(self, numbers: Sequence[int]) -> Variables:
        """Return the variables of these replicas of the grid before the first step."""
        weights, statistics = self.replicas.initial(seeds(numbers))
        slots = self.optimizer.initial(weights)
        if self.grid.decays_differ:
            slots = *slots[:-1], tf.constant(self.grid.weight_decays(numbers))
        return Variables(weights, statistics, slots, tf.zeros(()))

    def _define(self, batch: int) -> None:
        """Define both graphs for any number of replicas, so that some can leave without a retrace.

        The training graph knows its batch size, and so every shape of a replica.
        """
        shape, parameters = self.replicas.shape, self.replicas.parameters
        data = tf.TensorSpec((None, shape.channels)), tf.TensorSpec((None, shape.targets))
        weights = tf.TensorSpec((None, parameters))
        statistics = tuple(tf.TensorSpec((None, *v.shape), v.dtype) for v in self.replicas.rest)
        slots = tuple(
            tf.TensorSpec((None, *slot.shape[1:]))
            for slot in self.optimizer.initial(tf.zeros((1, parameters)))
        )
        variables = weights, statistics, slots, tf.TensorSpec(())
        batches, rates = tf.TensorSpec((None, None, batch), tf.int32), tf.TensorSpec((None, 1))
        total, starts = tf.TensorSpec((None,)), tf.TensorSpec((None,), tf.int32)
        self._train = tf.function(
            self._steps, input_signature=(*data, batches, rates, *variables, total)
        )
        self._validate = tf.function(
            self._measure, input_signature=(*data, starts, weights, statistics)
        )

    def trace(self) -> None:
        """Build both graphs now, so that this does not count as training time."""
        self._train.get_concrete_function()
        self._validate.get_concrete_function()

    def epoch(
        self,
        variables: Variables,
        seeds: Sequence[int],
        epoch: int,
        batches: np.ndarray,
        rates: np.ndarray,
    ) -> tuple[Variables, np.ndarray]:
        """Train on `batches` (step, replica, batch) of window starts at `rates` (replica,).

        Returns the new variables and the mean loss (replica,).
        """
        begun = self.begin(variables, seeds, epoch)
        variables, total = self.piece(begun, np.zeros(len(seeds)), batches, rates)
        return variables, total / len(batches)

    def begin(self, variables: Variables, seeds: Sequence[int], epoch: int) -> Variables:
        """Begin an epoch: restart the dropout streams."""
        return replace(
            variables, statistics=self.replicas.reseed(variables.statistics, seeds, epoch)
        )

    def piece(
        self, variables: Variables, total: np.ndarray, batches: np.ndarray, rates: np.ndarray
    ) -> tuple[Variables, np.ndarray]:
        """Train on some batches of an epoch, and add the loss of each step to `total` (replica,).

        The result is bit-identical however an epoch is cut into pieces.
        """
        rates = rates[:, None].astype(np.float32)
        summed = tf.constant(total, tf.float32)
        for rows, part in self.samples.parts(batches, self.memory):
            *new, summed = self._train(
                rows.inputs,
                rows.targets,
                part,
                rates,
                variables.weights,
                variables.statistics,
                variables.slots,
                variables.step,
                summed,
            )
            variables = Variables(*new)
        return variables, summed.numpy()

    def _steps(
        self,
        inputs: Tensor,
        targets: Tensor,
        batches: Tensor,
        rates: Tensor,
        weights: Tensor,
        statistics: Statistics,
        slots: Slots,
        step: Tensor,
        total: Tensor,
    ) -> tuple[Tensor, Statistics, Slots, Tensor, Tensor]:
        """Take one optimizer step per batch, inside the graph."""
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
        """Return each replica's gradient (replica, parameter), new statistics and loss (replica,).

        `batch` is (replica, window). The tape is inside the vectorized function, where all shapes
        are static: so a gradient does not ask for shapes at run time.
        """

        def one(replica: tuple[Tensor, Tensor, Statistics]) -> tuple[Tensor, Statistics, Tensor]:
            batch, weights, statistics = replica
            with tf.GradientTape() as tape:
                tape.watch(weights)
                loss, statistics = self._loss(rows, batch, weights, statistics)
            return tape.gradient(loss, weights), statistics, loss

        gradient, statistics, loss = tf.vectorized_map(one, (batch, weights, statistics))
        return gradient, statistics, loss

    def _loss(
        self, rows: DeviceData, batch: Tensor, weights: Tensor, statistics: Statistics
    ) -> tuple[Tensor, Statistics]:
        """Return one replica's mean training loss on its `batch` (window,), and new statistics."""
        truth = rows.truth(batch, self.replicas.model.head.sequence)
        forecast, statistics = self.replicas.call(
            weights, statistics, rows.past(batch), rows.future(batch), training=True
        )
        total, count = self._cost(forecast, truth)
        return total / tf.maximum(count, 1.0), statistics

    def _cost(self, forecast: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss summed over the measured cells of `truth`, and their number."""
        measured = tf.math.is_finite(truth)
        cost = self.loss(forecast - tf.where(measured, truth, 0.0))
        count = tf.reduce_sum(tf.cast(measured, tf.float32))
        return tf.reduce_sum(tf.where(measured, cost, 0.0)), count

    def evaluated(self, variables: Variables) -> Tensor:
        """Return the weights that are validated and kept: those of the last step or an average."""
        return self.optimizer.evaluated(variables.weights, variables.slots)

    def validate(self, variables: Variables) -> np.ndarray:
        """Return the loss (replica,), the mean over the measured cells of all validation windows.

        Dropout is off. If weights are averaged, it is the loss of their average.
        """
        weights = self.evaluated(variables)
        starts = self.samples.validation
        total, count = np.zeros(len(weights)), 0.0
        for i in range(0, len(starts), VALIDATION_BATCH):
            block = starts[None, i : i + VALIDATION_BATCH]
            for rows, part in self.samples.parts(block, self.memory):
                cost, measured = self._validate(
                    rows.inputs, rows.targets, part[0], weights, variables.statistics
                )
                total, count = total + cost.numpy(), count + float(measured)
        return total / count

    def _measure(
        self,
        inputs: Tensor,
        targets: Tensor,
        starts: Tensor,
        weights: Tensor,
        statistics: Statistics,
    ) -> tuple[Tensor, Tensor]:
        """Return the loss summed over the windows at `starts`, (replica,), inside the graph.

        Returns the number of measured cells as well, which is the same for all replicas.
        """
        rows = DeviceData(inputs, targets, self.replicas.shape)
        past, future, truth = rows.past(starts), rows.future(starts), rows.truth(starts)

        def one(replica: tuple[Tensor, Statistics]) -> Tensor:
            forecast, _ = self.replicas.call(*replica, past, future, training=False)
            return self._cost(forecast, truth)

        total, count = tf.vectorized_map(one, (weights, statistics))
        return total, count[0]


def bind(slot: Slot) -> Callable[..., Any]:
    """Return the class or function that fills `slot`, with its options bound."""
    return partial(slot.row.load(), **slot.options)
