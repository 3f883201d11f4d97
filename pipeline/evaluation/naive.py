"""Baselines that fit nothing: they copy or extend measured values of the series.

They work on the standardized scale. Every scaler is monotonic, so that a copied value is the same
copy in the unit of the target.
"""

import numpy as np

from pipeline.evaluation.metrics import Array, Mask
from pipeline.evaluation.task import ForecastTask, Starts


def last_value(task: ForecastTask, starts: Starts) -> Array:
    """Repeat the last measured value of each target at every horizon step (random walk)."""
    return np.repeat(_newest(task, starts)[:, None], task.horizon, axis=1)


def _newest(task: ForecastTask, starts: Starts) -> Array:
    """Return the last measured value in each window, (window, target).

    A window without one has the value that its newest row was filled with, the training mean.
    """
    measured = task.measured(starts)
    row = starts[:, None] + _last(measured)
    found = task.truth[row, np.arange(task.targets)]
    filled = task.array[starts + task.lookback - 1, : task.targets]
    return np.where(measured.any(axis=1), found, filled).astype(np.float32)


def _last(measured: Mask) -> Starts:
    """Return the position of the last true value along the second axis: (window, target)."""
    return np.asarray(measured.shape[1] - 1 - measured[:, ::-1].argmax(axis=1))


def seasonal_naive(task: ForecastTask, starts: Starts) -> Array:
    """Repeat the value one season earlier (Hyndman and Athanasopoulos, 2021, section 5.2).

    A horizon longer than the season repeats the last season before the origin. Where the value was
    not measured, the one of the season before takes its place; where neither was, or the segment
    does not reach back so far, the last measured value. A season longer than the lookback reaches
    back before the window, as a forecaster in use could, but never before the segment, where
    `season_length` rows are not one season of time.
    """
    forecasts = last_value(task, starts)
    for seasons in (2, 1):
        rows, reachable = season_ago(task, starts, seasons)
        values = task.truth[np.where(reachable, rows, 0)]  # (window, horizon, target)
        use = reachable[..., None] & np.isfinite(values)
        forecasts = np.where(use, values, forecasts)
    return forecasts


def season_ago(task: ForecastTask, starts: Starts, seasons: int = 1) -> tuple[Starts, Mask]:
    """Return the row that each horizon step repeats, and whether it lies in the window's segment.

    Both are (window, horizon). `seasons` is how many seasons the row lies before the step, counted
    from the last season before the origin.
    """
    steps = np.arange(task.horizon) % task.season_length - seasons * task.season_length
    rows = (starts + task.lookback)[:, None] + steps
    first = np.searchsorted(task.segment, task.segment[starts], side="left")
    return rows, rows >= first[:, None]


def seasonal_note(task: ForecastTask) -> str | None:
    """Say in how many test windows a season reaches back before the segment, if any."""
    short = int((~season_ago(task, task.test)[1].all(axis=1)).sum())
    if not short:
        return None
    return (
        f"{short} of {len(task.test)} windows follow less than one season ({task.season_length} "
        "steps) without a gap; there the last value is repeated"
    )


def drift(task: ForecastTask, starts: Starts) -> Array:
    """Continue the line from the first to the last measured value of each window.

    That is the last value plus the mean change of the window, once for each step since then
    (Hyndman and Athanasopoulos, 2021, section 5.2). With fewer than two measured values the last
    value is repeated.
    """
    measured = task.measured(starts)
    first, last = measured.argmax(axis=1), _last(measured)  # (window, target)
    target = np.arange(task.targets)
    change = (
        task.truth[starts[:, None] + last, target] - task.truth[starts[:, None] + first, target]
    )
    span = last - first
    known = measured.any(axis=1) & (span > 0)
    slope = np.divide(change, span, out=np.zeros(span.shape, np.float32), where=known)
    steps = task.lookback + np.arange(task.horizon)[:, None] - last[:, None]
    forecasts: Array = _newest(task, starts)[:, None] + slope[:, None] * steps
    return forecasts.astype(np.float32)
