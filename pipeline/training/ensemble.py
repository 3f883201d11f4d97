"""A trained variant that forecasts: one network, the weights of every seed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.files import read_json
from pipeline.network.configuration import Model, Shape
from pipeline.refusal import Refusal
from pipeline.training import backend
from pipeline.training.fingerprint import digest

BATCH = 1024  # windows at a time; bounds memory, changes no result


@dataclass(frozen=True)
class Ensemble:
    """The replicas of one variant in inference: dropout off, moving averages on."""

    shape: Shape
    states: tuple[str, ...]  # per seed: trained or diverged
    _graph: Any

    @classmethod
    def load(cls, folder: Path) -> "Ensemble":
        """Read the folder of a variant; raises `Refusal` where the weights are not those that were written."""
        backend.start()
        import tensorflow as tf

        from pipeline.training.replicas import Replicas

        facts = read_json(folder / "fleet.json")
        if digest(folder / "weights.npz") != facts["weights"]:
            raise Refusal(f"{folder / 'weights.npz'}: does not have the hash that fleet.json names; train again (dvc repro train)")
        shape = Shape(**facts["shape"])
        replicas = Replicas(Model.model_validate(facts["model"]), shape)
        with np.load(folder / "weights.npz", allow_pickle=False) as named:
            weights = replicas.stacked(named)

        @tf.function(input_signature=[tf.TensorSpec((None, shape.lookback, shape.channels))])
        def graph(inputs):  # type: ignore[no-untyped-def]
            return tf.vectorized_map(lambda one: replicas.call(one[0], one[1], inputs, training=False)[0], weights)

        return cls(shape, tuple(facts["states"]), graph)

    def forecast(self, inputs: np.ndarray) -> np.ndarray:
        """Float32 (seed, window, horizon, target), standardized, for `inputs` (window, lookback, channel) as the variant is fed them."""
        parts = [self._graph(inputs[i : i + BATCH].astype(np.float32)).numpy() for i in range(0, len(inputs), BATCH)]
        return np.concatenate(parts, axis=1) if parts else np.empty((len(self.states), 0, self.shape.horizon, self.shape.targets), np.float32)
