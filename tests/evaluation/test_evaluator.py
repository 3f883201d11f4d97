from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluation import entries, evaluator
from pipeline.evaluation.baselines import ForecastTask
from pipeline.evaluation.evaluator import Evaluator, Setup

LOOKBACK, HORIZON, TARGETS = 4, 3, 2
SCALE = np.array([2.0, 50.0])


@pytest.fixture
def two_targets() -> Evaluator:
    array = np.random.default_rng(0).normal(size=(60, TARGETS + 1)).astype(np.float32)
    starts = np.arange(20, 60 - LOOKBACK - HORIZON + 1)
    task = ForecastTask(
        array,
        np.zeros(60, np.int32),
        np.arange(10),
        starts,
        LOOKBACK,
        HORIZON,
        TARGETS,
        future_covariates=1,
        season_length=2,
        ridge_penalty=1.0,
    )
    return Evaluator(task, np.tile(SCALE, (len(starts), 1)))


def off_by(task: ForecastTask, *distances: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return a forecaster of one seed per distance, which is that far above the truth."""
    return lambda starts: np.stack(
        [task.truth(starts) + np.float32(distance) for distance in distances]
    )


def written(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    return np.load(folder / "standardized.npy"), np.load(folder / "units.npy")


@pytest.mark.parametrize("batch", [1, 7, 34, 1000])
def test_every_window_counts_the_last_batch_included(
    batch: int, two_targets: Evaluator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluator, "BATCH", batch)
    failed = two_targets.evaluate(tmp_path, np.zeros(2, bool), off_by(two_targets.task, 1.0, -2.0))
    standardized, units = written(tmp_path)
    assert standardized.shape == (2, 34, HORIZON, TARGETS)
    assert standardized.dtype == units.dtype == np.float32
    np.testing.assert_allclose(standardized[0], 1.0, atol=1e-6)
    np.testing.assert_allclose(standardized[1], -2.0, atol=1e-6)
    np.testing.assert_allclose(units, standardized * SCALE, rtol=1e-6)
    assert not failed.any()


def test_a_failed_seed_is_nan_whatever_it_forecasts(two_targets: Evaluator, tmp_path: Path) -> None:
    failed = two_targets.evaluate(
        tmp_path, np.array([False, True]), off_by(two_targets.task, 1.0, 1.0)
    )
    for errors in written(tmp_path):
        assert np.isfinite(errors[0]).all()
        assert np.isnan(errors[1]).all()
    assert failed.tolist() == [False, True]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e38])
def test_a_seed_with_one_forecast_that_is_not_finite_has_failed(
    value: float, two_targets: Evaluator, tmp_path: Path
) -> None:
    def forecast(starts: np.ndarray) -> np.ndarray:
        result = off_by(two_targets.task, 1.0, 1.0)(starts)
        result[1, 0, -1, -1] = value
        return result

    assert two_targets.evaluate(tmp_path, np.zeros(2, bool), forecast).tolist() == [False, True]
    assert np.isnan(written(tmp_path)[0][1]).all()


def test_errors_are_forecast_minus_truth(two_targets: Evaluator, tmp_path: Path) -> None:
    two_targets.evaluate(
        tmp_path,
        np.zeros(1, bool),
        lambda starts: np.zeros((1, len(starts), HORIZON, TARGETS), np.float32),
    )
    np.testing.assert_array_equal(
        written(tmp_path)[0][0], -two_targets.task.truth(two_targets.task.test)
    )


def test_the_setup_is_read_as_it_was_written(tmp_path: Path) -> None:
    setup = Setup(("a", "b"), 24, 6, 1, 24, 0.5, "robust", "global")
    setup.save(tmp_path)
    assert Setup.load(tmp_path) == setup
    assert entries.load_all(tmp_path) == ()
