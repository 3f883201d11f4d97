"""Errors by group, read once and in pieces: by series, and by the hour that is forecast."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from pipeline.evaluation.entries import Entry
from pipeline.evaluation.metrics import Array, Counts, pieces
from pipeline.evaluation.page.study import Study

SERIES_SHOWN = 20
Codes = Callable[[slice], Counts]  # windows -> the group of each cell, (window, horizon)


def by_series(study: Study) -> pd.DataFrame:
    """Return the MSE of the shown entries in each series: `name`, `series`, `mse`, `cells`.

    Of many series, those with the highest error of the first entry are kept.
    """
    windows, horizon = study.verdict.windows, study.verdict.setup.horizon
    codes, names = pd.factorize(windows["series"], sort=True)
    table = _table(
        study,
        [str(name) for name in names],
        lambda part: np.repeat(codes[part, None], horizon, axis=1),
        "series",
    )
    first = table[table["name"] == table["name"].iloc[0]] if len(table) else table
    worst = first.nlargest(SERIES_SHOWN, "mse")["series"]
    return table[table["series"].isin(worst)]


def by_hour(study: Study) -> pd.DataFrame:
    """Return the MSE of the shown entries by hour of day: `name`, `hour`, `mse`, `cells`.

    The hour, 0 to 23, is that of the forecast time in the zone of the study. The table is empty
    where all times have the same hour, as those of daily data.
    """
    windows, setup = study.verdict.windows, study.verdict.setup
    first = windows["start"].to_numpy() + setup.lookback
    hours = pd.DatetimeIndex(study.truth.times).tz_localize("UTC").tz_convert(study.zone).hour
    every = np.asarray(hours)

    def codes(part: slice) -> Counts:
        return np.asarray(every[first[part, None] + np.arange(setup.horizon)], np.int64)

    table = _table(study, list(range(24)), codes, "hour")
    return table if table["hour"].nunique() > 1 else table.iloc[:0]


def _table(study: Study, groups: Sequence[object], codes: Codes, label: str) -> pd.DataFrame:
    """Return the MSE of each shown entry in each group that has measured cells."""
    columns = ["name", label, "mse", "cells"]
    lines = [
        (result.name, group, total / count, int(count) // result.scored)
        for result in study.shown
        for group, total, count in zip(
            groups, *_sums(result.entry, codes, len(groups)), strict=True
        )
        if count
    ]
    return pd.DataFrame(lines, columns=columns)


def _sums(entry: Entry, codes: Codes, groups: int) -> tuple[Array, Array]:
    """Return the sum of squared errors and the number of cells of each group, over all seeds."""
    sums, cells = np.zeros((2, groups))
    for part, squared in _pieces(entry):
        flat = codes(part).ravel()
        total = np.nansum(squared, axis=(0, 3)).ravel()
        count = np.isfinite(squared).sum(axis=(0, 3)).ravel()
        sums += np.bincount(flat, total, groups)
        cells += np.bincount(flat, count, groups)
    return sums, cells


def _pieces(entry: Entry) -> Iterator[tuple[slice, Array]]:
    """Yield windows and their squared errors (seed, window, horizon, target), lost seeds left out.

    The errors are on the standardized scale.
    """
    errors, kept = entry.standardized, ~entry.summary.lost
    for part in pieces(errors):
        yield part, np.square(errors[:, part][kept].astype(np.float64))
