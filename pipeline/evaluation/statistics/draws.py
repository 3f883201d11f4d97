"""One set of draws of all logarithmic mean losses, from which everything is concluded."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.metrics import Array
from pipeline.evaluation.statistics.losses import Losses
from pipeline.evaluation.statistics.seeds import seed_variances
from pipeline.evaluation.statistics.times import projections

DRAWS = 4000
# One factor for all differences, whose variances are estimated each for itself: their largest has
# heavier tails than with all degrees of freedom. The share keeps the level in the simulations.
JOINT = 0.4
NORMAL = 1e6  # degrees of freedom from which t is normal


@dataclass(frozen=True)
class Draws:
    """Logarithmic mean losses, `point` (entry,), and how far off they may be, `noise`.

    `noise` is (draw, entry), NaN for an entry whose uncertainty is unknown. It has two sources: the
    mean square of a row of `times` (entry, cosine), or of a combination of rows, is the variance
    that comes from the origins; `seeds` (entry,) are the variances that come from the seeds.
    """

    point: Array
    noise: Array
    times: Array
    seeds: Array

    def of(self, chosen: Sequence[int]) -> "Draws":
        """Return the draws of the chosen entries."""
        kept = list(chosen)
        return Draws(self.point[kept], self.noise[:, kept], self.times[kept], self.seeds[kept])


def draw(losses: Sequence[Losses], deterministic: Sequence[bool], horizon: int) -> Draws:
    """Draw times crossed with seeds, both with the tails that their small numbers demand.

    Times are shared by all entries: their projections, weighted at random, have the covariance of
    the means, and a common factor makes their distribution t. Seeds are drawn for each variant, so
    that the tails of a difference are those of Behrens and Fisher.
    """
    rng = np.random.default_rng(0)
    point = np.log([entry.mean for entry in losses])
    rows = projections(np.array([entry.influence for entry in losses]), horizon)
    count = rows.shape[1]
    if not count:  # one origin says nothing of others
        unknown = np.full(len(point), np.nan)
        return Draws(point, np.full((DRAWS, len(point)), np.nan), unknown[:, None], unknown)
    weights = rng.standard_normal((DRAWS, count)) / np.sqrt(count)
    free = count * JOINT
    noise = weights @ rows.T / np.sqrt(rng.chisquare(free, (DRAWS, 1)) / free)
    seeds = seed_variances([entry.by_seed for entry in losses], list(deterministic))
    noise = noise + _tails(rng, seeds.freedoms) * np.sqrt(seeds.variances)
    return Draws(point, noise, rows, seeds.variances)


def _tails(rng: np.random.Generator, freedoms: Array) -> Array:
    """Return t variates, (draw, entry)."""
    finite = np.minimum(np.nan_to_num(freedoms, nan=1.0, posinf=NORMAL), NORMAL)
    shape = (DRAWS, len(finite))
    variates: Array = rng.standard_normal(shape) / np.sqrt(rng.chisquare(finite, shape) / finite)
    return variates
