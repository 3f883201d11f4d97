from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from pipeline.config.variants import BASELINES as RESERVED
from pipeline.evaluation import boosting, ridge
from pipeline.evaluation.baselines import BASELINES
from pipeline.evaluation.task import ForecastTask

ROWS, TARGETS, PAST, FUTURE = 120, 2, 1, 2
FIRST_INDICATOR = TARGETS + PAST
CHANNELS = FIRST_INDICATOR + TARGETS + FUTURE
NAIVE = ("last_value", "seasonal_naive", "drift")


def make_task(
    lookback: int = 8, horizon: int = 5, season: int = 6, cut: int = 60, masked: float = 0.0
) -> ForecastTask:
    """120 rows in two segments that meet at `cut`; the second one holds the test windows.

    A share of the targets is `masked`, and filled from the row before. Each target has an
    indicator.
    """
    rng = np.random.default_rng(1)
    array = rng.normal(size=(ROWS, CHANNELS)).cumsum(axis=0).astype(np.float32)
    hidden = rng.random((ROWS, TARGETS)) < masked
    truth = np.where(hidden, np.nan, array[:, :TARGETS]).astype(np.float32)
    array[:, FIRST_INDICATOR : FIRST_INDICATOR + TARGETS] = ~hidden
    for row in range(ROWS):
        before = array[row - 1, :TARGETS] if row not in (0, cut) else 0.0
        array[row, :TARGETS] = np.where(hidden[row], before, array[row, :TARGETS])
    segment = (np.arange(ROWS) >= cut).astype(np.int32)
    last = ROWS - lookback - horizon
    return ForecastTask(
        array=array,
        truth=truth,
        series=segment,
        segment=segment,
        train=np.arange(0, cut - lookback - horizon + 1),
        validation=np.arange(cut - lookback - horizon - 8, cut - lookback - horizon + 1),
        test=np.arange(cut, last + 1),
        lookback=lookback,
        horizon=horizon,
        future_covariates=FUTURE,
        season_length=season,
        ridge_penalty=0.7,
        indicators=((0, FIRST_INDICATOR), (1, FIRST_INDICATOR + 1)),
    )


@pytest.fixture(autouse=True, scope="module")
def few_trees() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, threadpool_limits(1, "openmp"):
        patch.setitem(boosting.SETTINGS, "max_iter", 6)
        patch.setitem(boosting.SETTINGS, "min_samples_leaf", 5)
        yield


def window(task: ForecastTask, start: int, known: np.ndarray) -> np.ndarray:
    """Return the past rows of a window in `known` and the future covariates of its horizon."""
    end = start + task.lookback
    future = task.array[end : end + task.horizon, -FUTURE:]
    return np.concatenate([known[start:end].ravel(), future.ravel()]).astype(np.float64)


def answer(task: ForecastTask, start: int) -> np.ndarray:
    return task.truth[start + task.lookback : start + task.lookback + task.horizon].ravel()


def measured_rows(task: ForecastTask, start: int, target: int) -> np.ndarray:
    rows = np.arange(start, start + task.lookback)
    return rows[np.isfinite(task.truth[rows, target])]


def newest(task: ForecastTask, start: int, target: int) -> float:
    """The last measured value of the window, or else the filled one of its newest row."""
    rows = measured_rows(task, start, target)
    if len(rows):
        return float(task.truth[rows[-1], target])
    return float(task.array[start + task.lookback - 1, target])


def cell_by_cell(
    task: ForecastTask, cell: Callable[[ForecastTask, int, int, int], float]
) -> np.ndarray:
    """Return `cell(task, start, step, target)` for each test window; steps count from 1."""
    steps = range(1, task.horizon + 1)
    return np.array(
        [
            [[cell(task, int(start), step, target) for target in range(TARGETS)] for step in steps]
            for start in task.test
        ]
    )


def last_value(task: ForecastTask, start: int, step: int, target: int) -> float:
    return newest(task, start, target)


