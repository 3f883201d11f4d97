"""What training changes: the variables of the replicas that a fleet trains."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from tensorflow import Tensor

from pipeline.training.engine.optimizers import Slots
from pipeline.training.engine.replicas import Statistics


@dataclass(frozen=True)
class Variables:
    """All that an optimizer step changes; the first axis of all but `step` is the replica."""

    weights: Tensor  # (replica, parameter) float32
    statistics: Statistics
    slots: Slots  # the optimizer's memory
    step: Tensor  # () float32: optimizer steps taken

    def take(self, replicas: Sequence[int]) -> "Variables":
        """Return those of these replicas, in this order."""
        rows = np.asarray(replicas, np.int32)
        weights, statistics, slots = tf.nest.map_structure(
            lambda x: tf.gather(x, rows), (self.weights, self.statistics, self.slots)
        )
        return Variables(weights, statistics, slots, self.step)
