"""The points of a grid that one fleet trains: settings that its replicas have of their own.

A replica of a fleet is known by a number, point x `SPAN` + seed. With a single point that is the
seed itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SPAN = 2**20  # above every seed


def split(number: int) -> tuple[int, int]:
    """Return the point and the seed of a replica."""
    return divmod(int(number), SPAN)


@dataclass(frozen=True)
class Grid:
    """The learning rate and the weight decay at each point."""

    learning_rate: tuple[float, ...]
    weight_decay: tuple[float, ...]

    @property
    def decays_differ(self) -> bool:
        """Whether replicas have weight decays of their own."""
        return len(set(self.weight_decay)) > 1

    def learning_rates(self, numbers: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the learning rate (replica,) of each replica."""
        return np.array([self.learning_rate[split(number)[0]] for number in numbers])

    def weight_decays(self, numbers: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return the weight decay (replica, 1) of each replica."""
        decays = [self.weight_decay[split(number)[0]] for number in numbers]
        return np.array(decays, np.float32)[:, None]


def seeds(numbers: Sequence[int] | np.ndarray) -> list[int]:
    """Return the seed of each replica."""
    return [split(number)[1] for number in numbers]
