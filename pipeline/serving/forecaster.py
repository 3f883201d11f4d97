"""A forecaster: the trained seeds of one variant as an ensemble, from recent rows to forecasts.

It is a folder with everything that a forecast needs: `params.json` (the `Card`), `scaler.json`,
`channels.json`, `fleet.json` (the network), `weights.npz` (seed, ...) and `manifest.json`, against
which the other files are checked when they are read. Nothing is pickled, and equal contents are
equal bytes.
"""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypedDict

import numpy as np
import pandas as pd

from pipeline.config.data import Data
from pipeline.config.params import Params
from pipeline.config.validation import Validate
from pipeline.core import manifest
from pipeline.core.errors import InputError
from pipeline.core.files import new_folder, read_json, write_json
from pipeline.series import calendar
from pipeline.series.scaler import Scaler
from pipeline.series.windows import align
from pipeline.serving import recent
from pipeline.serving.recent import Form, Recent
from pipeline.tables import frequency
from pipeline.tables.rows import Array

CARD = "params.json"
FORMAT = 1  # of the folder; the gate of a later release recognizes what it can compare with


class Card(TypedDict):
    """What `params.json` holds. `members` are the positions of the seeds that take part.

    The gate of a later release reads `format`, `targets`, `series`, `lookback` and `horizon`.
    """

    format: int
    variant: str
    members: list[int]
    targets: list[str]
    series: list[str]
    lookback: int
    horizon: int
    frequency: str
    data: Mapping[str, object]
    validate: Mapping[str, object]


class Network(Protocol):
    """What `pipeline.training.engine.ensemble.Ensemble` offers."""

    def forecast(self, inputs: Array) -> Array:
        """Map (window, lookback, channel) to (seed, window, horizon, target), standardized."""


def build(
    params: Params,
    frequency: str,
    variant: Path,
    members: Sequence[int],
    standardized: Path,
    out: Path,
) -> None:
    """Write the forecaster of the trained `variant` (a folder) to the folder `out`.

    `members` are the positions of the seeds that take part; `standardized` is the folder that the
    stage of this name wrote.
    """
    with new_folder(out) as draft:
        for name in ("scaler.json", "channels.json"):
            shutil.copyfile(standardized / name, draft / name)
        for name in ("fleet.json", "weights.npz"):
            shutil.copyfile(variant / name, draft / name)
        data, rules = params.data, params.validate_
        card: Card = {
            "format": FORMAT,
            "variant": variant.name,
            "members": list(members),
            "targets": list(data.targets),
            "series": list(Scaler.from_json(read_json(draft / "scaler.json")).names),
            "lookback": params.window.lookback,
            "horizon": params.window.horizon,
            "frequency": frequency,
            "data": data.model_dump(mode="json", exclude={"path", "rows"}),
            "validate": rules.model_dump(mode="json", include={"max_gap", "missing", "limits"}),
        }
        write_json(draft / CARD, card)
        manifest.write(draft)


def read_card(folder: Path) -> Card:
    """Read a forecaster's card.

    Raises `InputError` if `folder` holds no forecaster, or one of another format.
    """
    if not (folder / CARD).exists():
        raise InputError(
            f"{folder}: is not the folder of a forecaster, {CARD} was not found; check the path"
        )
    card: Card = read_json(folder / CARD)
    if card.get("format") != FORMAT:
        raise InputError(
            f"{folder / CARD}: the format is {card.get('format')}, expected {FORMAT}: another "
            "release of this pipeline wrote this forecaster"
        )
    return card


