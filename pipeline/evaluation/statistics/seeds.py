"""The uncertainty that comes from the seeds: the variance of each variant's mean over few seeds.

Three or five seeds say little about their own variance, but many variants together say what
variances are usual. Each variant's variance is moved towards the usual one, by as much as the
variances agree, and gains degrees of freedom for that: the moderated variance of Smyth (2004,
"Linear models and empirical Bayes methods", as in limma).
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, polygamma
from scipy.stats import chi2

from pipeline.evaluation.metrics import Array

TRUST = 0.5  # share of the usual variance's degrees of freedom: true variances have other shapes
CAUTION = 0.1  # the spread of the variances may be underestimated with this probability
FEW = 3  # with fewer variants nothing is known of usual variances
TINY = 1e-12  # relative variance below which seeds are taken as equal


@dataclass(frozen=True)
class SeedVariances:
    """Variances of means over seeds and their degrees of freedom, both (entry,); NaN if unknown."""

    variances: Array
    freedoms: Array


def seed_variances(by_seed: list[Array], deterministic: list[bool]) -> SeedVariances:
    """Return the variances of the logarithms of mean losses, from the losses of each seed.

    An entry that is `deterministic` has no such variance. A single seed knows none of its own, and
    has the usual one if there is one.
    """
    counts = np.array([len(losses) for losses in by_seed], float)
    own = np.array([_relative_variance(losses) for losses in by_seed])
    freedoms = counts - 1
    random = ~np.array(deterministic)
    known = random & (freedoms > 0) & (own > TINY)
    usual, prior = usual_variance(own[known], freedoms[known])
    with np.errstate(invalid="ignore", divide="ignore"):
        total = np.minimum(freedoms + prior, freedoms[known].sum())
        weight = freedoms / (freedoms + prior) if math.isfinite(prior) else 0 * freedoms
        moved = np.where(prior > 0, weight * own + (1 - weight) * usual, own)
    unknown = random & ~(total > 0)
    moved = np.where(random, np.where(unknown, np.nan, moved / counts), 0.0)
    return SeedVariances(moved, np.where(random, np.where(unknown, np.nan, total), np.inf))


def usual_variance(variances: Array, freedoms: Array) -> tuple[float, float]:
    """Return the usual variance and how many degrees of freedom it is worth, 0 if it is unknown.

    The logarithms of sample variances spread more than their degrees of freedom explain if the true
    ones differ; what that says is taken with caution, from an upper bound on their spread.
    """
    if len(variances) < FEW:
        return 0.0, 0.0
    half = freedoms / 2
    logs = np.log(variances) - digamma(half) + np.log(half)
    free = len(logs) - 1
    bound = float(logs.var(ddof=1)) * free / float(chi2.ppf(CAUTION, free))
    excess = bound - float(polygamma(1, half).mean())
    if excess <= 0:
        return math.exp(logs.mean()), math.inf
    prior = 2 * _inverse_trigamma(excess)
    usual = math.exp(logs.mean() + digamma(prior / 2) - math.log(prior / 2))
    return usual, TRUST * prior


def _relative_variance(losses: Array) -> float:
    if len(losses) < 2:
        return 0.0
    return float(losses.var(ddof=1) / losses.mean() ** 2)


def _inverse_trigamma(value: float) -> float:
    """Return x with trigamma(x) = `value`, by Newton's iteration of Smyth (2004)."""
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(polygamma(2, x))
        x += step
        if abs(step) < 1e-10 * x:
            break
    return x
