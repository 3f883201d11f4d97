"""Drift of one column: false alarms on seasonal data, and every fault found and named."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.signal import lfilter

from pipeline.serving.drift import faults, units
from pipeline.serving.drift.columns import Column, Finding, findings
from pipeline.serving.drift.windows import Windows, probability

YEAR, MONTH, COLUMNS = 8766, 720, 6


def temperatures(rng: np.random.Generator, count: int, annual: float = 20.0) -> np.ndarray:
    """Hours of a day, a year and weather that persists, in degrees Fahrenheit."""
    hours = np.arange(count)
    weather = lfilter([1], [1, -0.95], rng.normal(size=count)) * np.sqrt(1 - 0.95**2)
    season = annual * np.sin(2 * np.pi * hours / YEAR + rng.uniform(0, 2 * np.pi))
    return 50 + 10 * np.sin(2 * np.pi * hours / 24) + season + 8 * weather


def found(values: np.ndarray, boundary: int) -> list[Finding]:
    return list(findings(Column("a", "temp", values, boundary, YEAR), COLUMNS))


def with_new(change: Callable[[np.ndarray], np.ndarray], history: int = 6000) -> list[Finding]:
    values = temperatures(np.random.default_rng(5), history + MONTH)
    values[history:] = change(values[history:])
    return found(values, history)


@pytest.mark.parametrize(
    ("history", "new", "annual"), [(3000, 168, 0.0), (6000, MONTH, 20.0), (20_000, MONTH, 20.0)]
)
def test_a_table_that_goes_on_as_before_rarely_raises_any_alarm(
    history: int, new: int, annual: float
) -> None:
    rng = np.random.default_rng(0)
    tables = 25
    alarms = sum(
        any(found(temperatures(rng, history + new, annual), history) for _ in range(COLUMNS))
        for _ in range(tables)
    )
    assert alarms <= 4  # 5 % of 25 tables is 1.25; more than 4 has a chance of 0.7 %


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (lambda values: (values - 32) * 5 / 9, "unit", "°F to °C"),
        (lambda values: values * 10, "unit", "looks multiplied by 10: "),
        (lambda values: values / 100, "unit", "looks divided by 100"),
        (lambda values: np.random.default_rng(1).permutation(values), "shuffled", "autocorrel"),
        (lambda values: np.where(np.arange(MONTH) > 500, 61.0, values), "stuck", "219 times"),
        (lambda values: np.where(np.arange(MONTH) % 3 == 0, np.nan, values), "missing", "33%"),
        (lambda values: values + 60, "shift", "before"),
    ],
)
def test_faults_and_shifts_are_found_and_named(
    change: Callable[[np.ndarray], np.ndarray], kind: str, words: str
) -> None:
    (finding,) = with_new(change)
    assert finding.kind == kind
    assert words in finding.words


def test_a_season_that_the_recent_past_lacks_but_an_earlier_year_had_is_no_drift() -> None:
    hours = np.arange(2 * YEAR + MONTH)
    rng = np.random.default_rng(2)
    winter = hours % YEAR < MONTH  # one month of each year is different
    values = 50 + 20 * winter + rng.normal(size=len(hours))
    assert found(values, 2 * YEAR) == []
    (finding,) = found(values[YEAR // 2 : YEAR + MONTH], YEAR - YEAR // 2)
    assert finding.kind == "shift"


def test_a_constant_column_may_stay_constant_and_a_change_of_it_is_a_shift() -> None:
    values = np.full(2000, 3.0)
    assert found(values, 1900) == []
    values[1900:] = 4.0
    (finding,) = found(values, 1900)
    assert finding.kind == "shift"
    assert finding.probability == 0.0


def test_the_distance_is_the_mean_displacement_in_standard_deviations_of_the_history() -> None:
    windows = Windows(np.tile([0.0, 2.0], 100), 160, YEAR)  # standard deviation 1
    assert windows.distance(np.zeros(10), np.full(10, 3.0)) == pytest.approx(3.0)


def test_a_probability_is_that_of_the_prediction_interval_on_the_root_scale() -> None:
    sample = np.square([1.0, 2.0, 3.0])  # roots: mean 2, standard deviation 1
    score = (4 - 2) / np.sqrt(1 + 1 / 3)
    expected = 0.5 - score / (2 * np.sqrt(2 + score**2))  # Student's t with two degrees of freedom
    assert probability(16.0, sample, 3) == pytest.approx(expected)
    assert probability(9.0, sample, 3) == 1.0  # seen before
    assert probability(16.0, sample, 2) == 1.0  # too few pairs


def test_a_conversion_is_undone_exactly() -> None:
    celsius = next(each for each in units.CONVERSIONS if "°F to °C" in each.words)
    np.testing.assert_allclose(celsius.undo(np.array([0.0, 100.0])), [32.0, 212.0])


def test_the_longest_run_does_not_pass_a_missing_value() -> None:
    nan = np.nan
    assert faults.longest_run(np.array([1, 1, nan, 1, 1, 1, 2])) == 3
    assert faults.longest_run(np.array([nan, nan])) == 0


def test_a_column_that_never_persisted_is_not_called_shuffled() -> None:
    rng = np.random.default_rng(3)
    assert found(rng.normal(size=4000), 3600) == []
