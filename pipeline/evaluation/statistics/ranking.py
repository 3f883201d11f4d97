"""All against all: the best set, ranks with intervals, tiers, and the probability to be best."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.metrics import Array, Counts, Mask
from pipeline.evaluation.statistics.draws import Draws
from pipeline.evaluation.statistics.effects import critical, scales


@dataclass(frozen=True)
class Place:
    """The place of a variant among the others; `tier` 1 is the best set.

    `rank` counts from 1, the lowest error; `rank_low` and `rank_high` bound the ranks of all
    variants at once. `p_best` is the share of draws in which its error is the lowest.
    """

    rank: int
    rank_low: int
    rank_high: int
    tier: int
    p_best: float

    @property
    def best_set(self) -> bool:
        """Whether it cannot be told from the best."""
        return self.tier == 1


@dataclass(frozen=True)
class Pairs:
    """All pairs of entries: the sizes of their drawn differences and the scales of these.

    `sizes` is (pair, draw) and `scale` (pair,); `first` and `second` are positions of entries.
    """

    point: Array
    first: Counts
    second: Counts
    sizes: Array
    scale: Array

    @classmethod
    def of(cls, draws: Draws) -> "Pairs":
        """Pair the entries of `draws`."""
        first, second = np.triu_indices(len(draws.point), 1)
        noise = draws.noise.T.astype(np.float32)
        sizes = np.abs(noise[first] - noise[second])
        return cls(draws.point, first, second, sizes, scales(sizes))

    def higher(self, alive: Mask) -> Mask:
        """Return who is higher than whom among the entries `alive`, (entry, entry).

        All of these claims hold at once with the probability of the level.
        """
        count = len(self.point)
        higher = np.zeros((count, count), bool)
        chosen = alive[self.first] & alive[self.second]
        if not chosen.any():
            return higher
        first, second, scale = self.first[chosen], self.second[chosen], self.scale[chosen]
        half = critical(self.sizes[chosen], scale) * scale
        difference = self.point[first] - self.point[second]
        higher[first, second] = difference > half
        higher[second, first] = -difference > half
        return higher


def best_set(pairs: Pairs, alive: Mask) -> Mask:
    """Return who of the entries `alive` cannot be told from the best, (entry,).

    The model confidence set of Hansen, Lunde and Nason (2011) with the statistic T_R: whoever is
    higher than another leaves, and the rest is compared again, among itself.
    """
    while True:
        out = pairs.higher(alive).any(axis=1)
        if not out.any():
            return alive
        alive = alive & ~out


def places(draws: Draws, sizes: Sequence[int]) -> list[Place]:
    """Return the place of each entry of `draws`, each of which stands for so many variants."""
    count, many = len(draws.point), np.array(sizes)
    if not count:
        return []
    pairs = Pairs.of(draws)
    higher = pairs.higher(np.ones(count, bool))
    below, above = higher @ many, higher.T @ many
    rank = [1 + int(many[draws.point < value].sum()) for value in draws.point]
    tiers = _tiers(pairs)
    best = _p_best(draws)
    return [
        Place(rank[i], 1 + int(below[i]), int(many.sum() - above[i]), tiers[i], best[i])
        for i in range(count)
    ]


def _tiers(pairs: Pairs) -> list[int]:
    """Return the tier of each entry: the best set, then the best set of the rest, and so on."""
    tiers = np.zeros(len(pairs.point), int)
    tier = 0
    while not tiers.all():
        tier += 1
        tiers[best_set(pairs, tiers == 0)] = tier
    return [int(each) for each in tiers]


def _p_best(draws: Draws) -> list[float]:
    """Return how often each entry is the lowest, NaN for all if the noise of one is unknown."""
    drawn = draws.point + draws.noise
    if np.isnan(drawn).any():
        return [float("nan")] * len(draws.point)
    wins = np.bincount(drawn.argmin(axis=1), minlength=len(draws.point))
    return [float(share) for share in wins / len(drawn)]