def seasonal_naive(task: ForecastTask, start: int, step: int, target: int) -> float:
    origin = start + task.lookback - 1
    row = origin + step
    while row > origin:
        row -= task.season_length
    for candidate in (row, row - task.season_length):
        inside = candidate >= 0 and task.segment[candidate] == task.segment[start]
        if inside and np.isfinite(task.truth[candidate, target]):
            return float(task.truth[candidate, target])
    return newest(task, start, target)


def drift(task: ForecastTask, start: int, step: int, target: int) -> float:
    rows = measured_rows(task, start, target)
    if len(rows) < 2:
        return newest(task, start, target)
    first, last = rows[0], rows[-1]
    slope = (float(task.truth[last, target]) - float(task.truth[first, target])) / (last - first)
    return float(task.truth[last, target]) + slope * (start + task.lookback - 1 + step - last)


def fit_cells(
    task: ForecastTask, known: np.ndarray, fit: Callable[[np.ndarray, np.ndarray], object]
) -> np.ndarray:
    """Forecast each cell by a model of its own, of the training windows where it was measured."""
    inputs = np.stack([window(task, start, known) for start in task.train])
    answers = np.stack([answer(task, start) for start in task.train])
    tested = np.stack([window(task, start, known) for start in task.test])
    cells = []
    for cell in range(answers.shape[1]):
        measured = np.isfinite(answers[:, cell])
        model = fit(inputs[measured], answers[measured, cell].astype(np.float64), cell)
        cells.append(model.predict(tested))
    return np.stack(cells, axis=1).reshape(-1, task.horizon, TARGETS)


def ridge_reference(task: ForecastTask) -> np.ndarray:
    return fit_cells(task, task.array, lambda x, y, cell: Ridge(alpha=task.ridge_penalty).fit(x, y))


def boosting_reference(task: ForecastTask) -> np.ndarray:
    known = task.array.astype(np.float64)
    known[:, :TARGETS] = task.truth
    validation = np.stack([window(task, start, known) for start in task.validation])
    checks = np.stack([answer(task, start) for start in task.validation])

    def fit(inputs: np.ndarray, answers: np.ndarray, cell: int) -> HistGradientBoostingRegressor:
        checked = np.isfinite(checks[:, cell])
        inputs[:, np.isnan(inputs).all(axis=0)] = 0.0
        model = HistGradientBoostingRegressor(**boosting.SETTINGS, early_stopping=True)
        return model.fit(inputs, answers, X_val=validation[checked], y_val=checks[checked, cell])

    return fit_cells(task, known, fit)


REFERENCES: dict[str, Callable[[ForecastTask], np.ndarray]] = {
    "last_value": partial(cell_by_cell, cell=last_value),
    "seasonal_naive": partial(cell_by_cell, cell=seasonal_naive),
    "drift": partial(cell_by_cell, cell=drift),
    "ridge": ridge_reference,
    "gradient_boosting": boosting_reference,
}
TASKS = {
    "season within the lookback": make_task(),
    "season as long as the lookback": make_task(season=8),
    "season longer than the lookback": make_task(season=20),
    "horizon longer than the season": make_task(horizon=11, season=4),
    "season longer than the segment": make_task(season=100),
    "one step": make_task(lookback=5, horizon=1, season=1),
    "half masked": make_task(masked=0.5),
    "nearly all masked": make_task(lookback=3, horizon=2, masked=0.85, season=3),
}


def test_every_baseline_has_a_reference_and_a_reserved_name() -> None:
    assert REFERENCES.keys() == BASELINES.keys() == set(RESERVED)


