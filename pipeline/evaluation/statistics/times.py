"""The uncertainty that comes from the time of the forecasts.

Origins are neighbours: their windows share targets, and errors of weather stay correlated for days.
The variance of a mean over them is estimated from its projections on the first cosines of the time
axis, which are independent of each other for slow enough cosines (Mueller 2007; Lazarus, Lewis,
Stock and Watson, "HAR Inference", 2018). With K cosines the studentized mean has a t distribution
with K degrees of freedom, which a moving-block bootstrap of few blocks does not honour.
"""

import math

import numpy as np
from scipy.fft import dct

from pipeline.evaluation.metrics import Array

LEAST = 6  # cosines; fewer give intervals that nothing can be concluded from
SHARE = 0.25  # of the half-width of the spectrum's peak at 0, so that the variance lacks 2 %
QUANTILE = 0.9  # of the persistence over the entries


def projections(influences: Array, horizon: int) -> Array:
    """Return the projections of each mean on K cosines, (entry, K).

    `influences` is (entry, origin), as of `Losses`. The mean square of a row, or of a difference of
    rows, is the variance of the mean over the origins. A single origin has no projections.
    """
    origins = influences.shape[1]
    cosines = dct(influences, type=2, norm="ortho", axis=1)
    count = number(influences - np.median(influences, axis=0), horizon)
    rows: Array = cosines[:, 1 : count + 1] / math.sqrt(origins)
    return rows


def number(differences: Array, horizon: int) -> int:
    """Return how many cosines are slow compared with the correlation of `differences`.

    `differences` is (entry, origin). The correlation of neighbours, as of an autoregression of
    first order, says how wide the peak of the spectrum at 0 is (Andrews 1991); a share of it is
    used. A cosine of K half-waves is longer than twice the horizon, over which windows overlap, and
    there are no more than the rule of Lazarus et al., 0.41 T^(2/3).
    """
    origins = differences.shape[1]
    rho = persistence(differences)
    width = (1 - rho) / math.sqrt(max(rho, 0.01))  # half-width of the peak, in radians per origin
    limits = (
        SHARE * width * origins / math.pi,
        origins / (2 * horizon),
        0.41 * origins ** (2 / 3),
    )
    return int(max(1, min(origins - 1, max(LEAST, int(min(limits))))))


def persistence(differences: Array) -> float:
    """Return a high quantile over the rows of the correlation of neighbours, from 0 to 0.99."""
    size = np.square(differences).sum(axis=1)
    moving = size > 0
    if not moving.any():
        return 0.0
    rows = differences[moving]
    lagged = (rows[:, 1:] * rows[:, :-1]).sum(axis=1) / size[moving]
    return float(np.clip(np.quantile(lagged, QUANTILE), 0.0, 0.99))
