from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.config.section import Bounds
from pipeline.evaluation import entries, evaluator
from pipeline.evaluation.evaluator import Evaluator, Setup
from pipeline.evaluation.task import ForecastTask
from pipeline.series.possible import Possible
from pipeline.series.scaler import Scaler

ROWS, LOOKBACK, HORIZON, TARGETS = 60, 4, 3, 2
SCALE = np.array([2.0, 50.0])
TARGET_NAMES = ("temp", "delay")


def make_scaler(*kinds: str) -> Scaler:
    """One series; the targets have these kinds, the center 0 and `SCALE`."""
    zeros, bound = np.zeros((1, TARGETS)), np.full((1, TARGETS), 1e3)
    parameter = np.array([[0.5 if kind == "power" else np.nan for kind in kinds]])
    return Scaler(
        scope="series",
        columns=TARGET_NAMES,
        kinds=kinds,
        static=(),
        names=("a",),
        center=zeros,
        scale=SCALE[None],
        parameter=parameter,
        low=-bound,
        high=bound,
        mean=zeros,
    )


def make_evaluator(
    *kinds: str, masked: float = 0.0, limits: Mapping[str, Bounds] | None = None
) -> Evaluator:
    rng = np.random.default_rng(0)
    array = rng.normal(size=(ROWS, TARGETS + 1)).astype(np.float32)
    scaler, series = make_scaler(*(kinds or ("standard",) * TARGETS)), np.zeros(ROWS, np.int32)
    raw = scaler.inverse(array[:, :TARGETS], series, TARGET_NAMES).astype(np.float32)
    hidden = rng.random((ROWS, TARGETS)) < masked
    starts = np.arange(20, ROWS - LOOKBACK - HORIZON + 1)
    task = ForecastTask(
        array=array,
        truth=np.where(hidden, np.float32(np.nan), array[:, :TARGETS]),
        series=series,
        segment=series,
        train=np.arange(10),
        validation=np.arange(10, 13),
        test=starts,
        lookback=LOOKBACK,
        horizon=HORIZON,
        future_covariates=1,
        season_length=2,
        ridge_penalty=1.0,
    )
    return Evaluator(task, raw, Possible(scaler, TARGET_NAMES, limits or {}))


@pytest.fixture
def two_targets() -> Evaluator:
    return make_evaluator()


