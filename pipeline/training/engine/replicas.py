"""One network, many weights: the variables of a variant's replicas, stacked, and the network called with one replica's."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.config.model import Model, Shape
from pipeline.network.build import build

Tensor = Any
Statistics = tuple[Tensor, ...]


class Replicas:
    """The trainable variables of a replica are one row (parameter,), its other variables (statistics, dropout streams) a tuple."""

    def __init__(self, model: Model, shape: Shape, rows: np.ndarray | None = None) -> None:
        """`rows` (row, channel) are the training part of the inputs, for a normalization that is adapted once."""
        self.model, self.shape, self.rows = model, shape, rows
        self.network = build(model, shape, 0, rows)
        self.trainable, self.rest = (
            self.network.trainable_variables,
            self.network.non_trainable_variables,
        )
        self.sizes = [int(np.prod(v.shape)) for v in self.trainable]
        self.streams = [i for i, v in enumerate(self.rest) if "seed_generator_state" in v.path]

    @property
    def parameters(self) -> int:
        """Number of trainable weights of one replica."""
        return sum(self.sizes)

    def compute_in(self, precision: str) -> None:
        """Let every layer compute in `precision`, from weights that stay float32. Forecasts are float32 again."""
        for layer in self.network._flatten_layers():
            layer.dtype_policy = precision if precision == "float32" else f"mixed_{precision}"

    def initial(self, seeds: Sequence[int]) -> tuple[Tensor, Statistics]:
        """What each seed draws: weights (replica, parameter), and statistics, each (replica, ...)."""
        networks = [build(self.model, self.shape, seed, self.rows) for seed in seeds]
        weights = tf.stack(
            [
                tf.concat([tf.reshape(v.value, [-1]) for v in n.trainable_variables], axis=0)
                for n in networks
            ]
        )
        return weights, tuple(
            map(
                tf.stack,
                zip(*([v.value for v in n.non_trainable_variables] for n in networks), strict=True),
            )
        )

    def reseed(self, statistics: Statistics, seeds: Sequence[int], epoch: int) -> Statistics:
        """Restart every dropout stream from (seed, layer, epoch) alone, so that any epoch can be replayed."""
        new = list(statistics)
        for layer, index in enumerate(self.streams):
            states = [
                np.random.SeedSequence([seed, layer, epoch]).generate_state(2) for seed in seeds
            ]
            new[index] = tf.constant(np.array(states), new[index].dtype)
        return tuple(new)

    def call(
        self, weights: Tensor, statistics: Statistics, inputs: Tensor, training: bool
    ) -> tuple[Tensor, Statistics]:
        """One replica's forecasts (batch, horizon, target) for `inputs` (batch, lookback, channel), and its new statistics."""
        variables = [
            tf.reshape(part, v.shape)
            for part, v in zip(tf.split(weights, self.sizes), self.trainable, strict=True)
        ]
        forecast, new = self.network.stateless_call(
            variables, statistics, inputs, training=training
        )
        return tf.cast(forecast, tf.float32), tuple(
            tf.cast(n, s.dtype) for n, s in zip(new, statistics, strict=True)
        )

    def named(self, weights: np.ndarray, statistics: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """Every variable under its path in the network, stacked (replica, ...), without the dropout streams."""
        parts = np.split(weights, np.cumsum(self.sizes)[:-1], axis=1)
        trainable = {
            v.path: part.reshape(-1, *v.shape)
            for v, part in zip(self.trainable, parts, strict=True)
        }
        return trainable | {
            self.rest[i].path: statistics[i] for i in range(len(self.rest)) if i not in self.streams
        }

    def stacked(self, named: Mapping[str, np.ndarray]) -> tuple[Tensor, Statistics]:
        """The inverse of `named`, with fresh dropout streams; raises `KeyError` for a missing variable."""
        weights = np.concatenate(
            [named[v.path].reshape(len(named[v.path]), -1) for v in self.trainable], axis=1
        )
        fresh = [np.broadcast_to(v.numpy(), (len(weights), *v.shape)) for v in self.rest]
        rest = [fresh[i] if i in self.streams else named[v.path] for i, v in enumerate(self.rest)]
        return tf.constant(weights), tuple(
            tf.constant(value, v.dtype) for value, v in zip(rest, self.rest, strict=True)
        )
