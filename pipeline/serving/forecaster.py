"""A forecaster: the trained seeds of one variant as an ensemble, from recent rows to forecasts."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from pipeline.config.data import Data, FromFilename
from pipeline.config.sections import Forecast, bound_column
from pipeline.config.validation import Validate
from pipeline.core import manifest
from pipeline.core.errors import InputError
from pipeline.core.files import read_json
from pipeline.evaluation import intervals
from pipeline.evaluation.intervals import Intervals
from pipeline.series.features import Block, Features
from pipeline.series.possible import Possible
from pipeline.series.windows import Inputs, gather
from pipeline.serving import recent
from pipeline.serving.bundle import read_card
from pipeline.serving.form import Form
from pipeline.serving.recent import Recent
from pipeline.tables.rows import Array

SERIES = "series"  # the column of a table in memory whose series are otherwise names of files


class Network(Protocol):
    """What `pipeline.training.engine.ensemble.Ensemble` offers."""

    def forecast(self, past: Array, future: Array) -> Array:
        """Return forecasts (seed, window, horizon, target), standardized.

        `past` is (window, lookback, channel), `future` (window, horizon, future covariate).
        """


@dataclass(frozen=True)
class Answer:
    """Forecasts, a row for each series and step, and sentences about how they were made."""

    table: pd.DataFrame
    remarks: Sequence[str]


@dataclass(frozen=True, eq=False)
class Predicted:
    """Forecasts in units, (window, horizon, target) float64, and which of them limits have changed.

    `bounds` are those of the intervals, (lower and upper, level, window, horizon, target), if the
    forecaster has some.
    """

    values: Array
    clipped: Array
    bounds: Array | None


@dataclass(frozen=True)
class Forecaster:
    """Forecasts with the mean over the `members`, which are positions of the network's seeds.

    The network forecasts standardized values: each seed's are clipped to what is possible, and
    their mean is converted to units. If `raw` is true, the network's inputs are not standardized.
    """

    form: Form
    features: Features
    possible: Possible
    network: Network
    members: list[int]
    raw: bool
    intervals: Intervals | None = None

    @classmethod
    def load(cls, folder: Path) -> "Forecaster":
        """Read what `bundle.build` wrote; raises `InputError` if one of its files was changed."""
        # Importing TensorFlow takes seconds, which those who only build a forecaster do not need.
        from pipeline.training.engine.ensemble import Ensemble

        card = read_card(folder)
        manifest.verify(folder, "promote again (`python -m pipeline.promote`)")
        data = Data.model_validate({**card["data"], "path": "recent rows"})
        features = Features.load(folder, data)
        form = Form(
            data,
            Validate.model_validate(card["validate"]),
            card["frequency"],
            card["lookback"],
            card["horizon"],
            features.scaler.names,
            features.roles.future + features.roles.future_categories,
        )
        limits = Forecast.model_validate(card["forecast"]).limits
        possible = Possible(features.scaler, data.targets, limits)
        raw = read_json(folder / "fleet.json")["model"]["input"]["values"] == "raw"
        network, members = Ensemble.load(folder), card["members"]
        return cls(form, features, possible, network, members, raw, intervals.load(folder))

    def forecast(self, table: pd.DataFrame) -> pd.DataFrame:
        """Forecast each series of a table of recent rows, in its units.

        The result has one row per series and horizon step, and columns named as in the table; the
        bounds of the prediction intervals have names such as `sales-lo-80` and `sales-hi-80`. Of
        the rows that hold measured values, the last `lookback` of each series matter; rows after
        them give the future covariates. Raises `InputError` with every finding about rows that
        cannot be forecast from.
        """
        data = self.form.data
        if isinstance(data.series, FromFilename):
            data = data.model_copy(update={"series": SERIES})
        forecaster = replace(self, form=replace(self.form, data=data))
        with tempfile.TemporaryDirectory() as scratch:
            path = _save(table, Path(scratch))
            try:
                return forecaster.forecast_file(path).table
            except InputError as error:
                findings = [finding.replace(str(path), "input") for finding in error.findings]
                raise InputError(*findings) from None

    def forecast_file(self, path: Path, future: Path | None = None) -> Answer:
        """Forecast from a file or folder of recent rows, as described at `forecast`.

        A further file or folder `future` may give the future covariates.
        """
        windows = recent.read(self.form, path, future)
        try:
            channels = self.prepare(windows.block)
        except InputError as error:
            raise InputError(*(f"{path}: {finding}" for finding in error.findings)) from None
        inputs = self.gather(channels, windows.starts)
        predicted = self.predict(inputs, windows.block.series[windows.starts])
        remarks = [*windows.remarks, *self._clipped(predicted.clipped)]
        return Answer(self._table(windows, predicted), remarks)

    def prepare(self, block: Block) -> Array:
        """Return the channels that the network sees of the rows of a block, (row, channel).

        Raises `InputError` for values that training cannot have seen.
        """
        prepared = self.features.prepare(block)
        return prepared.raw if self.raw else prepared.standardized

    def gather(self, channels: Array, starts: Array) -> Inputs:
        """Return the inputs of the windows that start at the rows `starts` (window,)."""
        ahead = len(self.features.channels.future_covariates)
        return gather(channels, starts, self.form.lookback, self.form.horizon, ahead)

    def predict(self, inputs: Inputs, series: Array) -> "Predicted":
        """Return the mean forecasts of windows, of the `series` (window,).

        These are positions in the names of the scaler.
        """
        forecasts = self.network.forecast(*inputs)[self.members]
        forecasts, _, clipped = self.possible.clip(forecasts, series)
        mean = forecasts.mean(axis=0, dtype=np.float64)
        units = self.features.scaler.inverse(mean, series, self.form.data.targets)
        bounds = None
        if self.intervals:
            bounds = self.intervals.bounds(self.possible, mean, series)
        return Predicted(self.possible.within(units), np.asarray(clipped.any(axis=0)), bounds)

    def _table(self, windows: Recent, predicted: "Predicted") -> pd.DataFrame:
        """Return the forecasts, and the bounds of their intervals, as a table."""
        data, columns = self.form.data, dict[str, object]()
        if data.series is not None:
            names = np.array(windows.series, object)
            columns[data.series_column or SERIES] = np.repeat(names, self.form.horizon)
        columns[data.time_name] = pd.DatetimeIndex(windows.times.reshape(-1)).tz_localize("UTC")
        for i, target in enumerate(data.targets):
            columns[target] = predicted.values[:, :, i].reshape(-1)
        if self.intervals and predicted.bounds is not None:
            for place, level in enumerate(self.intervals.levels):
                for i, end in product(range(len(data.targets)), range(2)):
                    name = bound_column(data.targets[i], end, level)
                    columns[name] = predicted.bounds[end, place, :, :, i].reshape(-1)
        return pd.DataFrame(columns)

    def _clipped(self, clipped: Array) -> list[str]:
        """Return what is said about forecasts (window, horizon, target) that limits changed."""
        counts = zip(self.form.data.targets, clipped.sum(axis=(0, 1)).tolist(), strict=True)
        total = clipped[..., 0].size
        return [
            f"{count} of {total} forecasts of {target} were clipped to forecast.limits"
            for target, count in counts
            if count
        ]


def _save(table: pd.DataFrame, folder: Path) -> Path:
    """Write a table to a file, so that it is read like any other; mixed types become text."""
    columns = {
        str(name): column.map(str, na_action="ignore") if column.dtype == object else column
        for name, column in table.items()
    }
    path = folder / "input.parquet"
    pd.DataFrame(columns).to_parquet(path, index=False)
    return path
