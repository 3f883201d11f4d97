"""Prediction intervals against a reference in plain Python, and what they promise."""

import math
from pathlib import Path

import numpy as np
import pytest

from pipeline.config.section import Bounds
from pipeline.core.errors import InputError
from pipeline.evaluation import intervals
from pipeline.evaluation.intervals import Intervals
from pipeline.series.possible import Possible
from pipeline.series.scaler import Scaler

LEVELS = (0.5, 0.8, 0.95)


def reference(errors: np.ndarray, level: float) -> float:
    """The error of rank ceil((n + 1) level) of those that were measured."""
    sizes = sorted(abs(float(error)) for error in errors if not math.isnan(error))
    return sizes[math.ceil((len(sizes) + 1) * level - 1e-9) - 1]


def simulated(windows: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Errors (window, 4 steps, 2 targets) of three series in mixed order, a tenth masked."""
    rng = np.random.default_rng(5)
    errors = rng.normal(size=(windows, 4, 2))
    errors[rng.random(errors.shape) < 0.1] = np.nan
    return errors, rng.permutation(np.arange(windows) % 3)


@pytest.mark.parametrize("pooled", [False, True])
def test_half_widths_are_quantiles_of_each_series_step_and_target(pooled: bool) -> None:
    errors, series = simulated()
    found = intervals.calibrate(errors, series, 3, LEVELS, pooled).half_widths
    assert found.shape == (3, 3, 4, 2)
    for level, code, step, target in np.ndindex(found.shape):
        own = np.ones(len(series), bool) if pooled else series == code
        expected = reference(errors[own, step, target], LEVELS[level])
        assert found[level, code, step, target] == expected


def test_exchangeable_errors_are_held_as_often_as_the_level_says() -> None:
    count, size = 4000, 25
    errors = np.random.default_rng(7).standard_t(3, size=(count * (size + 1), 1, 1))
    series = np.repeat(np.arange(count), size + 1)
    new = np.arange(len(series)) % (size + 1) == size  # the last one of each series
    made = intervals.calibrate(errors[~new], series[~new], count, (0.8, 0.95), False)
    for level, widths in zip(made.levels, made.half_widths[:, :, 0, 0], strict=True):
        exact = math.ceil((size + 1) * level) / (size + 1)
        held = (np.abs(errors[new][:, 0, 0]) <= widths).mean()
        assert abs(held - exact) < 4 * math.sqrt(exact * (1 - exact) / count)
        assert exact >= level


@pytest.mark.parametrize(("level", "least"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19)])
def test_a_level_needs_as_many_values_as_its_rank(level: float, least: int) -> None:
    assert intervals.needed(level) == least
    assert intervals.rank(least, level) == least
    assert intervals.rank(least - 1, level) > least - 1


def test_a_level_that_a_series_has_too_few_values_for_is_rejected_by_name() -> None:
    measured = np.ones((40, 2, 1), bool)
    series = np.repeat([0, 1], 20)
    measured[20:22, 1] = False  # 18 are left
    (finding,) = intervals.shortage(measured, series, ["JFK", "LGA"], (0.8, 0.95), False)
    assert "forecast.levels: 0.95 needs at least 19" in finding
    assert "series 'LGA' has 18" in finding
    assert intervals.shortage(measured, series, ["JFK", "LGA"], (0.8, 0.95), True) == []


def possible(kind: str = "standard", low: float | None = None) -> Possible:
    """Two series on different levels."""
    numbers = {"low": [[0.5], [0.5]], "high": [[900.0]] * 2, "mean": [[0.0]] * 2}
    scales = {"center": [[2.0], [3.0]], "scale": [[0.5], [1.5]], "parameter": [[1.0]] * 2}
    found = {name: np.array(value) for name, value in {**numbers, **scales}.items()}
    scaler = Scaler("series", ("sales",), (kind,), (), ("a", "b"), **found)
    return Possible(scaler, ("sales",), {"sales": Bounds(min=low)})


@pytest.mark.parametrize("kind", ["standard", "log"])
def test_bounds_in_units_hold_a_value_exactly_if_its_error_is_within_the_half_width(
    kind: str,
) -> None:
    rng = np.random.default_rng(3)
    series = np.array([0, 1] * 30)
    forecasts, errors = rng.normal(size=(2, 60, 4, 1))
    made = Intervals((0.5, 0.9), rng.random((2, 2, 4, 1)))
    scaled = possible(kind)
    low, high = made.bounds(scaled, forecasts, series)
    truth = scaled.scaler.inverse(forecasts + errors, series, ("sales",))
    inside = np.abs(errors) <= made.half_widths[:, series]
    np.testing.assert_array_equal((low <= truth) & (truth <= high), inside)
    assert 0.2 < inside.mean() < 0.8


def test_bounds_are_possible_values() -> None:
    made = Intervals((0.9,), np.full((1, 2, 1, 1), 50.0))
    low, _ = made.bounds(possible(low=0.0), np.zeros((1, 1, 1)), np.array([1]))
    assert low.item() == 0


def test_coverage_and_width_are_over_measured_values_alone() -> None:
    truth = np.array([1.0, 2.0, 9.0, np.nan]).reshape(4, 1, 1)
    ends = np.array([[0.0, 2.0, 3.0, 0.0], [1.0, 4.0, 4.0, 99.0]]).reshape(2, 1, 4, 1, 1)
    (row,) = intervals.held(ends, truth, (0.8,), ["sales"])
    assert (row["cells"], row["coverage"]) == (3, pytest.approx(2 / 3))
    assert row["width"] == pytest.approx(4 / 3)


def test_what_is_saved_is_read_back_to_the_last_bit_and_other_levels_are_rejected(
    tmp_path: Path,
) -> None:
    made = Intervals((0.8, 0.95), np.random.default_rng(2).random((2, 3, 4, 1)))
    assert intervals.read(tmp_path, ()) is None
    with pytest.raises(InputError, match=r"no intervals at forecast\.levels"):
        intervals.read(tmp_path, (0.8,))
    made.save(tmp_path)
    found = intervals.read(tmp_path, (0.8, 0.95))
    assert found is not None
    np.testing.assert_array_equal(found.half_widths, made.half_widths)
    with pytest.raises(InputError, match="dvc repro"):
        intervals.read(tmp_path, (0.8,))
