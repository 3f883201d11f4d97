"""What the decisions were worth: the errors, month by month, of the forecasters in use."""

from pathlib import Path

import numpy as np
import pandas as pd

from examples.deliveries import months
from pipeline.config import params, paths
from pipeline.serving import promotion
from pipeline.serving.bundle import read_card
from pipeline.serving.replay import run_replay
from pipeline.tables import cleaning, rows
from pipeline.tables.rows import Array

STRIDE = 6  # rows from one origin to the next


def join(log: pd.DataFrame, truth: pd.DataFrame, raw: Path) -> pd.DataFrame:
    """Return the log with the mean absolute error, in minutes, of the champion and the first model.

    Both forecast the true rows of each month, the champion that which the month before has left.
    The present folder is the project, whose table at `raw` is replaced by the `truth`.
    """
    settings, places = params.read(Path("params.yaml")), paths.read()
    truth.to_csv(raw, index=False)
    cleaning.clean(settings.data, settings.validate_, raw, made(Path("truth")))
    registry = promotion.open_registry(settings, places)
    errors = {}
    for version in registry.versions():
        files = registry.fetch(version)
        errors[version.number] = by_month(files.code, files.model, Path("truth/table.parquet"))
    last = log.groupby("month")["champion"].last()
    used = last.shift(1).dropna().to_dict()  # month -> the version that the month before has left
    first = str(last.iloc[0])
    champion = {month: errors[version][month] for month, version in used.items()}
    frozen = {month: errors[first][month] for month in used}
    return log.assign(
        champion_error=log["month"].map(champion), frozen_error=log["month"].map(frozen)
    )


def made(folder: Path) -> Path:
    """Create the folder and return it."""
    folder.mkdir()
    return folder


def by_month(code: Path, model: Path, table: Path) -> dict[int, float]:
    """Return the mean absolute error of a forecaster in each month."""
    card, index = read_card(model), rows.read(table)
    (target,) = card["targets"]
    starts = origins(index.segment, card["lookback"] + card["horizon"])
    forecasts = run_replay(code, model, table, starts)[:, :, 0]  # (window, horizon)
    steps = starts[:, None] + np.arange(card["lookback"], card["lookback"] + card["horizon"])
    errors = np.abs(forecasts - rows.column(table, target)[steps])  # NaN where nothing left
    times = pd.DataFrame({"time_hour": index.times[steps[:, 0]]})
    return pd.DataFrame(errors).mean(axis=1).groupby(months(times)).mean().to_dict()


def origins(segment: Array, length: int) -> Array:
    """Return the first rows of the windows of this length that lie in one segment."""
    first = np.arange(0, len(segment) - length + 1, STRIDE)
    whole: Array = first[segment[first] == segment[first + length - 1]]
    return whole
