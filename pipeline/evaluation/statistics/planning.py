"""How many more seeds, or how many more origins, would decide what is undecided.

The variance of an effect has a part that falls with the number of seeds and one that falls with the
number of origins. If the effect is what it seems to be, the interval must become so narrow that it
leaves out 0, or lies within the margin; what that takes of one of the two, the other as it is, is
an estimate. It is on the safe side for few seeds, since more of them also thin the tails.
"""

import math
from dataclasses import dataclass

from pipeline.evaluation.statistics.effects import Effect


@dataclass(frozen=True)
class Needed:
    """How many more seeds of each variant, or more origins, decide; `None` where no number does.

    `both` is by what to multiply seeds and origins together, infinity for an effect of exactly 0.
    """

    seeds: int | None
    origins: int | None
    both: float


def needed(effect: Effect, margin: float, seeds: int, origins: int) -> Needed | None:
    """Return what more than so many `seeds` and `origins` would decide an effect.

    It is `None` if the effect is decided already, or if nothing of it is known.
    """
    if effect.answer(margin) != "undecided" or not math.isfinite(effect.low + effect.high):
        return None
    center = math.log1p(effect.value)
    half = (math.log1p(effect.high) - math.log1p(effect.low)) / 2
    inside = min(math.log1p(margin) - center, center - math.log1p(-margin))
    share = (max(abs(center), inside) / half) ** 2
    allowed = share * (effect.times + effect.seeds)
    return Needed(
        _more(seeds, effect.seeds, allowed - effect.times),
        _more(origins, effect.times, allowed - effect.seeds),
        1 / share if share > 0 else math.inf,
    )


def _more(count: int, variance: float, allowed: float) -> int | None:
    """Return by how much to raise the count that divides this variance."""
    if not (variance > 0 and allowed > 0):
        return None
    return math.ceil(count * (variance / allowed - 1))