def off_by(task: ForecastTask, *distances: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return a forecaster of one seed per distance, which is that far above the truth."""
    return lambda starts: np.stack(
        [task.answers(starts) + np.float32(distance) for distance in distances]
    )


def written(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    return np.load(folder / "standardized.npy"), np.load(folder / "units.npy")


@pytest.mark.parametrize("batch", [1, 7, 34, 1000])
def test_every_window_counts_the_last_batch_included(
    batch: int, two_targets: Evaluator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluator, "BATCH", batch)
    lost, clipped = two_targets.evaluate(
        tmp_path, np.zeros(2, bool), off_by(two_targets.task, 1.0, -2.0)
    )
    standardized, units = written(tmp_path)
    assert standardized.shape == (2, 34, HORIZON, TARGETS)
    assert standardized.dtype == units.dtype == np.float32
    np.testing.assert_allclose(standardized[0], 1.0, atol=1e-6)
    np.testing.assert_allclose(standardized[1], -2.0, atol=1e-6)
    np.testing.assert_allclose(units, standardized * SCALE, rtol=1e-4)
    assert not lost.any()
    assert not clipped.any()


def test_a_failed_seed_is_nan_whatever_it_forecasts(two_targets: Evaluator, tmp_path: Path) -> None:
    lost, _ = two_targets.evaluate(
        tmp_path, np.array([False, True]), off_by(two_targets.task, 1.0, 1.0)
    )
    for errors in written(tmp_path):
        assert np.isfinite(errors[0]).all()
        assert np.isnan(errors[1]).all()
    assert lost.tolist() == [False, True]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e38])
def test_a_seed_with_one_forecast_that_is_not_finite_has_failed(
    value: float, two_targets: Evaluator, tmp_path: Path
) -> None:
    def forecast(starts: np.ndarray) -> np.ndarray:
        result = off_by(two_targets.task, 1.0, 1.0)(starts)
        result[1, 0, -1, -1] = value
        return result

    lost, _ = two_targets.evaluate(tmp_path, np.zeros(2, bool), forecast)
    assert lost.tolist() == [False, True]
    assert np.isnan(written(tmp_path)[0][1]).all()


def test_errors_are_forecast_minus_truth(two_targets: Evaluator, tmp_path: Path) -> None:
    two_targets.evaluate(
        tmp_path,
        np.zeros(1, bool),
        lambda starts: np.zeros((1, len(starts), HORIZON, TARGETS), np.float32),
    )
    np.testing.assert_array_equal(
        written(tmp_path)[0][0], -two_targets.task.answers(two_targets.task.test)
    )


def test_errors_are_nan_where_the_truth_was_not_measured_and_no_seed_is_lost_by_that(
    tmp_path: Path,
) -> None:
    half = make_evaluator(masked=0.5)
    lost, _ = half.evaluate(
        tmp_path,
        np.zeros(2, bool),
        lambda starts: np.ones((2, len(starts), HORIZON, TARGETS), np.float32),
    )
    assert not lost.any()
    hidden = np.isnan(half.task.answers(half.task.test))
    assert 0.4 < hidden.mean() < 0.6
    for errors in written(tmp_path):
        np.testing.assert_array_equal(np.isnan(errors), np.stack([hidden, hidden]))


def test_half_of_the_cells_masked_the_numbers_are_those_of_a_plain_computation(
    tmp_path: Path,
) -> None:
    half = make_evaluator("power", "standard", masked=0.5)
    half.evaluate(
        tmp_path,
        np.zeros(2, bool),
        lambda starts: np.stack(
            [np.full((len(starts), HORIZON, TARGETS), value, np.float32) for value in (0.1, 0.2)]
        ),
    )
    summary = replace(entries.baseline("x", 0, None), states=("trained",) * 2)
    entries.save(tmp_path, summary)
    found = entries.load(tmp_path)
    rows = half.task.test[:, None] + LOOKBACK + np.arange(HORIZON)
    truth, raw = half.task.truth[rows].astype(float), half.raw[rows].astype(float)
    raw[np.isnan(truth)] = np.nan
    for seed, value in enumerate((0.1, 0.2)):
        exact = float(np.float32(value)) - truth
        bent = (value * SCALE[0] * 0.5 + 1) ** 2 - 1  # Yeo and Johnson, exponent 0.5
        units = np.array([bent, value * SCALE[1]]) - raw
        assert found.scores.mse[seed] == pytest.approx(np.nanmean(exact**2), rel=1e-5)
        assert found.scores.mae[seed] == pytest.approx(np.nanmean(np.abs(exact)), rel=1e-5)
        np.testing.assert_allclose(
            found.unit_scores.absolute.by_target[seed],
            np.nanmean(np.abs(units), axis=(0, 1)),
            rtol=1e-4,
        )
        np.testing.assert_allclose(
            found.scores.squared.by_step[seed], np.nanmean(exact**2, axis=(0, 2)), rtol=1e-5
        )
    np.testing.assert_array_equal(found.scores.cells, np.isfinite(truth).sum(axis=0))


def test_forecasts_are_clipped_to_what_is_possible_on_both_scales_and_counted(
    tmp_path: Path,
) -> None:
    bounded = make_evaluator("power", "standard", limits={"temp": Bounds(min=0.0)})
    values = np.array([-1.0, 1.0], np.float32)
    lost, clipped = bounded.evaluate(
        tmp_path,
        np.zeros(2, bool),
        lambda starts: np.broadcast_to(
            values[:, None, None, None], (2, len(starts), HORIZON, TARGETS)
        ),
    )
    windows = len(bounded.task.test)
    assert clipped.tolist() == [windows * HORIZON, 0]
    assert not lost.any()
    truth = bounded.task.answers(bounded.task.test)
    standardized, units = written(tmp_path)
    raw = bounded.raw[bounded.task.test[:, None] + LOOKBACK + np.arange(HORIZON)]
    np.testing.assert_allclose(units[0, ..., 0], -raw[..., 0], rtol=1e-5)  # 0 - raw
    np.testing.assert_allclose(standardized[0, ..., 0], -truth[..., 0], atol=1e-6)
    np.testing.assert_array_equal(standardized[0, ..., 1], values[0] - truth[..., 1])
    np.testing.assert_array_equal(standardized[1], values[1] - truth)


def test_the_setup_is_read_as_it_was_written(tmp_path: Path) -> None:
    limits = {"a": {"min": 0.0, "max": None}}
    kinds = ("robust", "log")
    setup = Setup(("a", "b"), 24, 6, 1, 24, "as given", 0.5, kinds, "global", limits)
    setup.save(tmp_path)
    assert Setup.load(tmp_path) == setup
    assert entries.load_all(tmp_path) == ()
