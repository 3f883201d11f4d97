"""The rule of a race for seeds: which variants are clearly above the best, or as good as it.

A race compares variants by the logarithms of their validation losses, one for each seed, in rounds
of ever more seeds. The variant with the lowest mean is the best so far. Every other one is compared
with it by the t test of Welch (1947), which needs no common variance. As each of V variants may
turn out to be the best in each of R rounds, a comparison has the level `LEVEL` / ((V - 1) R) on
either side (Bonferroni). So the truly best variant is dropped in at most `LEVEL` of all races, if
losses are roughly normal; the benchmark `racing` measures it, also where they are not. Racing:
Maron and Moore (1994); Birattari et al. (2002).
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import t

LEVEL = 0.05
FEW = 2  # trained seeds without which nothing is known of a variant's spread
TINY = 1e-12  # standard error of losses that do not vary
Array = npt.NDArray[np.floating]
Answer = Literal["best", "worse", "equivalent", "undecided", "failed"]


def schedule(first: int, most: int) -> list[int]:
    """Return the seeds of a variant that stays in the race, by round: doubled up to `most`."""
    counts = [first]
    while counts[-1] < most:
        counts.append(min(2 * counts[-1], most))
    return counts


def decide(
    losses: Mapping[str, Array], variants: int, rounds: int, margin: float
) -> dict[str, Answer]:
    """Return what is decided of each variant in one round.

    `losses` are the logarithms of the validation losses of the variants that were never dropped,
    (seed,), without seeds that failed; numbers of seeds may differ. `variants` and `rounds` are
    those of the whole race. *Worse* is above the best, *equivalent* within the relative `margin`
    of it on both sides, *failed* is a variant with fewer than two trained seeds.
    """
    known = {name: each for name, each in losses.items() if len(each) >= FEW}
    answers: dict[str, Answer] = dict.fromkeys(losses, "failed")
    if known:
        best = min(known, key=lambda name: (known[name].mean(), name))
        level = LEVEL / (max(variants - 1, 1) * rounds)
        answers |= {
            name: "best" if name == best else compare(each, known[best], level, margin)
            for name, each in known.items()
        }
    return answers


def compare(own: Array, best: Array, level: float, margin: float) -> Answer:
    """Return what the logarithmic losses of two variants decide, each side at this `level`."""
    difference = float(own.mean() - best.mean())
    parts = [float(each.var(ddof=1)) / len(each) for each in (own, best)]
    error = max(sum(parts) ** 0.5, TINY)
    squares = sum(part**2 / (len(each) - 1) for part, each in zip(parts, (own, best), strict=True))
    freedom = sum(parts) ** 2 / squares if squares > 0 else np.inf
    half = float(t.isf(level, freedom)) * error
    if difference > half:
        return "worse"
    inside = np.log1p(-margin) <= difference - half and difference + half <= np.log1p(margin)
    return "equivalent" if inside else "undecided"
