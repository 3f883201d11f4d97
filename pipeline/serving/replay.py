"""Replaying the test windows: forecasters forecast them as they would in use.

`ReplayWindows` runs a forecaster in a separate process, with the code that was registered with it,
and returns its errors; `replay` is what runs there, as `python -m pipeline.forecast --replay`.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.config.paths import Paths
from pipeline.core.errors import InputError
from pipeline.core.files import new_file, read_json
from pipeline.evaluation.verdict import Verdict
from pipeline.series.features import Block
from pipeline.series.scaler import Scaler
from pipeline.serving.bundle import read_card
from pipeline.serving.forecaster import Forecaster
from pipeline.serving.process import run_module
from pipeline.tables import rows
from pipeline.tables.rows import Array, Rows

BATCH = 1024  # windows at a time; it bounds the memory and does not change the results


@dataclass(frozen=True)
class ReplayWindows:
    """The windows of the test split; `starts` (window,) are rows of the clean `table`."""

    table: Path
    index: Rows
    starts: Array
    lookback: int
    horizon: int
    targets: Sequence[str]
    scaler: Scaler

    @classmethod
    def read(cls, paths: Paths, verdict: Verdict) -> "ReplayWindows":
        """Read the windows that the stage `evaluate` has evaluated."""
        table, setup = paths.clean / "table.parquet", verdict.setup
        return cls(
            table,
            rows.read(table),
            verdict.windows["start"].to_numpy(),
            setup.lookback,
            setup.horizon,
            setup.targets,
            Scaler.from_json(read_json(paths.standardized / "scaler.json")),
        )

    @property
    def origins(self) -> Array:
        """The time of the last row that each window sees, (window,)."""
        origins: Array = self.index.times[self.starts + self.lookback - 1]
        return origins

    def answerable(self, lookback: int, series: Sequence[str]) -> Array:
        """Return (window,) true where a forecaster of this lookback and these series can forecast.

        Its window ends at the same origin, so a longer lookback may begin before the segment.
        """
        first = self.starts + self.lookback - lookback
        segment = self.index.segment
        in_segment = (first >= 0) & (segment[np.maximum(first, 0)] == segment[self.starts])
        has_series = np.isin(self.index.names, series)[self.index.series[self.starts]]
        answerable: Array = in_segment & has_series
        return answerable

    def errors(self, code: Path, folder: Path, selected: Array) -> Array:
        """Return the standardized errors (window, horizon, target) of the forecaster in `folder`.

        They are NaN where the truth is masked. The forecaster is run with the package in `code`, on
        the windows where `selected` (window,) is true.
        """
        starts = self.starts[selected]
        first = starts + self.lookback - read_card(folder)["lookback"]
        forecasts = run_replay(code, folder, self.table, first)
        steps = starts[:, None] + np.arange(self.lookback, self.lookback + self.horizon)
        columns = [rows.column(self.table, target) for target in self.targets]
        truth = np.stack(columns, axis=1)[steps]
        series = self.index.series[starts]
        forecasts = self._with_logarithm(forecasts, series)
        scaled: list[Array] = [
            self.scaler.transform(values, series, self.targets) for values in (forecasts, truth)
        ]
        return scaled[0] - scaled[1]

    def _with_logarithm(self, forecasts: Array, series: Array) -> Array:
        """Return the forecasts, those that have no logarithm raised to the least training value.

        A forecaster of another scale may forecast what has none on the present one.
        """
        positions = [self.scaler.columns.index(target) for target in self.targets]
        low = self.scaler.low[:, positions][series][:, None]  # (window, 1, target)
        offset = self.scaler.parameter[:, positions][series][:, None]
        logarithmic = np.array([self.scaler.kinds[position] == "log" for position in positions])
        return np.where(logarithmic & (forecasts + offset <= 0), low, forecasts)


def run_replay(code: Path, folder: Path, table: Path, starts: Array) -> Array:
    """Run `replay` with the package in `code`; return the forecasts (window, horizon, target).

    The command line is the one interface that every registered version has to keep. Raises
    `InputError` if the process fails, or a forecast is not finite.
    """
    with tempfile.TemporaryDirectory() as scratch:
        windows, forecasts = Path(scratch) / "starts.npy", Path(scratch) / "forecasts.npy"
        np.save(windows, starts)
        options = {
            "--forecaster": folder,
            "--input": table,
            "--replay": windows,
            "--output": forecasts,
        }
        arguments = [word for name, path in options.items() for word in (name, str(path.resolve()))]
        done = run_module(code, "pipeline.forecast", *arguments)
        if done.failed:
            raise InputError(f"{folder}: could not be run: {str(done).splitlines()[-1]}")
        answers: Array = np.load(forecasts)
    if not np.isfinite(answers).all():
        raise InputError(f"{folder}: some of its forecasts of the test windows are not finite")
    return answers


def replay(folder: Path, table: Path, starts: Path, out: Path) -> None:
    """Forecast the windows of a clean table that begin at the rows in the file `starts` (.npy).

    Every window sees what it would see in training, future covariates of the horizon included.
    Writes the forecasts (window, horizon, target), in the table's units, to the file `out` (.npy).
    """
    forecaster = Forecaster.load(folder)
    index, trained = rows.read(table), forecaster.form.series
    columns = {name: rows.column(table, name) for name in forecaster.form.data.columns}
    selected = np.isin(index.names, trained)[index.series]  # (row,)
    codes = [trained.index(name) if name in trained else -1 for name in index.names]
    block = Block(
        {name: values[selected] for name, values in columns.items()},
        np.array(codes)[index.series[selected]],
        index.times[selected],
    )
    channels = forecaster.prepare(block)
    windows = np.cumsum(selected)[np.load(starts)] - 1
    forecasts = []
    for first in range(0, len(windows), BATCH):
        batch = windows[first : first + BATCH]
        inputs = forecaster.gather(channels, batch)
        forecasts.append(forecaster.predict(inputs, block.series[batch]).values)
    with new_file(out) as draft:
        np.save(draft, np.concatenate(forecasts))
