"""Flags: reasons not to trust the results of a study, each one line that says what to do.

Those in the learning curves are found by the stage `train` and come from its `flags.json`, those in
the inputs from `shift.json`; the others are found here, in the verdict.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.stats import t

from pipeline.evaluation.report_data import Source
from pipeline.evaluation.statistics.effects import LEVEL, POWER, Effect
from pipeline.evaluation.statistics.seeds import seed_variances
from pipeline.evaluation.verdict import Verdict
from pipeline.series import shift

NAMED = 5  # variants that a line names
SHARE = 0.5


def flags(verdict: Verdict, source: Source) -> list[str]:
    """Return all flags as sentences in Markdown, the gravest first."""
    return [
        *_beaten(verdict),
        *(f"Training: {line}." for line in source.training),
        *_noisy(verdict),
        *(f"Input out of range: {line}." for line in shift.warnings(source.shift)),
    ]


def _beaten(verdict: Verdict) -> Iterator[str]:
    """Yield a line if no variant has a lower mean error than the best baseline."""
    if verdict.best and not verdict.network_wins:
        total = len(verdict.variants)
        yield (
            f"{verdict.strongest.name} wins: 0 of {total} variants have a lower test error than "
            "this baseline, so they compare weak networks; try more units, `last_value` as the "
            "input normalization, or more epochs with a schedule."
        )


def _noisy(verdict: Verdict) -> Iterator[str]:
    """Yield a line if effects are undecided because the seeds disagree.

    That is the case where the effect of a single seed has a standard deviation, of the variant and
    of the reference together, above the effect itself, and where the seeds alone make the interval
    wide: at least `SHARE` of its square. More seeds would narrow it; elsewhere it is the test
    windows that are too few. Other answers already allow for the seeds, in their intervals.
    """
    found = verdict.conclusion
    undecided = [each for each in found.effects.values() if each.answer == "undecided"]
    if not undecided:
        return
    spreads, halves = _seeds(verdict)
    noisy = []
    for each in undecided:
        pair = [name for name in (each.name, each.against) if name in spreads]
        spread, half = (math.hypot(*(of[name] for name in pair)) for of in (spreads, halves))
        if spread > abs(each.effect.value) and half**2 >= SHARE * half_width(each.effect) ** 2:
            noisy.append(f"`{each.name}` {each.effect.value:+.1%}, seeds ± {spread:.1%}")
    if noisy:
        yield (
            f"{len(noisy)} of {len(found.effects)} effects are undecided because the seeds disagree"
            f" by more than the effect: raise `train.seeds` ({_listed(noisy)})."
        )


def _seeds(verdict: Verdict) -> tuple[dict[str, float], dict[str, float]]:
    """Return by variant what the seeds do to its log MSE.

    That is the standard deviation of one seed, and half of the 95 % interval of the mean that comes
    from the seeds alone. Both are NaN where nothing is known of the spread.
    """
    names = verdict.conclusion.variants
    losses = [verdict.conclusion.losses[name].by_seed for name in names]
    found = seed_variances(losses, [False] * len(names))
    means = np.sqrt(found.variances)  # standard deviations
    singles = means * np.sqrt([len(each) for each in losses])
    halves = means * t.ppf((1 + LEVEL) / 2, found.freedoms)
    return dict(zip(names, singles, strict=True)), dict(zip(names, halves, strict=True))


def half_width(effect: Effect) -> float:
    """Return half of the interval that would cover this effect alone, on the log scale."""
    half = math.log1p(effect.high) - math.log1p(effect.value)
    return (math.log1p(effect.detectable) - half) / POWER


def _listed(sentences: Sequence[str]) -> str:
    more = f"; and {len(sentences) - NAMED} more" if len(sentences) > NAMED else ""
    return "; ".join(sentences[:NAMED]) + more