@dataclass(frozen=True)
class Forecaster:
    """Forecasts with the mean over the `members`, which are positions of the network's seeds.

    The network forecasts standardized values, and `scaler` converts them to the table's units. If
    `raw` is true, the network's inputs are not standardized.
    """

    form: Form
    horizon: int
    scaler: Scaler
    network: Network
    members: list[int]
    raw: bool

    @classmethod
    def load(cls, folder: Path) -> "Forecaster":
        """Read a folder that `build` wrote; raises `InputError` if one of its files was changed."""
        # Importing TensorFlow takes seconds, which those who only build a forecaster do not need.
        from pipeline.training.engine.ensemble import Ensemble

        card = read_card(folder)
        manifest.verify(folder, "promote again (`python -m pipeline.promote`)")
        scaler = Scaler.from_json(read_json(folder / "scaler.json"))
        form = Form(
            Data.model_validate({**card["data"], "path": "recent rows"}),
            Validate.model_validate(card["validate"]),
            card["frequency"],
            card["lookback"],
            scaler.names,
        )
        raw = read_json(folder / "fleet.json")["model"]["input"]["values"] == "raw"
        return cls(form, card["horizon"], scaler, Ensemble.load(folder), card["members"], raw)

    def forecast(self, table: pd.DataFrame | Path) -> pd.DataFrame:
        """Forecast each series of a table of recent rows, in its units.

        The result has one row per series and horizon step, and columns named as in the table. Only
        the last `lookback` rows of each series matter. Raises `InputError` with every finding about
        rows that cannot be forecast from.
        """
        if isinstance(table, Path):
            return self.forecast_from(self.read(table))
        with tempfile.TemporaryDirectory() as scratch:
            path = _save(table, Path(scratch))
            try:
                return self.forecast(path)
            except InputError as error:
                findings = [finding.replace(str(path), "input") for finding in error.findings]
                raise InputError(*findings) from None

    def read(self, path: Path) -> Recent:
        """Read a file or folder of recent rows; raises `InputError` with every finding."""
        return recent.read(self.form, path)

    def forecast_from(self, windows: Recent) -> pd.DataFrame:
        """Return the table of what follows the windows, as described at `forecast`."""
        values = self.predict(windows.series, windows.times, windows.values)
        data, times = self.form.data, self._future_times(windows.times)
        columns: dict[str, object] = {}
        if data.series_column:
            columns[data.series_column] = np.repeat(np.array(windows.series, object), self.horizon)
        columns[data.time_name] = pd.DatetimeIndex(times.reshape(-1)).tz_localize("UTC")
        for i, target in enumerate(data.targets):
            columns[target] = values[:, :, i].reshape(-1)
        return pd.DataFrame(columns)

    def predict(self, series: Sequence[str], times: Array, values: Array) -> Array:
        """Return the mean forecasts (window, horizon, target) for windows.

        `series` is (window,), `times` (window, lookback) datetime64[ns] in UTC, and `values`
        (window, lookback, column). Values and forecasts are float64 in the table's units.
        """
        codes = np.array([self.scaler.names.index(name) for name in series])
        measured = values if self.raw else self.scaler.transform(values, codes)
        steps = np.concatenate([times, self._future_times(times)], axis=1)
        future = calendar.channels(steps.reshape(-1), self.form.data.calendar)
        future = future.reshape(*steps.shape, -1)  # (window, lookback + horizon, channel)
        # Nothing is measured after the origin, and `align` does not look at it there.
        past = np.pad(measured, ((0, 0), (0, self.horizon), (0, 0)))
        channels = np.concatenate([past, future], axis=2).astype(np.float32)
        inputs = align(channels, self.horizon, future.shape[2])[:, : self.form.lookback]
        mean = self.network.forecast(inputs)[self.members].mean(axis=0, dtype=np.float64)
        return self.scaler.inverse(mean, codes, self.form.data.targets)

    def _future_times(self, times: Array) -> Array:
        """Return the times of the forecasts (window, horizon) for times (window, lookback)."""
        offset, zone = frequency.read(self.form.frequency), self.form.data.time_zone
        origins = pd.DatetimeIndex(times[:, -1]).tz_localize("UTC").tz_convert(zone)
        steps = [pd.date_range(at, periods=self.horizon + 1, freq=offset)[1:] for at in origins]
        in_utc = [step.tz_convert("UTC").tz_localize(None).as_unit("ns") for step in steps]
        return np.stack([step.to_numpy() for step in in_utc])


def _save(table: pd.DataFrame, folder: Path) -> Path:
    """Write a table to a file, so that it is read like any other; mixed types become text."""
    columns = {
        str(name): column.map(str, na_action="ignore") if column.dtype == object else column
        for name, column in table.items()
    }
    path = folder / "input.parquet"
    pd.DataFrame(columns).to_parquet(path, index=False)
    return path
