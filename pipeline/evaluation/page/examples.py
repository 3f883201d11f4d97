"""A few forecasts beside the truth: the origins with the least, the middle and the largest error.

Forecasts are not stored; each is the truth plus its signed error, where the truth was measured.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.evaluation.entries import Entry
from pipeline.evaluation.metrics import Array
from pipeline.evaluation.page.study import Study
from pipeline.evaluation.verdict import Result

FORECAST, TRUTH = "forecast, mean of the seeds", "truth"


@dataclass(frozen=True)
class Example:
    """The lookback and the horizon of one test window, for the first target.

    `lines` has `time`, `value`, `low`, `high` and `line`, which is `TRUTH`, `FORECAST` or the name
    of a baseline; `low` and `high` are those of the seeds. `mse` is that of the window, a mean over
    seeds.
    """

    title: str
    series: str
    origin: str
    mse: float
    lines: pd.DataFrame


def examples(study: Study) -> list[Example]:
    """Return three test windows of the best variant whose cells are all measured, if there are any.

    They have the least, the median and the largest MSE of these windows.
    """
    best = study.verdict.best
    if best is None:
        return []
    errors = window_errors(best.entry)
    whole = np.flatnonzero(np.isfinite(errors))
    order = whole[np.argsort(errors[whole], kind="stable")]
    picks = {"least": 0, "median": len(order) // 2, "largest": len(order) - 1}
    chosen = {title: int(order[at]) for title, at in picks.items() if len(order)}
    return [_example(study, best, window, title, errors) for title, window in chosen.items()]


def window_errors(entry: Entry) -> Array:
    """Return the MSE of each window, (window,), NaN where some cell is not measured."""
    kept = np.flatnonzero(~entry.summary.lost)
    total = np.zeros(entry.standardized.shape[1])
    for seed in kept:
        total += np.square(entry.standardized[seed], dtype=np.float64).mean(axis=(1, 2))
    return np.asarray(total / len(kept))


def _example(study: Study, best: Result, window: int, title: str, errors: Array) -> Example:
    row, setup = study.verdict.windows.iloc[window], study.verdict.setup
    start = int(row["start"])
    after = slice(start + setup.lookback, start + setup.lookback + setup.horizon)
    seen = {TRUTH: study.truth.values(slice(start, after.stop))[None]}
    ahead = {
        label: study.truth.values(after)
        + result.entry.units[~result.entry.summary.lost, window, :, 0]
        for label, result in _forecasters(study, best).items()
    }
    times = pd.DatetimeIndex(study.truth.times).tz_localize("UTC")
    zoned = times[start : after.stop].tz_convert(study.zone).tz_localize(None)
    lines = [*_lines(seen, zoned), *_lines(ahead, zoned[setup.lookback :])]
    origin = f"{zoned[setup.lookback - 1]:%Y-%m-%d %H:%M}"
    table = pd.concat(lines, ignore_index=True)
    return Example(title, str(row["series"]), origin, float(errors[window]), table)


def _forecasters(study: Study, best: Result) -> Mapping[str, Result]:
    strongest = study.verdict.strongest
    return {FORECAST: best, strongest.name: strongest}


def _lines(values: Mapping[str, Array], times: pd.DatetimeIndex) -> Iterator[pd.DataFrame]:
    """Yield a table for each line, whose values are (seed, time)."""
    for line, each in values.items():
        yield pd.DataFrame(
            {
                "time": times.strftime("%Y-%m-%dT%H:%M:%S"),
                "value": each.mean(axis=0),
                "low": each.min(axis=0),
                "high": each.max(axis=0),
                "line": line,
            }
        )
