"""R2 and MASE of made-up errors, against scikit-learn and against the definition."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score

from pipeline.evaluation.entries import Entry
from pipeline.evaluation.series_table import series_table
from pipeline.evaluation.task import ForecastTask
from pipeline.evaluation.verdict import Verdict
from pipeline.evaluation.yardsticks import seasonal_mae, yardsticks

ROWS, LOOKBACK, HORIZON, SEASON = 60, 4, 3, 5
NAMES = ("JFK", "LGA")


def make_task(truth: np.ndarray) -> ForecastTask:
    """Two series of 60 rows, of which the first 30 are for training, in two segments each."""
    starts = np.arange(30, ROWS - LOOKBACK - HORIZON + 1)
    none = np.empty(0, np.int64)
    return ForecastTask(
        array=truth,
        truth=truth,
        series=np.repeat([0, 1], ROWS),
        segment=np.repeat([0, 1, 2, 3], ROWS // 2),
        train=none,
        validation=none,
        test=np.concatenate([starts, starts + ROWS]),
        lookback=LOOKBACK,
        horizon=HORIZON,
        future_covariates=0,
        season_length=SEASON,
        ridge_penalty=1.0,
    )


@pytest.fixture
def task() -> ForecastTask:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(2 * ROWS, 1)).astype(np.float32)
    truth[[40, 41, 77]] = np.nan
    return make_task(truth)


@pytest.fixture
def raw(task: ForecastTask) -> np.ndarray:
    levels = np.repeat([100.0, 500.0], ROWS)[:, None]
    return np.nan_to_num(task.truth) * 7 + levels


@pytest.fixture
def known(task: ForecastTask, raw: np.ndarray) -> pd.DataFrame:
    training = np.tile(np.arange(ROWS) < ROWS // 2, 2)
    return yardsticks(task, raw, training, NAMES, ["temp"])


@pytest.fixture
def entry(task: ForecastTask, variant: Callable[..., Entry]) -> Entry:
    shape = (2, len(task.test), HORIZON, 1)
    errors = np.random.default_rng(1).normal(0.5, 1, shape).astype(np.float32)
    errors[:, np.isnan(task.answers(task.test))] = np.nan
    return replace(variant("plain", [1.0, 1.0]), standardized=errors, units=errors * 7)


@pytest.fixture
def table(
    task: ForecastTask, known: pd.DataFrame, entry: Entry, judged: Callable[..., Verdict]
) -> pd.DataFrame:
    series = np.array(NAMES)[task.series[task.test]]
    verdict = judged(entry)
    alone = [result for result in verdict.results if result.name == "plain"]
    windows = pd.DataFrame({"series": series})
    return series_table(replace(verdict, windows=windows, results=tuple(alone)), known)


@pytest.mark.parametrize("series", [*NAMES, None])
def test_r2_is_that_of_scikit_learn_over_the_measured_cells(
    series: str | None, table: pd.DataFrame, task: ForecastTask, raw: np.ndarray, entry: Entry
) -> None:
    rows = task.test[:, None] + LOOKBACK + np.arange(HORIZON)
    of = (
        np.ones(len(rows), bool)
        if series is None
        else task.series[task.test] == NAMES.index(series)
    )
    measured = np.isfinite(task.answers(task.test)[of])[..., 0]
    truth = raw[rows[of], 0][measured]
    scores = [r2_score(truth, truth + errors[of][..., 0][measured]) for errors in entry.units]
    row = table[table["series"].isna() if series is None else table["series"] == series].iloc[0]
    assert row["cells"] == measured.sum()
    assert row["r2"] == pytest.approx(np.mean(scores), rel=1e-5)
    errors = entry.units[:, of][..., 0][:, measured].astype(np.float64)
    assert row["bias"] == pytest.approx(errors.mean(), rel=1e-5)
    assert row["rmse"] == pytest.approx(np.sqrt((errors**2).mean(axis=1)).mean(), rel=1e-5)


def test_mase_divides_by_the_seasonal_naive_error_of_the_training_rows(
    table: pd.DataFrame, raw: np.ndarray, known: pd.DataFrame
) -> None:
    scales = []
    for code in (0, 1):
        training = raw[code * ROWS : code * ROWS + ROWS // 2, 0].copy()
        training[[77 - ROWS] if code else []] = np.nan
        scales.append(np.nanmean(np.abs(training[SEASON:] - training[:-SEASON])))
    assert known["seasonal_mae"].tolist() == pytest.approx(scales)
    own, every = table.iloc[:2], table.iloc[2]
    assert own["mase"].tolist() == pytest.approx((own["mae"] / scales).tolist())
    mean = np.average(own["mase"], weights=own["cells"])
    assert every["mase"] == pytest.approx(mean)


def test_differences_of_a_season_do_not_cross_a_gap_and_need_two_values() -> None:
    values, segment = np.array([0.0, 1.0, 9.0, 4.0]), np.array([0, 0, 1, 1])
    assert seasonal_mae(values, segment, 1) == 3.0
    assert np.isnan(seasonal_mae(values, segment, 2))


def test_a_series_without_a_measured_test_cell_is_in_no_mean(task: ForecastTask) -> None:
    truth = task.truth.copy()
    truth[ROWS:] = np.nan
    found = yardsticks(make_task(truth), truth, np.ones(2 * ROWS, bool), NAMES, ["temp"])
    assert found["cells"].tolist()[1] == 0
    assert found.loc[1, ["mean", "variance", "seasonal_mae"]].isna().all()


def test_a_failed_variant_has_rows_without_numbers(
    known: pd.DataFrame,
    task: ForecastTask,
    variant: Callable[..., Entry],
    judged: Callable[..., Verdict],
) -> None:
    shape = (1, len(task.test), HORIZON, 1)
    errors = np.full(shape, np.nan, np.float32)
    failed = replace(variant("plain", [float("nan")]), standardized=errors, units=errors)
    verdict = judged(failed)
    windows = pd.DataFrame({"series": np.array(NAMES)[task.series[task.test]]})
    alone = tuple(result for result in verdict.results if result.name == "plain")
    table = series_table(replace(verdict, windows=windows, results=alone), known)
    assert len(table) == 3
    assert table[["mse", "mae", "rmse", "r2", "mase"]].isna().all(axis=None)
