"""One network, many weights: the stacked variables of a variant's replicas."""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
from tensorflow import Tensor

from pipeline.config.model import Model, Shape
from pipeline.network.build import build
from pipeline.network.roles import Role, roles

Statistics = tuple[Tensor, ...]

SPARED: Mapping[str, frozenset[Role]] = {
    "none": frozenset(),
    "normalization": frozenset({"normalization"}),
    "normalization_and_biases": frozenset({"normalization", "bias"}),
}


class Replicas:
    """A network that is called with the variables of one replica at a time.

    The trainable variables of a replica are one row (parameter,). Its other variables (moving
    statistics, states of dropout streams) are a tuple, called statistics here.
    """

    def __init__(self, model: Model, shape: Shape, rows: np.ndarray | None = None) -> None:
        """Build the network; `rows` (row, channel) are the training rows of the inputs.

        They are needed for an input normalization that is adapted to them once; NaN is left out.
        """
        self.model, self.shape, self.rows = model, shape, rows
        self.network = build(model, shape, 0, rows)
        self.trainable = self.network.trainable_variables
        self.rest = self.network.non_trainable_variables
        self.sizes = [int(np.prod(v.shape)) for v in self.trainable]
        self.streams = [i for i, v in enumerate(self.rest) if "seed_generator_state" in v.path]

    @property
    def parameters(self) -> int:
        """The number of trainable weights of one replica."""
        return sum(self.sizes)

    def spared(self, spare: str) -> np.ndarray | None:
        """Return which weights (parameter,) do not decay; null where every weight does."""
        if not SPARED[spare]:
            return None
        each = [role in SPARED[spare] for role in roles(self.network, self.model)]
        return np.repeat(each, self.sizes)

    def compute_in(self, precision: str) -> None:
        """Make every layer compute in `precision`; weights and forecasts stay float32."""
        policy = precision if precision == "float32" else f"mixed_{precision}"
        for layer in self.network._flatten_layers():
            layer.dtype_policy = policy

    def initial(self, seeds: Sequence[int]) -> tuple[Tensor, Statistics]:
        """Return each seed's weights (replica, parameter) and statistics, each (replica, ...)."""
        networks = [build(self.model, self.shape, seed, self.rows) for seed in seeds]
        weights = [
            tf.concat([tf.reshape(v.value, [-1]) for v in network.trainable_variables], axis=0)
            for network in networks
        ]
        statistics = [[v.value for v in n.non_trainable_variables] for n in networks]
        return tf.stack(weights), tuple(map(tf.stack, zip(*statistics, strict=True)))

    def reseed(self, statistics: Statistics, seeds: Sequence[int], epoch: int) -> Statistics:
        """Restart every dropout stream from (seed, layer, epoch): epochs can be replayed."""
        new = list(statistics)
        for layer, index in enumerate(self.streams):
            states = [
                np.random.SeedSequence([seed, layer, epoch]).generate_state(2) for seed in seeds
            ]
            new[index] = tf.constant(np.array(states), new[index].dtype)
        return tuple(new)

    def call(
        self, weights: Tensor, statistics: Statistics, past: Tensor, future: Tensor, training: bool
    ) -> tuple[Tensor, Statistics]:
        """Return one replica's forecasts (batch, horizon, target) and its new statistics.

        `past` is (batch, lookback, channel), `future` (batch, horizon, future covariate), `weights`
        (parameter,).
        """
        parts = zip(tf.split(weights, self.sizes), self.trainable, strict=True)
        variables = [tf.reshape(part, v.shape) for part, v in parts]
        forecast, new = self.network.stateless_call(
            variables, statistics, [past, future], training=training
        )
        pairs = zip(new, statistics, strict=True)
        return tf.cast(forecast, tf.float32), tuple(tf.cast(n, s.dtype) for n, s in pairs)

    def named(self, weights: np.ndarray, statistics: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        """Return every variable (replica, ...) by its path in the network.

        The states of dropout streams are left out.
        """
        parts = np.split(weights, np.cumsum(self.sizes)[:-1], axis=1)
        named = {
            v.path: part.reshape(-1, *v.shape)
            for v, part in zip(self.trainable, parts, strict=True)
        }
        for i, variable in enumerate(self.rest):
            if i not in self.streams:
                named[variable.path] = statistics[i]
        return named

    def stacked(self, named: Mapping[str, np.ndarray]) -> tuple[Tensor, Statistics]:
        """Invert `named`, with new dropout streams; raises `KeyError` for a missing variable."""
        rows = [named[v.path].reshape(len(named[v.path]), -1) for v in self.trainable]
        weights = np.concatenate(rows, axis=1)
        statistics = []
        for i, variable in enumerate(self.rest):
            if i in self.streams:
                value = np.broadcast_to(variable.numpy(), (len(weights), *variable.shape))
            else:
                value = named[variable.path]
            statistics.append(tf.constant(value, variable.dtype))
        return tf.constant(weights), tuple(statistics)
