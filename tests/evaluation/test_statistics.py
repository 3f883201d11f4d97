"""What may be concluded: numeric oracles for each part, and the level of the whole in short."""

import numpy as np
import pytest
from scipy.signal import lfilter

from benchmarks.calibration import Case, rates
from pipeline.evaluation.statistics.draws import DRAWS, Draws, draw
from pipeline.evaluation.statistics.effects import Effect, effects
from pipeline.evaluation.statistics.losses import Losses, reduce
from pipeline.evaluation.statistics.ranking import places
from pipeline.evaluation.statistics.seeds import seed_variances, usual_variance
from pipeline.evaluation.statistics.times import number, projections

NAN = float("nan")


def drawn(point: list[float], sd: float) -> Draws:
    noise = np.random.default_rng(1).normal(0, sd, (DRAWS, len(point)))
    return Draws(np.array(point), noise, np.zeros((len(point), 1)), np.full(len(point), sd**2))


def test_losses_are_sums_over_the_measured_cells_of_each_origin() -> None:
    errors = np.array([[[[1.0]], [[2.0]], [[3.0]]], [[[9.0]], [[9.0]], [[9.0]]]])
    errors[:, 1] = NAN
    found = reduce(errors, np.array([False, True]), np.array([0, 0, 1]))
    np.testing.assert_array_equal(found.sums, [[1.0, 9.0]])
    np.testing.assert_array_equal(found.cells, [1, 1])
    assert found.mean == 5.0


def test_losses_reduce_in_chunks_to_the_mean_of_all_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = np.random.default_rng(0).normal(size=(2, 30, 4, 3)).astype(np.float32)
    errors[:, 3, 1] = NAN
    monkeypatch.setattr("pipeline.evaluation.metrics.CHUNK", 100)
    found = reduce(errors, np.zeros(2, bool), np.arange(30) // 3)
    np.testing.assert_allclose(
        found.by_seed, np.nanmean(np.square(errors, dtype=np.float64), axis=(1, 2, 3))
    )
    assert found.influence.mean() == pytest.approx(0, abs=1e-12)


def test_of_a_single_origin_nothing_is_concluded() -> None:
    losses = [Losses(np.full((3, 1), size), np.array([6])) for size in (1.0, 5.0)]
    draws = draw(losses, [False, False], horizon=3)
    found = effects(draws, 0, [1])[0]
    assert found.value == pytest.approx(4.0)
    assert np.isnan([found.low, found.high, found.detectable]).all()
    assert found.answer(0.02) == "undecided"
    assert [place.tier for place in places(draws, [1, 1])] == [1, 1]


def test_the_variance_of_a_mean_over_time_is_that_of_its_correlation() -> None:
    rho, origins = 0.8, 2000
    shocks = np.random.default_rng(0).normal(size=(300, origins + 200))
    series = lfilter([1.0], [1.0, -rho], shocks)[:, 200:]
    variance = np.square(projections(series, horizon=1)).mean()
    assert variance == pytest.approx(1 / (1 - rho) ** 2 / origins, rel=0.08)


def test_persistent_differences_and_long_horizons_leave_fewer_cosines() -> None:
    noise = np.random.default_rng(0).normal(size=(5, 1000))
    slow = lfilter([1.0], [1.0, -0.9], noise)
    assert number(slow, 1) < number(noise, 1)
    assert number(noise, 24) == 1000 // 48


def test_equal_variances_are_pooled_and_unequal_ones_kept_apart() -> None:
    rng = np.random.default_rng(0)
    usual, prior = usual_variance(4.0 * rng.chisquare(2, 200) / 2, np.full(200, 2.0))
    assert usual == pytest.approx(4.0, rel=0.2)
    assert prior > 2.5
    unequal = 4.0 * np.exp(rng.normal(0, 2, 200)) * rng.chisquare(2, 200) / 2
    assert usual_variance(unequal, np.full(200, 2.0))[1] < 2


def test_one_seed_has_an_unknown_variance_and_a_baseline_has_none() -> None:
    found = seed_variances([np.array([1.0]), np.array([1.0])], [False, True])
    np.testing.assert_array_equal(found.variances, [NAN, 0.0])


@pytest.mark.parametrize(
    ("low", "high", "answer"),
    [
        (-0.06, -0.01, "better"),
        (0.001, 0.3, "worse"),
        (-0.015, 0.01, "equivalent"),
        (0.001, 0.01, "equivalent"),
        (-0.05, 0.01, "undecided"),
        (NAN, NAN, "undecided"),
    ],
)
def test_an_interval_gives_one_of_four_answers(low: float, high: float, answer: str) -> None:
    assert Effect(0.0, low, high, 0.1).answer(margin=0.02) == answer


def test_simultaneous_intervals_are_wider_than_single_ones_as_normal_theory_says() -> None:
    draws = drawn([0.0, -0.1, *[0.0] * 9], sd=0.01)
    single = effects(draws, 0, [1])[0]
    many = effects(draws, 0, range(1, 11))[0]
    assert single.value == many.value == pytest.approx(np.expm1(-0.1))
    half = np.log1p(single.high) + 0.1
    assert half == pytest.approx(1.96 * 0.01 * np.sqrt(2), rel=0.06)
    assert np.log1p(many.high) + 0.1 == pytest.approx(half * 2.69 / 1.96, rel=0.06)  # Dunnett


def test_places_tell_apart_what_lies_further_apart_than_the_noise() -> None:
    found = places(drawn([0.0, 0.005, 1.0, 1.001], sd=0.01), [1, 2, 1, 1])
    assert [place.tier for place in found] == [1, 1, 2, 2]
    assert [place.rank for place in found] == [1, 2, 4, 5]
    assert [(place.rank_low, place.rank_high) for place in found] == [
        (1, 3),
        (1, 3),
        (4, 5),
        (4, 5),
    ]
    assert sum(place.p_best for place in found) == pytest.approx(1.0)


def test_a_common_time_cancels_between_variants() -> None:
    rng = np.random.default_rng(0)
    hard = rng.lognormal(size=500)
    losses = [Losses(np.outer([1.0, 1.01, 0.99], hard) * k, np.ones(500, int)) for k in (1, 1.5)]
    low, high = (lambda e: (e.low, e.high))(effects(draw(losses, [False] * 2, 1), 0, [1])[0])
    assert 0.4 < low < 0.5 < high < 0.6


@pytest.mark.parametrize("persistence", [0.0, 0.9])
def test_equal_variants_are_rarely_told_apart_and_the_best_is_rarely_lost(
    persistence: float,
) -> None:
    """60 studies at 5 %: more than 8 errors would happen once in 200 times, at 7 % once in 40."""
    found = rates(Case(10, 5, persistence, heavy=True), studies=60, origins=500)
    assert 60 * found.claimed <= 8
    assert 60 * found.contrasted <= 8
    assert 60 * found.lost <= 8


def test_a_large_effect_is_found() -> None:
    assert rates(Case(5, 10, 0.5, heavy=False, effect=-0.3), studies=10, origins=500).found > 0.8
