"""How often a race for seeds drops the truly best variant, and what it saves: a simulation.

Seeds have log losses around the effect of their variant, normal, with heavy tails (t with five
degrees of freedom) or skewed (exponential), with a standard deviation that is the same for all
variants or differs by a factor of up to three in either direction. `python -m benchmarks.racing`
prints one row for each setting.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.training.jobs.racing import Answer, Array, decide, schedule

STUDIES = 200
FIRST, MOST, MARGIN = 5, 40, 0.02
Noise = Callable[[np.random.Generator, tuple[int, ...]], Any]
NOISES: dict[str, Noise] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "heavy": lambda rng, shape: rng.standard_t(5, shape) / np.sqrt(5 / 3),
    "skewed": lambda rng, shape: rng.exponential(size=shape) - 1,
}
EFFECTS = ("none", "0 to 5 %", "one 1 % lower")


def effects(kind: str, variants: int, rng: np.random.Generator) -> Array:
    """Return the true log losses (variant,); the first variant is the best or one of the best."""
    if kind == "none":
        return np.zeros(variants)
    if kind == "one 1 % lower":
        return np.log1p(np.r_[0.0, np.full(variants - 1, 0.01)])
    return np.log1p(np.r_[0.0, rng.uniform(0, 0.05, variants - 1)])


def race(losses: Array) -> tuple[dict[str, Answer], int]:
    """Return the answers for losses (variant, `MOST`), and how many seeds the race used."""
    rounds = schedule(FIRST, MOST)
    counts = dict.fromkeys(map(str, range(len(losses))), FIRST)
    dropped: set[str] = set()
    found: dict[str, Answer] = {}
    for count in rounds:
        open_ = [name for name in counts if found.get(name, "undecided") in ("undecided", "best")]
        counts |= dict.fromkeys(open_, count)
        seen = {n: losses[int(n), : counts[n]] for n in counts if n not in dropped}
        found |= decide(seen, len(losses), len(rounds), MARGIN)
        dropped |= {name for name, answer in found.items() if answer == "worse"}
        if "undecided" not in found.values():
            break
    return found, sum(counts.values())


def row(
    kind: str, noise: str, sd: float, variants: int, mixed: bool, rng: np.random.Generator
) -> str:
    """Return how a race did over `STUDIES` studies, as a row of Markdown."""
    lost = differing = regret = 0.0
    used = 0
    for _ in range(STUDIES):
        true = effects(kind, variants, rng)
        sds = sd * (3 ** rng.uniform(-1, 1, variants) if mixed else np.ones(variants))
        shape = (variants, MOST)
        losses = true[:, None] + sds[:, None] * NOISES[noise](rng, shape)
        found, seeds = race(losses)
        lost += found["0"] == "worse"
        (best,) = (name for name, answer in found.items() if answer == "best")
        differing += _contrary(found, losses.mean(axis=1), int(best)) / variants
        regret += np.expm1(true[int(best)])
        used += seeds
    share = used / STUDIES / variants / MOST
    spread = f"{100 * sd:g} %" + (", unequal" if mixed else "")
    return (
        f"| {kind} | {noise} | {spread} | {variants} | {lost / STUDIES:.1%} | {share:.0%} "
        f"| {differing / STUDIES:.1%} | {regret / STUDIES:.2%} |"
    )


def _contrary(found: dict[str, Answer], means: Array, best: int) -> int:
    """Return how many answers all `MOST` seeds contradict, by their mean log losses (variant,).

    They do where a worse variant is below the best one, or an equivalent one beyond the margin.
    """
    return sum(
        (answer == "worse" and means[int(name)] < means[best])
        or (answer == "equivalent" and abs(means[int(name)] - means[best]) > np.log1p(MARGIN))
        for name, answer in found.items()
    )


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(0)
    print("| effects | noise | sd of a seed | variants | best dropped | cost | contrary | regret |")
    print("| :-- | :-- | --: | --: | --: | --: | --: | --: |")
    settings = [
        *((kind, noise, 0.007, 20, False) for kind in EFFECTS for noise in NOISES),
        *((kind, "normal", sd, 20, False) for kind in EFFECTS[:2] for sd in (0.015, 0.03)),
        *((kind, noise, 0.007, 20, True) for kind in EFFECTS[:2] for noise in NOISES),
        *((kind, "normal", 0.007, variants, False) for kind in EFFECTS[:2] for variants in (2, 80)),
    ]
    for setting in settings:
        print(row(*setting, rng), flush=True)


if __name__ == "__main__":
    main()
