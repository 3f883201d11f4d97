"""A forecaster: the trained seeds of one variant as an ensemble, and all that it takes to go from recent rows to forecasts in real units.

It is a folder: `params.json` (columns, which holes are filled, frequency, lookback, horizon), `scaler.json`, `channels.json`, `fleet.json` (the network)
and `weights.npz` (seed, ...). Nothing in it is pickled, equal contents are equal bytes, and each file is checked against its hash when it is read.
"""

import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from pipeline.config.params import Params
from pipeline.config.sections import Data, Validate
from pipeline.core.errors import InputError
from pipeline.core.files import new_file, new_folder, read_json, write_json
from pipeline.series import calendar
from pipeline.series.scaler import Scaler
from pipeline.series.windows import align
from pipeline.serving import recent
from pipeline.serving.recent import Form, Recent
from pipeline.tables import frequency, rows
from pipeline.tables.rows import Array
from pipeline.training.jobs.fingerprint import digest

FILES = ("scaler.json", "channels.json", "fleet.json", "weights.npz")
BATCH = 1024  # windows at a time; bounds memory, changes no result


class Replicas(Protocol):
    """What `pipeline.training.engine.ensemble.Ensemble` is."""

    def forecast(self, inputs: Array) -> Array:
        """(window, lookback, channel) -> (seed, window, horizon, target), standardized."""


def build(
    params: Params,
    frequency: str,
    variant: Path,
    members: Sequence[int],
    standardized: Path,
    out: Path,
) -> None:
    """Write the forecaster of a trained variant's folder into the folder `out`; `members` are the positions of the seeds that take part."""
    with new_folder(out) as draft:
        for file in (
            standardized / "scaler.json",
            standardized / "channels.json",
            variant / "fleet.json",
            variant / "weights.npz",
        ):
            shutil.copyfile(file, draft / file.name)
        facts = {
            "variant": variant.name,
            "members": list(members),
            "data": params.data.model_dump(mode="json", exclude={"path", "rows"}),
            "validate": params.validate_.model_dump(
                mode="json", include={"gaps", "missing", "limits"}
            ),
            "frequency": frequency,
            "lookback": params.window.lookback,
            "horizon": params.window.horizon,
            "sha256": {name: digest(draft / name) for name in FILES},
        }
        write_json(draft / "params.json", facts)


