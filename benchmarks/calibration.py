"""How often are the answers of the verdict wrong? Simulated studies whose truth is known.

    python -m benchmarks.calibration [--variants 2 20 80] [--studies 200] [--origins 1300]

Studies of equal variants count false claims (any variant called better or worse than the
reference), false contrasts (any mean of two variants called better or worse than that of two
others, as in marginal effects and claims) and lost bests (any variant missing from the best set, in
which all belong); at a nominal 5 %, each may be at most 7 %. Studies with one better variant count
how often it is found. Losses are the product of what all variants share, what a variant has of its
own in time (autoregressive, with a standard deviation of 10 %), the level of a seed (2 to 8 %,
different for each variant) and noise of a seed in time (20 %). Heavy tails are those of t with 3
degrees of freedom.
"""

import argparse
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from itertools import product

import numpy as np
from scipy.signal import lfilter

from pipeline.evaluation.statistics.draws import Draws, draw
from pipeline.evaluation.statistics.effects import Answer, Contrast, contrasts, effects
from pipeline.evaluation.statistics.losses import Losses
from pipeline.evaluation.statistics.ranking import Pairs

HORIZON, CELLS = 6, 18


@dataclass(frozen=True)
class Case:
    """A kind of study; `effect` is that of the second variant against the first, the reference."""

    variants: int
    seeds: int
    persistence: float
    heavy: bool
    effect: float = 0.0


def shocks(rng: np.random.Generator, heavy: bool, shape: tuple[int, ...]) -> np.ndarray:
    """Return independent shocks of variance 1."""
    if heavy:
        return rng.standard_t(3, shape).astype(np.float32) / np.float32(np.sqrt(3))
    return rng.standard_normal(shape, np.float32)


def persistent(rng: np.random.Generator, case: Case, rows: int, origins: int) -> np.ndarray:
    """Return stationary autoregressions of variance 1, (row, origin)."""
    rho, start = case.persistence, 50
    noise = shocks(rng, case.heavy, (rows, origins + start)) * np.float32(np.sqrt(1 - rho**2))
    return lfilter([1.0], [1.0, -rho], noise, axis=1)[:, start:].astype(np.float32)


def study(rng: np.random.Generator, case: Case, origins: int) -> list[Losses]:
    """Return the losses of one study. All variants have the same expected loss, but the second."""
    normal = Case(1, 1, case.persistence, heavy=False)
    shared = np.exp((1.0 if case.heavy else 0.5) * persistent(rng, normal, 1, origins)[0])
    own = np.maximum(1 + 0.1 * persistent(rng, case, case.variants, origins), 0.1)
    spread = 0.02 * 4 ** rng.random((case.variants, 1))
    level = 1 + spread * shocks(rng, case.heavy, (case.variants, case.seeds))
    level = np.maximum(level, 0.3)
    level[1] *= 1 + case.effect
    cells = np.full(origins, CELLS)
    found = []
    for v in range(case.variants):
        noise = 1 + 0.2 * rng.standard_normal((case.seeds, origins), np.float32)
        found.append(Losses(CELLS * shared * own[v] * noise * level[v][:, None], cells))
    return found


@dataclass(frozen=True)
class Outcome:
    """Whether a study has any claim, any lost best, the second variant as better, any contrast."""

    claimed: bool
    lost: bool
    found: bool
    contrasted: bool


@dataclass(frozen=True)
class Rates:
    """The shares of studies with each of the outcomes."""

    claimed: float
    lost: float
    found: float
    contrasted: float


def outcome(losses: list[Losses]) -> Outcome:
    """Return what the verdict says of a study."""
    draws: Draws = draw(losses, [False] * len(losses), HORIZON)
    answers = [e.answer(0.0) for e in effects(draws, 0, range(1, len(losses)))]
    lost = Pairs.of(draws).higher(np.ones(len(losses), bool)).any()
    means = [e.answer(0.0) for e in contrasts(draws, pairs_of_means(len(losses)))]
    return Outcome(_any(answers), bool(lost), answers[0] == "better", _any(means))


def _any(answers: list[Answer]) -> bool:
    return any(answer in ("better", "worse") for answer in answers)


def pairs_of_means(variants: int) -> list[Contrast]:
    """Return contrasts of the mean of two variants with that of the next two, all around."""
    if variants < 4:
        return [{0: 1.0, 1: -1.0}]
    weights = (0.5, 0.5, -0.5, -0.5)
    return [
        {(first + i) % variants: weight for i, weight in enumerate(weights)}
        for first in range(variants)
    ]


def rates(case: Case, studies: int, origins: int) -> Rates:
    """Return the shares of studies with each outcome."""
    rng = np.random.default_rng([case.variants, case.seeds, int(10 * case.persistence), case.heavy])
    found = [outcome(study(rng, case, origins)) for _ in range(studies)]
    return Rates(*np.mean([astuple(each) for each in found], axis=0))


def grid() -> Iterator[Case]:
    """Yield the cases of the issue."""
    for cell in product((2, 20, 80), (3, 5, 20), (0.0, 0.5, 0.9), (False, True)):
        yield Case(*cell)


def null(variants: int, studies: int, origins: int) -> None:
    """Print the false claims and lost bests of all cases with so many variants."""
    print("| variants | seeds | AR | tails | false claims | false contrasts | best lost |")
    print("|--:|--:|--:|:--|--:|--:|--:|")
    found = []
    for case in (case for case in grid() if case.variants == variants):
        found.append(rates(case, studies, origins))
        tails = "heavy" if case.heavy else "normal"
        print(
            f"| {case.variants} | {case.seeds} | {case.persistence} | {tails} "
            f"| {found[-1].claimed:.1%} | {found[-1].contrasted:.1%} | {found[-1].lost:.1%} |",
            flush=True,
        )
    means = Rates(*np.mean([astuple(each) for each in found], axis=0))
    print(
        f"mean of {len(found)} cases, {studies} studies each: {means.claimed:.1%}, "
        f"{means.contrasted:.1%} and {means.lost:.1%}"
    )


def power(studies: int, origins: int) -> None:
    """Print how often the second of 20 variants is found to be better, by its effect."""
    print("| seeds | AR | 2 % | 5 % | 10 % |\n|--:|--:|--:|--:|--:|")
    for seeds, persistence in product((5, 20), (0.0, 0.9)):
        cases = [Case(20, seeds, persistence, False, -size) for size in (0.02, 0.05, 0.1)]
        shares = [f"{rates(case, studies, origins).found:.0%}" for case in cases]
        print(f"| {seeds} | {persistence} | {' | '.join(shares)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variants", type=int, nargs="+", default=[2, 20, 80])
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--origins", type=int, default=1300)
    options = parser.parse_args()
    for variants in options.variants:
        null(variants, options.studies, options.origins)
    if 20 in options.variants:
        power(max(1, options.studies // 4), options.origins)


if __name__ == "__main__":
    main()
