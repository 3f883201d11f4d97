"""Effects: how much lower or higher an error is than another, with simultaneous intervals."""

import math
from collections.abc import Mapping, Sequence
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
    `times` and `seeds` are the parts of the variance of its logarithm that come from each.
    """

    value: float
    low: float
    high: float
    detectable: float
    times: float = 0.0
    seeds: float = 0.0

    def answer(self, margin: float) -> Answer:
        """Return what may be concluded; an effect inside of `margin` is no effect in practice."""
        if -margin <= self.low and self.high <= margin:
            return "equivalent"
        if self.high < 0:
            return "better"
        return "worse" if self.low > 0 else "undecided"


NONE = Effect(0.0, 0.0, 0.0, 0.0)  # of an entry with the errors of its reference


Contrast = Mapping[int, float]
"""Weights of entries by their positions, which add up to 0; a difference has 1 and -1."""


def effects(draws: Draws, reference: int, others: Sequence[int]) -> list[Effect]:
    """Return the effects of `others` against `reference`, positions in `draws`."""
    return contrasts(draws, [{other: 1.0, reference: -1.0} for other in others])


def contrasts(draws: Draws, chosen: Sequence[Contrast]) -> list[Effect]:
    """Return the effect of each contrast: a ratio of geometric means of errors, minus 1.

    The intervals cover all effects at once with a probability of `LEVEL`: their common factor is
    that quantile of the largest studentized difference (max-T, Romano and Wolf 2005).
    """
    if not chosen:
        return []
    sides = [(list(each), np.array([*each.values()])) for each in chosen]
    noise = np.abs([draws.noise[:, used] @ weights for used, weights in sides])
    scale = scales(noise)
    half = critical(noise, scale) * scale
    return [
        _effect(draws, used, weights, float(h), float(s))
        for (used, weights), h, s in zip(sides, half, scale, strict=True)
    ]


def _effect(draws: Draws, used: list[int], weights: Array, half: float, scale: float) -> Effect:
    value = float(weights @ draws.point[used])
    return Effect(
        math.expm1(value),
        _expm1(value - half),
        _expm1(value + half),
        _expm1(half + POWER * scale),
        float(np.square(weights @ draws.times[used]).mean()),
        float(np.square(weights) @ draws.seeds[used]),
    )


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