@dataclass(frozen=True)
class Forecaster:
    """`replicas` forecast standardized values; the mean over `members`, which are positions of seeds, is undone by `scaler`."""

    form: Form
    horizon: int
    scaler: Scaler
    replicas: Replicas
    members: list[int]
    raw: bool  # the network is fed unscaled values

    @classmethod
    def load(cls, folder: Path) -> "Forecaster":
        """Read a folder that `build` wrote; raises `InputError` where a file is not the one that was written."""
        from pipeline.training.engine.ensemble import (
            Ensemble,  # TensorFlow, seconds: not for those who only build
        )

        facts = read_json(folder / "params.json")
        changed = [
            name
            for name, known in facts["sha256"].items()
            if not (folder / name).exists() or digest(folder / name) != known
        ]
        if changed:
            raise InputError(
                *(
                    f"{folder / name}: is not the file that was promoted; promote again (python -m pipeline.promote)"
                    for name in changed
                )
            )
        scaler = Scaler.from_json(read_json(folder / "scaler.json"))
        data = Data.model_validate({**facts["data"], "path": "recent rows"})
        form = Form(
            data,
            Validate.model_validate(facts["validate"]),
            facts["frequency"],
            facts["lookback"],
            scaler.names,
        )
        raw = read_json(folder / "fleet.json")["model"]["input"]["values"] == "raw"
        return cls(form, facts["horizon"], scaler, Ensemble.load(folder), facts["members"], raw)

    def forecast(self, table: pd.DataFrame | Path) -> pd.DataFrame:
        """Forecast each series of recent rows in real units: one row per series and horizon step, columns named as in the table.

        The last `lookback` rows of a series count. Raises `InputError` with every finding about rows that cannot be forecast from.
        """
        if isinstance(table, pd.DataFrame):
            with tempfile.TemporaryDirectory() as scratch:
                path = _file(table, Path(scratch))
                try:
                    return self.forecast(path)
                except InputError as refusal:
                    raise InputError(
                        *(finding.replace(str(path), "input") for finding in refusal.findings)
                    ) from None
        return self.continued(self.read(table))

    def read(self, path: Path) -> Recent:
        """The windows to forecast from, in a file or folder of recent rows; raises `InputError` with every finding about them."""
        return recent.read(self.form, path)

    def continued(self, given: Recent) -> pd.DataFrame:
        """What follows the windows, as `forecast` gives it."""
        return self._table(
            given.series,
            self._ahead(given.times),
            self.answer(given.series, given.times, given.values),
        )

    def answer(self, series: Sequence[str], times: Array, values: Array) -> Array:
        """Mean forecasts (window, horizon, target) for windows: series (window,), times (window, lookback), values (window, lookback, column).

        Values and forecasts are float64 in real units, times datetime64[ns] in UTC.
        """
        codes = np.array([self.scaler.names.index(name) for name in series])
        measured = values if self.raw else self.scaler.transform(values, codes)
        steps = np.concatenate([times, self._ahead(times)], axis=1)  # (window, lookback + horizon)
        future = calendar.channels(steps.reshape(-1), self.form.data.calendar)
        future = future.reshape(*steps.shape, -1)
        past = np.pad(measured, ((0, 0), (0, self.horizon), (0, 0)))  # nothing is measured ahead
        rows = np.concatenate([past, future], axis=2).astype(np.float32)
        inputs = align(rows, self.horizon, future.shape[2])[:, : self.form.lookback]
        forecasts = self.replicas.forecast(inputs)
        return self.scaler.inverse(
            forecasts[self.members].mean(axis=0, dtype=np.float64), codes, self.form.data.targets
        )

    def _ahead(self, times: Array) -> Array:
        """The times that are forecast, (window, horizon), for the times of windows (window, lookback)."""
        offset = frequency.read(self.form.frequency)
        origins = (
            pd.DatetimeIndex(times[:, -1]).tz_localize("UTC").tz_convert(self.form.data.time_zone)
        )
        steps = (
            pd.date_range(origin, periods=self.horizon + 1, freq=offset)[1:] for origin in origins
        )
        return np.stack(
            [step.tz_convert("UTC").tz_localize(None).as_unit("ns").to_numpy() for step in steps]
        )

    def _table(self, series: Sequence[str], times: Array, forecasts: Array) -> pd.DataFrame:
        data, rows = self.form.data, forecasts.shape[0] * forecasts.shape[1]
        names = (
            {data.series: np.repeat(np.array(series, object), self.horizon)} if data.series else {}
        )
        moments = {data.time: pd.DatetimeIndex(times.reshape(-1)).tz_localize("UTC")}
        return pd.DataFrame(
            {
                **names,
                **moments,
                **dict(zip(data.targets, forecasts.reshape(rows, -1).T, strict=True)),
            }
        )


def replay(folder: Path, table: Path, starts: Path, out: Path) -> None:
    """Answer for the windows of a clean table that begin at the rows `starts` (.npy); writes `out` (.npy), (window, horizon, target) in real units."""
    forecaster = Forecaster.load(folder)
    index = rows.read(table)
    measured = np.stack(
        [rows.column(table, column) for column in forecaster.form.data.columns], axis=1
    )  # (row, column)
    windows = np.load(starts)[:, None] + np.arange(forecaster.form.lookback)
    answers = []
    for first in range(0, len(windows), BATCH):
        part = windows[first : first + BATCH]
        series = [index.names[code] for code in index.series[part[:, 0]]]
        answers.append(forecaster.answer(series, index.times[part], measured[part]))
    with new_file(out) as draft:
        np.save(draft, np.concatenate(answers))


def _file(table: pd.DataFrame, folder: Path) -> Path:
    """Rows in memory as a file, so that they are read and refused as any other; a column of mixed types becomes text."""
    path = folder / "input.parquet"
    columns = {
        str(name): column.map(str, na_action="ignore") if column.dtype == object else column
        for name, column in table.items()
    }
    pd.DataFrame(columns).to_parquet(path, index=False)
    return path


if (
    __name__ == "__main__"
):  # for the gate, which asks a champion with the code that was registered with it
    replay(*map(Path, sys.argv[1:]))
