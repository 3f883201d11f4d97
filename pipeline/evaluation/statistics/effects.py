"""Effects: how much lower or higher an error is than another, with simultaneous intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipeline.evaluation.metrics import Array
from pipeline.evaluation.statistics.draws import Draws

Answer = Literal["better", "worse", "equivalent", "undecided"]
LEVEL = 0.95
POWER = 0.8416 / 1.96  # of a 95 % half-width: what an interval needs besides to have 80 % power
FLOOR = 1e-12  # scale of a difference that does not vary


@dataclass(frozen=True)
class Effect:
    """The ratio of an error to that of the reference, minus 1; negative is a lower error.

    `low` and `high` bound it together with all other effects of its group. `detectable` is the size
    that would have been found with a probability of 80 %. All three are NaN where nothing is known.
    """

    value: float
    low: float
    high: float
    detectable: float

    def answer(self, margin: float) -> Answer:
        """Return what may be concluded; an effect inside of `margin` is no effect in practice."""
        if -margin <= self.low and self.high <= margin:
            return "equivalent"
        if self.high < 0:
            return "better"
        return "worse" if self.low > 0 else "undecided"


NONE = Effect(0.0, 0.0, 0.0, 0.0)  # of an entry with the errors of its reference


def effects(draws: Draws, reference: int, others: Sequence[int]) -> list[Effect]:
    """Return the effects of `others` against `reference`, positions in `draws`.

    The intervals cover all effects at once with a probability of `LEVEL`: their common factor is
    that quantile of the largest studentized difference (max-T, Romano and Wolf 2005).
    """
    if not others:
        return []
    noise = np.abs(draws.noise[:, others] - draws.noise[:, [reference]]).T
    scale = scales(noise)
    half = critical(noise, scale) * scale
    point = draws.point[others] - draws.point[reference]
    return [
        Effect(math.expm1(value), _expm1(value - h), _expm1(value + h), _expm1(h + POWER * s))
        for value, h, s in zip(point, half, scale, strict=True)
    ]


def scales(sizes: Array) -> Array:
    """Return the quantile of each size, (comparison, draw) -> (comparison,); NaN if unknown.

    Quantiles and not standard deviations, which few seeds do not have, so that each comparison has
    the same part in the largest one.
    """
    quantiles: Array = np.maximum(np.quantile(sizes, LEVEL, axis=1), FLOOR)
    return quantiles


def critical(sizes: Array, scale: Array) -> float:
    """Return the quantile of the largest of the studentized sizes of each draw."""
    known = np.isfinite(scale)
    if not known.any():
        return math.nan
    return float(np.quantile((sizes[known] / scale[known, None]).max(axis=0), LEVEL))


def _expm1(value: float) -> float:
    return math.inf if value > 700 else math.expm1(value)
