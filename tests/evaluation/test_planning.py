"""How much more would decide: simulated studies whose variances are known, then made larger."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from pipeline.evaluation.leaderboard_text import deciding
from pipeline.evaluation.statistics.draws import draw
from pipeline.evaluation.statistics.effects import Effect, effects
from pipeline.evaluation.statistics.losses import Losses
from pipeline.evaluation.statistics.planning import needed

VARIANTS, MARGIN = 8, 0.02


def study(change: float, seeds: int, origins: int, by_seed: float, by_time: float) -> list[Losses]:
    """Variants whose seeds have exactly the standard deviation `by_seed`; the second is changed.

    Each origin of a variant differs by `by_time` from what all variants have in common.
    """
    rng = np.random.default_rng(3)
    scores = norm.ppf((np.arange(seeds) + 0.5) / seeds)
    level = 1 + by_seed * scores / scores.std(ddof=1)
    found = []
    for number in range(VARIANTS):
        noise = rng.standard_normal(origins)
        own = 1 + by_time * (noise - noise.mean())
        size = 1 + change if number == 1 else 1.0
        found.append(Losses(size * np.outer(level, own), np.ones(origins, int)))
    return found


def second(change: float, seeds: int, origins: int, by_seed: float, by_time: float) -> Effect:
    draws = draw(study(change, seeds, origins, by_seed, by_time), [False] * VARIANTS, 1)
    return effects(draws, 0, range(1, VARIANTS))[0]


@pytest.mark.parametrize(
    ("change", "answer"), [(-0.04, "better"), (0.06, "worse"), (0.004, "equivalent")]
)
def test_as_many_more_seeds_as_said_decide_a_comparison_that_seeds_leave_open(
    change: float, answer: str
) -> None:
    now = second(change, 5, 400, 0.05, 0.02)
    more = needed(now, MARGIN, 5, 400)
    assert now.answer(MARGIN) == "undecided"
    assert more is not None and more.seeds is not None
    assert second(change, 5 + more.seeds, 400, 0.05, 0.02).answer(MARGIN) == answer
    assert second(change, 5 + more.seeds // 3, 400, 0.05, 0.02).answer(MARGIN) == "undecided"


def test_where_time_alone_is_too_noisy_no_number_of_seeds_decides_but_more_origins_do() -> None:
    now = second(-0.04, 20, 200, 0.02, 0.3)
    more = needed(now, MARGIN, 20, 200)
    assert now.answer(MARGIN) == "undecided"
    assert more is not None and more.seeds is None and more.origins is not None
    assert second(-0.04, 2000, 200, 0.02, 0.3).answer(MARGIN) == "undecided"
    larger = math.ceil(1.1 * (200 + more.origins))  # the noise of other origins is another one
    assert second(-0.04, 20, larger, 0.02, 0.3).answer(MARGIN) == "better"


def test_where_neither_alone_decides_so_many_times_both_do() -> None:
    now = second(-0.04, 5, 100, 0.05, 0.2)
    more = needed(now, MARGIN, 5, 100)
    assert more is not None and more.seeds is None and more.origins is None
    times = math.ceil(1.1 * more.both)  # the noise of other origins is another one
    assert second(-0.04, 5 * times, 100 * times, 0.05, 0.2).answer(MARGIN) == "better"
    assert deciding(more) == f"n/a alone; {math.ceil(more.both)} times both"


def test_where_seeds_alone_are_too_noisy_no_number_of_origins_decides() -> None:
    more = needed(second(-0.04, 5, 400, 0.05, 0.02), MARGIN, 5, 400)
    assert more is not None and more.origins is None


@pytest.mark.parametrize(("change", "seeds"), [(-0.5, 5), (0.0, 2000)])
def test_what_is_decided_needs_nothing(change: float, seeds: int) -> None:
    assert needed(second(change, seeds, 400, 0.02, 0.01), MARGIN, seeds, 400) is None


def test_of_an_unknown_interval_nothing_is_said() -> None:
    nan = float("nan")
    assert needed(Effect(0.1, nan, nan, nan), MARGIN, 1, 1) is None


def test_the_parts_of_the_variance_are_those_of_seeds_and_of_origins() -> None:
    found = second(0.0, 200, 400, 0.05, 0.02)
    assert found.seeds == pytest.approx(2 * 0.05**2 / 200, rel=0.02)
    assert found.times == pytest.approx(2 * 0.02**2 / 400, rel=0.5)
