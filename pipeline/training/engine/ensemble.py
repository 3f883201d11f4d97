"""A trained variant that forecasts: one network with the weights of every seed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.config.model import Model, Shape
from pipeline.config.slots import slots
from pipeline.core import manifest
from pipeline.core.files import read_json
from pipeline.training.engine import backend

if TYPE_CHECKING:
    from tensorflow import Tensor

    from pipeline.training.engine.replicas import Replicas, Statistics

# Windows at a time. It bounds memory; it changes results only for a network whose normalization
# uses the statistics of the batch at inference.
BATCH = 1024
PASSES = 30  # whose mean is a Monte Carlo forecast (Gal and Ghahramani, 2016)

Graph = Callable[["Tensor", "Statistics", "Tensor", "Tensor"], "Tensor"]


@dataclass(frozen=True)
class Ensemble:
    """The replicas of one variant in inference.

    Normalizations use their moving statistics, and dropout is off unless it is Monte Carlo dropout.
    """

    shape: Shape
    seeds: tuple[int, ...]
    states: tuple[str, ...]  # per seed: trained or diverged
    passes: int
    replicas: "Replicas"
    weights: tuple["Tensor", "Statistics"]
    _graph: Graph

    @classmethod
    def load(cls, folder: Path) -> "Ensemble":
        """Read the folder of a variant; raises `InputError` if one of its files was changed."""
        backend.start()
        from pipeline.training.engine.replicas import Replicas

        manifest.verify(folder, "train again (`dvc repro train`)")
        facts = read_json(folder / "fleet.json")
        model = Model.model_validate(facts["model"])
        replicas = Replicas(model, Shape(**facts["shape"]))
        with np.load(folder / "weights.npz", allow_pickle=False) as named:
            weights = replicas.stacked(named)
        monte_carlo = any(slot.options.get("monte_carlo") for _, slot in slots(model))
        return cls(
            shape=replicas.shape,
            seeds=tuple(facts["seeds"]),
            states=tuple(facts["states"]),
            passes=PASSES if monte_carlo else 1,
            replicas=replicas,
            weights=weights,
            _graph=_trace(replicas, *weights),
        )

    def forecast(self, past: np.ndarray, future: np.ndarray) -> np.ndarray:
        """Return standardized forecasts, float32 (seed, window, horizon, target).

        `past` is (window, lookback, channel), with the values that the variant was trained on;
        `future` is (window, horizon, future covariate).
        """
        if not len(past):
            shape = (len(self.states), 0, self.shape.horizon, self.shape.targets)
            return np.empty(shape, np.float32)
        parts = [
            self._mean(past[first : first + BATCH], future[first : first + BATCH], first)
            for first in range(0, len(past), BATCH)
        ]
        return np.concatenate(parts, axis=1)

    def _mean(self, past: np.ndarray, future: np.ndarray, first: int) -> np.ndarray:
        """Return the mean of the passes, each with its own dropout masks for every replica.

        `first` is the position of the first window, which the masks depend on.
        """
        import tensorflow as tf

        weights, statistics = self.weights
        inputs = tf.constant(past, tf.float32), tf.constant(future, tf.float32)
        total = np.zeros((), np.float32)
        for number in range(self.passes):
            stream = first * self.passes + number
            reseeded = self.replicas.reseed(statistics, self.seeds, stream)
            total = total + self._graph(weights, reseeded, *inputs).numpy()
        return total / self.passes


def _trace(replicas: "Replicas", weights: "Tensor", statistics: "Statistics") -> Graph:
    """Return the graph of all replicas, traced once for any number of windows."""
    import tensorflow as tf

    def forecast(
        weights: "Tensor", statistics: "Statistics", past: "Tensor", future: "Tensor"
    ) -> "Tensor":
        return tf.vectorized_map(
            lambda one: replicas.call(one[0], one[1], past, future, training=False)[0],
            (weights, statistics),
        )

    shape = replicas.shape
    past = tf.TensorSpec((None, shape.lookback, shape.channels))
    future = tf.TensorSpec((None, shape.horizon, shape.future))
    graph: Graph = tf.function(forecast).get_concrete_function(weights, statistics, past, future)
    return graph
