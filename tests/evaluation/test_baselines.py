from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from pipeline.evaluation import baselines
from pipeline.evaluation.baselines import BASELINES, ForecastTask

TARGETS, PAST, FUTURE = 2, 1, 2
CHANNELS = TARGETS + PAST + FUTURE


def make_task(lookback: int = 8, horizon: int = 5, season: int = 6, cut: int = 60) -> ForecastTask:
    """120 rows in two segments that meet at `cut`; the second one holds the test windows."""
    array = np.random.default_rng(1).normal(size=(120, CHANNELS)).cumsum(axis=0).astype(np.float32)
    segment = (np.arange(120) >= cut).astype(np.int32)
    last = 120 - lookback - horizon
    train, test = np.arange(0, cut - lookback - horizon + 1), np.arange(cut, last + 1)
    return ForecastTask(
        array, segment, train, test, lookback, horizon, TARGETS, FUTURE, season, ridge_penalty=0.7
    )


def window(task: ForecastTask, start: int) -> np.ndarray:
    """Return the flattened input of one window.

    Its future covariates are read `horizon` rows later.
    """
    end = start + task.lookback
    measured = task.array[start:end, : -task.future_covariates]
    calendar = task.array[start + task.horizon : end + task.horizon, -task.future_covariates :]
    return np.hstack([measured, calendar]).ravel().astype(np.float64)


def answer(task: ForecastTask, start: int) -> np.ndarray:
    return task.array[
        start + task.lookback : start + task.lookback + task.horizon, : task.targets
    ].astype(np.float64)


def last_value(task: ForecastTask) -> np.ndarray:
    return np.stack(
        [
            np.tile(task.array[start + task.lookback - 1, : task.targets], (task.horizon, 1))
            for start in task.test
        ]
    )


def seasonal_naive(task: ForecastTask) -> np.ndarray:
    forecasts = np.empty((len(task.test), task.horizon, task.targets))
    for i, start in enumerate(task.test):
        origin = start + task.lookback - 1
        for step in range(1, task.horizon + 1):
            row = origin + step
            while row > origin:
                row -= task.season_length
            here = row >= 0 and task.segment[row] == task.segment[start]
            forecasts[i, step - 1] = task.array[row if here else origin, : task.targets]
    return forecasts


def ridge(task: ForecastTask) -> np.ndarray:
    model = Ridge(alpha=task.ridge_penalty)
    model.fit(
        np.stack([window(task, start) for start in task.train]),
        np.stack([answer(task, start).ravel() for start in task.train]),
    )
    return model.predict(np.stack([window(task, start) for start in task.test])).reshape(
        -1, task.horizon, task.targets
    )


REFERENCES: dict[str, Callable[[ForecastTask], np.ndarray]] = {
    "last_value": last_value,
    "seasonal_naive": seasonal_naive,
    "ridge": ridge,
}
TASKS = {
    "season within the lookback": make_task(),
    "season as long as the lookback": make_task(season=8),
    "season longer than the lookback": make_task(season=20),
    "horizon longer than the season": make_task(horizon=11, season=4),
    "season longer than the segment": make_task(season=100),
    "one step": make_task(lookback=5, horizon=1, season=1),
}


def test_every_baseline_has_a_reference() -> None:
    assert REFERENCES.keys() == BASELINES.keys()


@pytest.mark.parametrize("case", TASKS)
@pytest.mark.parametrize("name", BASELINES)
def test_baseline_forecasts_what_its_reference_does(name: str, case: str) -> None:
    task = TASKS[case]
    forecast = BASELINES[name].fit(task).forecast(task.test)
    assert forecast.shape == (len(task.test), task.horizon, TARGETS)
    assert forecast.dtype == np.float32
    np.testing.assert_allclose(forecast, REFERENCES[name](task), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", BASELINES)
def test_a_forecast_does_not_depend_on_the_other_windows(name: str) -> None:
    task = make_task(season=20)
    fitted = BASELINES[name].fit(task)
    alone = np.concatenate([fitted.forecast(task.test[i : i + 1]) for i in range(len(task.test))])
    np.testing.assert_allclose(fitted.forecast(task.test), alone, rtol=1e-6)


@pytest.mark.parametrize("season", [3, 6, 20, 100])
@pytest.mark.parametrize("name", BASELINES)
def test_no_baseline_looks_at_what_happens_after_the_origin(name: str, season: int) -> None:
    task = make_task(season=season)
    start = task.test[len(task.test) // 2 : len(task.test) // 2 + 1]
    future = task.array.copy()
    future[int(start[0]) + task.lookback :, : TARGETS + PAST] = 1e6
    before, after = (
        BASELINES[name].fit(replace(task, array=array)).forecast(start)
        for array in (task.array, future)
    )
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", ["last_value", "seasonal_naive"])
def test_no_naive_baseline_looks_into_another_segment(name: str) -> None:
    task = make_task(season=20)
    other = task.array.copy()
    other[task.segment == 0] = 1e6
    one, two = (
        BASELINES[name].fit(replace(task, array=array)).forecast(task.test)
        for array in (task.array, other)
    )
    np.testing.assert_array_equal(one, two)


def test_ridge_is_fitted_on_training_windows_only() -> None:
    task = make_task()
    garbage = task.array.copy()
    garbage[task.segment == 1] = 1e6
    one, two = (
        BASELINES["ridge"].fit(replace(task, array=array)) for array in (task.array, garbage)
    )
    np.testing.assert_array_equal(one.forecast(task.train), two.forecast(task.train))


def test_a_season_that_reaches_before_the_segment_is_counted_for_the_reader() -> None:
    task = make_task(lookback=8, season=20)
    note = BASELINES["seasonal_naive"].fit(task).note
    assert note is not None
    assert note.startswith(f"12 of {len(task.test)} windows")


def test_a_season_within_the_lookback_needs_no_note() -> None:
    assert BASELINES["seasonal_naive"].fit(make_task(season=8)).note is None


def test_a_periodic_series_is_forecast_without_error_by_the_seasonal_naive_baseline() -> None:
    task = make_task(horizon=11, season=4)
    periodic = replace(
        task, array=np.resize(np.arange(4.0, dtype=np.float32), (CHANNELS, 120)).T.copy()
    )
    forecast = BASELINES["seasonal_naive"].fit(periodic).forecast(task.test)
    np.testing.assert_array_equal(forecast, periodic.truth(task.test))


@given(chunk=st.integers(1, 3000), level=st.sampled_from([0.0, 1e4]))
def test_ridge_does_not_depend_on_chunks_and_hardly_on_the_level(chunk: int, level: float) -> None:
    task = make_task()
    whole = BASELINES["ridge"].fit(task).forecast(task.test)
    shifted = replace(task, array=np.asarray(task.array + np.float32(level), np.float64))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(baselines, "CHUNK", chunk)
        parts = BASELINES["ridge"].fit(shifted).forecast(task.test)
    np.testing.assert_allclose(parts - level, whole, atol=2e-2 if level else 1e-5)


def test_ridge_counts_its_coefficients_and_the_naive_ones_have_none() -> None:
    task = make_task()
    outputs = task.horizon * TARGETS
    counts = {name: row.fit(task).parameters for name, row in BASELINES.items()}
    assert counts == {
        "last_value": 0,
        "seasonal_naive": 0,
        "ridge": (task.lookback * CHANNELS + 1) * outputs,
    }


def test_skill_is_relative_to_the_last_value_or_the_seasonal_naive_baseline() -> None:
    assert [name for name, row in BASELINES.items() if row.naive] == [
        "last_value",
        "seasonal_naive",
    ]
