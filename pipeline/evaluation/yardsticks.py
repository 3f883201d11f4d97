"""Yardsticks: what errors in units are divided by, so that series and targets can be compared.

For each series and target there are the variance of the truth over the test cells, against which
R2 is measured, and the mean absolute error of the seasonal naive forecast over the training rows,
which is the denominator of MASE (Hyndman and Koehler, 2006, "Another look at measures of forecast
accuracy"). A row of the table counts once for each test window that forecasts it, as in every
error.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.evaluation.metrics import Array, Mask
from pipeline.evaluation.task import Codes, ForecastTask

NAME = "yardsticks.parquet"


def read(errors: Path) -> pd.DataFrame:
    """Read what `evaluate` wrote into the folder of errors."""
    return pd.read_parquet(errors / NAME)


def yardsticks(
    task: ForecastTask, raw: Array, training: Mask, series: Sequence[str], targets: Sequence[str]
) -> pd.DataFrame:
    """Return a row per series and target: `cells`, `mean`, `variance`, `seasonal_mae`, in units.

    `raw` (row, channel) has the targets first, `training` (row,) is true for the training rows.
    `cells` are the measured test cells. What has none, or no two training values one season apart,
    is NaN.
    """
    rows = _forecasts(task)
    bounds = np.searchsorted(task.series, np.arange(len(series) + 1))
    table = []
    for code, name in enumerate(series):
        part = slice(bounds[code], bounds[code + 1])
        for position, target in enumerate(targets):
            measured = np.isfinite(task.truth[part, position])
            values = np.where(measured, raw[part, position].astype(np.float64), np.nan)
            moments = _moments(values, rows[part])
            error = seasonal_mae(
                np.where(training[part], values, np.nan), task.segment[part], task.season_length
            )
            table.append((name, target, *moments, error))
    columns = ["series", "target", "cells", "mean", "variance", "seasonal_mae"]
    return pd.DataFrame(table, columns=columns)


def _forecasts(task: ForecastTask) -> Array:
    """Return how many test windows forecast each row, (row,)."""
    first = task.test + task.lookback
    size = len(task.truth) + 1
    begin, end = (np.bincount(at, minlength=size) for at in (first, first + task.horizon))
    return np.cumsum(begin - end)[:-1]


def _moments(values: Array, weights: Array) -> tuple[int, float, float]:
    """Return the number of measured cells, their mean and their variance."""
    counted = np.where(np.isfinite(values), weights, 0)
    cells = int(counted.sum())
    if not cells:
        return 0, np.nan, np.nan
    filled = np.nan_to_num(values)
    mean = float((counted * filled).sum() / cells)
    return cells, mean, float((counted * (filled - mean) ** 2).sum() / cells)


def seasonal_mae(values: Array, segment: Codes, season: int) -> float:
    """Return the mean absolute difference of values a season apart in one segment; NaN if none."""
    differences = np.abs(values[season:] - values[:-season])
    pairs = differences[(segment[season:] == segment[:-season]) & np.isfinite(differences)]
    return float(pairs.mean()) if len(pairs) else np.nan