CASES = [(name, case) for name in (*NAIVE, "ridge") for case in TASKS]
CASES += [("gradient_boosting", case) for case in ("one step", "nearly all masked")]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_baseline_forecasts_what_its_reference_does(name: str, case: str) -> None:
    task = TASKS[case]
    forecast = BASELINES[name].fit(task).forecast(task.test)
    assert forecast.shape == (len(task.test), task.horizon, TARGETS)
    assert forecast.dtype == np.float32
    np.testing.assert_allclose(forecast, REFERENCES[name](task), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", BASELINES)
def test_a_forecast_does_not_depend_on_the_other_windows(name: str) -> None:
    task = make_task(horizon=2, season=20, masked=0.3)
    fitted = BASELINES[name].fit(task)
    alone = np.concatenate([fitted.forecast(task.test[i : i + 1]) for i in range(len(task.test))])
    np.testing.assert_allclose(fitted.forecast(task.test), alone, rtol=1e-6)


@pytest.mark.parametrize("season", [3, 20])
@pytest.mark.parametrize("name", BASELINES)
def test_no_baseline_looks_at_what_happens_after_the_origin(name: str, season: int) -> None:
    task = make_task(horizon=2, season=season, masked=0.3)
    start = task.test[len(task.test) // 2 : len(task.test) // 2 + 1]
    origin = int(start[0]) + task.lookback
    array, truth = task.array.copy(), task.truth.copy()
    array[origin:, :-FUTURE], truth[origin:] = 1e6, 1e6
    before, after = (
        BASELINES[name].fit(changed).forecast(start)
        for changed in (task, replace(task, array=array, truth=truth))
    )
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", ["ridge", "gradient_boosting"])
def test_a_fitted_baseline_sees_the_future_covariates_of_the_horizon(name: str) -> None:
    task = make_task(horizon=2)
    rng = np.random.default_rng(2)
    array, truth = task.array.copy(), task.truth.copy()
    array[:, -1] = rng.normal(size=ROWS)
    truth[:] = array[:, -1:]
    array[:, :TARGETS] = truth
    forecast = BASELINES[name].fit(replace(task, array=array, truth=truth)).forecast(task.test)
    answers = np.stack([answer(replace(task, truth=truth), start) for start in task.test])
    assert np.corrcoef(forecast.ravel(), answers.ravel())[0, 1] > 0.5


@pytest.mark.parametrize("name", NAIVE)
def test_no_naive_baseline_looks_into_another_segment(name: str) -> None:
    task = make_task(season=20, masked=0.3)
    array, truth = task.array.copy(), task.truth.copy()
    array[task.segment == 0], truth[task.segment == 0] = 1e6, 1e6
    one, two = (
        BASELINES[name].fit(changed).forecast(task.test)
        for changed in (task, replace(task, array=array, truth=truth))
    )
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", ["ridge", "gradient_boosting"])
def test_a_baseline_is_fitted_on_nothing_that_follows_the_validation_split(name: str) -> None:
    task = replace(make_task(horizon=2, masked=0.3), test=np.arange(20))
    array, truth = task.array.copy(), task.truth.copy()
    array[task.segment == 1], truth[task.segment == 1] = 1e6, 1e6
    one, two = (
        BASELINES[name].fit(changed).forecast(task.test)
        for changed in (task, replace(task, array=array, truth=truth))
    )
    np.testing.assert_array_equal(one, two)


def test_a_season_that_reaches_before_the_segment_is_counted_for_the_reader() -> None:
    task = make_task(lookback=8, season=20)
    note = BASELINES["seasonal_naive"].fit(task).note
    assert note is not None
    assert note.startswith(f"12 of {len(task.test)} windows")


def test_a_season_within_the_lookback_needs_no_note() -> None:
    assert BASELINES["seasonal_naive"].fit(make_task(season=8)).note is None


def test_a_periodic_series_is_forecast_without_error_by_the_seasonal_naive_baseline() -> None:
    task = make_task(horizon=11, season=4)
    periodic = np.resize(np.arange(4.0, dtype=np.float32), (TARGETS, ROWS)).T
    task = replace(task, truth=periodic)
    forecast = BASELINES["seasonal_naive"].fit(task).forecast(task.test)
    np.testing.assert_array_equal(forecast, task.answers(task.test))


@settings(max_examples=20, deadline=None)
@given(
    chunk=st.integers(300, 3000), memory=st.integers(1, 30_000), masked=st.sampled_from([0, 0.4])
)
def test_ridge_does_not_depend_on_chunks_and_passes(chunk: int, memory: int, masked: float) -> None:
    task = make_task(masked=masked)
    whole = BASELINES["ridge"].fit(task).forecast(task.test)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ridge, "CHUNK", chunk)
        patch.setattr(ridge, "MEMORY", memory)
        parts = BASELINES["ridge"].fit(task).forecast(task.test)
    np.testing.assert_allclose(parts, whole, atol=1e-5)


def test_ridge_hardly_depends_on_the_level() -> None:
    task, level = make_task(masked=0.3), np.float32(1e4)
    lifted = replace(
        task,
        array=np.asarray(task.array + level, np.float64),
        truth=np.asarray(task.truth + level, np.float64),
    )
    low, high = (BASELINES["ridge"].fit(one).forecast(task.test) for one in (task, lifted))
    np.testing.assert_allclose(high - level, low, atol=2e-2)


@pytest.mark.parametrize("name", ["ridge", "gradient_boosting"])
def test_a_step_that_was_never_measured_is_forecast_as_the_center_of_the_scaler(name: str) -> None:
    task = make_task(horizon=2)
    truth = task.truth.copy()
    truth[1::2, 0] = np.nan
    even = replace(task, truth=truth, train=task.train[::2], validation=task.train[1::2])
    forecast = BASELINES[name].fit(even).forecast(task.test)
    np.testing.assert_array_equal(forecast[:, 1, 0], 0.0)
    assert np.abs(forecast[:, 0]).max() > 0.1


def test_the_leaves_and_coefficients_of_a_baseline_are_its_parameters() -> None:
    task = make_task(horizon=2)
    outputs = task.horizon * TARGETS
    counts = {name: row.fit(task).parameters for name, row in BASELINES.items()}
    boosted = boosting.fit(task)
    assert counts == {
        **dict.fromkeys(NAIVE, 0),
        "ridge": (task.lookback * CHANNELS + task.horizon * FUTURE + 1) * outputs,
        "gradient_boosting": sum(boosted.trees) * boosting.LEAVES,
    }
    assert len(boosted.trees) == outputs


def test_skill_is_relative_to_a_baseline_that_fits_nothing() -> None:
    assert tuple(name for name, row in BASELINES.items() if row.naive) == NAIVE


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[ForecastTask]:
    """The tasks that gradient boosting was fitted to, instead of being read from the cache."""
    tasks: list[ForecastTask] = []
    real = boosting._boost

    def spy(task: ForecastTask) -> boosting.Boosted:
        tasks.append(task)
        return real(task)

    monkeypatch.setattr(boosting, "_boost", spy)
    return tasks


def test_gradient_boosting_is_fitted_once_for_the_same_inputs(
    fitted: list[ForecastTask], tmp_path: Path
) -> None:
    task = replace(make_task(horizon=1, masked=0.3), cache=tmp_path)
    one, two = boosting.fit(task), boosting.fit(task)
    np.testing.assert_array_equal(one.forecasts, two.forecasts)
    assert (one.trees, one.note) == (two.trees, two.note)
    assert len(fitted) == 1


def test_gradient_boosting_is_fitted_again_for_other_data_windows_and_damaged_files(
    fitted: list[ForecastTask], tmp_path: Path
) -> None:
    task = replace(make_task(horizon=1), cache=tmp_path)
    boosting.fit(task)
    boosting.fit(replace(task, truth=task.truth + 1))
    boosting.fit(replace(task, test=task.test[1:]))
    assert len(fitted) == 3
    for path in tmp_path.rglob("forecasts.npy"):
        path.write_bytes(path.read_bytes()[:-1])
    boosting.fit(task)
    assert len(fitted) == 4


def test_gradient_boosting_forecasts_the_same_bits_in_other_processes_with_one_thread_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = make_task(horizon=2, masked=0.3)
    here = boosting.fit(task).forecasts
    monkeypatch.setattr(boosting, "SMALL", 0)
    np.testing.assert_array_equal(boosting.fit(task).forecasts, here)


def test_gradient_boosting_of_more_windows_than_memory_holds_takes_every_kth_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = make_task(horizon=1)
    monkeypatch.setattr(boosting, "VALUES", 2000)
    thinned = boosting.fit(task)
    assert thinned.stride > 1
    assert f"every {thinned.stride}th training window" in thinned.note
