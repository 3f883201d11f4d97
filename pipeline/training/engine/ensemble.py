"""A trained variant that forecasts: one network, the weights of every seed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.config.model import Model, Shape
from pipeline.config.slots import slots
from pipeline.core.errors import InputError
from pipeline.core.files import read_json
from pipeline.training.engine import backend
from pipeline.training.jobs.fingerprint import digest

BATCH = 1024  # windows at a time; bounds memory, and changes results only of a network that normalizes by the batch at inference
PASSES = 30  # that a Monte Carlo forecast is the mean of (Gal and Ghahramani, 2016)


@dataclass(frozen=True)
class Ensemble:
    """The replicas of one variant in inference: moving averages on, and dropout off unless it is Monte Carlo dropout."""

    shape: Shape
    seeds: tuple[int, ...]
    states: tuple[str, ...]  # per seed: trained or diverged
    passes: int
    _replicas: Any
    _weights: Any
    _graph: Any

    @classmethod
    def load(cls, folder: Path) -> "Ensemble":
        """Read the folder of a variant; raises `InputError` where the weights are not those that were written."""
        backend.start()
        import tensorflow as tf

        from pipeline.training.engine.replicas import Replicas

        facts = read_json(folder / "fleet.json")
        if digest(folder / "weights.npz") != facts["weights"]:
            raise InputError(
                f"{folder / 'weights.npz'}: does not have the hash that fleet.json names; train again (dvc repro train)"
            )
        shape = Shape(**facts["shape"])
        model = Model.model_validate(facts["model"])
        replicas = Replicas(model, shape)
        with np.load(folder / "weights.npz", allow_pickle=False) as named:
            weights = replicas.stacked(named)

        @tf.function
        def graph(weights, statistics, inputs):  # type: ignore[no-untyped-def]
            return tf.vectorized_map(
                lambda one: replicas.call(one[0], one[1], inputs, training=False)[0],
                (weights, statistics),
            )

        whole = graph.get_concrete_function(
            *weights, tf.TensorSpec((None, shape.lookback, shape.channels))
        )  # one trace for any number of windows
        monte_carlo = any(slot.options.get("monte_carlo") for _, slot in slots(model))
        passes = PASSES if monte_carlo else 1
        return cls(
            shape, tuple(facts["seeds"]), tuple(facts["states"]), passes, replicas, weights, whole
        )

    def forecast(self, inputs: np.ndarray) -> np.ndarray:
        """Float32 (seed, window, horizon, target), standardized, for `inputs` (window, lookback, channel) as the variant is fed them."""
        starts = range(0, len(inputs), BATCH)
        parts = [self._mean(inputs[i : i + BATCH].astype(np.float32), i) for i in starts]
        return (
            np.concatenate(parts, axis=1)
            if parts
            else np.empty((len(self.states), 0, self.shape.horizon, self.shape.targets), np.float32)
        )

    def _mean(self, inputs: np.ndarray, first: int) -> np.ndarray:
        """The mean of the passes, each with masks of its own for every replica."""
        import tensorflow as tf

        weights, statistics = self._weights
        streams = [
            self._replicas.reseed(statistics, self.seeds, first * self.passes + number)
            for number in range(self.passes)
        ]
        total: np.ndarray = sum(
            self._graph(weights, stream, tf.constant(inputs)).numpy() for stream in streams
        )
        return total / self.passes
