"""The evaluation that every entry goes through: all test windows, in batches.

The signed errors are written to files as they arise (`pipeline/evaluation/entries.py`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from pipeline.config.sections import Forecast
from pipeline.core import files
from pipeline.core.errors import InputError
from pipeline.evaluation import entries, intervals
from pipeline.evaluation.intervals import Intervals
from pipeline.evaluation.metrics import Array, Counts, Mask
from pipeline.evaluation.task import ForecastTask, Starts
from pipeline.series.possible import Possible

BATCH = 1024  # windows that are forecast at once
NAME = "setup.json"


@dataclass(frozen=True)
class Setup:
    """What was evaluated, for whoever reads the errors later.

    `scalers` are the kinds of the targets, `season` says where the season length is from, and
    `limits` are those of the forecasts.
    """

    targets: tuple[str, ...]
    lookback: int
    horizon: int
    stride: int
    season_length: int
    season: str
    ridge_penalty: float
    scalers: tuple[str, ...]
    scope: str
    limits: Mapping[str, Mapping[str, float | None]]

    def save(self, errors: Path) -> None:
        """Write `setup.json` into the folder of errors."""
        files.write_json(errors / NAME, asdict(self))

    @classmethod
    def load(cls, errors: Path) -> "Setup":
        """Read `setup.json` from the folder of errors."""
        content = files.read_json(errors / NAME)
        lists = {name: tuple(value) for name, value in content.items() if isinstance(value, list)}
        return cls(**{**content, **lists})


@dataclass(frozen=True)
class Evaluator:
    """The test windows with their truth, on both scales.

    `raw` (row, channel) has the targets first, in their own units. Forecasts are held to what is
    `possible`.
    """

    task: ForecastTask
    raw: Array
    possible: Possible

    def evaluate(
        self, folder: Path, lost: Mask, forecast: Callable[[Starts], Array]
    ) -> tuple[Mask, Counts]:
        """Write the errors of `forecast` into `folder`.

        `forecast` maps window starts (window,) to (seed, window, horizon, target). Seeds without a
        forecaster are marked in `lost`, (seed,). Errors are NaN where the truth was not measured;
        all errors are NaN for a lost seed, and for one with a forecast that is not finite. Returns
        which seeds are lost after all, and how many forecasts of each were clipped, both (seed,).
        """
        starts = self.task.test
        shape = (len(lost), len(starts), self.task.horizon, self.task.targets)
        standardized, units = entries.create(folder, shape)
        counts = np.zeros(len(lost), np.int64)
        for first in range(0, len(starts), BATCH):
            part = slice(first, first + BATCH)
            truth, series = self.task.answers(starts[part]), self.task.series[starts[part]]
            with np.errstate(over="ignore", invalid="ignore"):
                forecasts = forecast(starts[part])
                held, in_units, clipped = self.possible.clip(forecasts, series)
                standardized[:, part] = held - truth
                unit_errors = in_units - self._raw(starts[part])
                units[:, part] = np.where(np.isfinite(truth), unit_errors, np.nan)
                finite = np.isfinite(forecasts) & np.isfinite(in_units.astype(np.float32))
            lost = lost | ~finite.all(axis=(1, 2, 3))
            counts += clipped.sum(axis=(1, 2, 3))
        standardized[lost], units[lost] = np.nan, np.nan
        counts[lost] = 0
        return lost, counts

    def check_levels(self, settings: Forecast, names: Sequence[str]) -> None:
        """Raise `InputError` for each level that the validation windows are too few for."""
        starts = np.asarray(self.task.validation)
        measured, series = np.isfinite(self.task.answers(starts)), self.task.series[starts]
        pooled = settings.pool_series
        if found := intervals.shortage(measured, series, names, settings.levels, pooled):
            raise InputError(*found)

    def write_intervals(
        self,
        folder: Path,
        forecast: Callable[[Starts], Array],
        members: Starts,
        settings: Forecast,
        count: int,
    ) -> tuple[dict[str, object], ...]:
        """Write the intervals of the mean forecast of the seeds `members` (positions).

        The test errors are in `folder` already. Returns what the intervals hold of the test values;
        nothing, and nothing is written, if a validation forecast is not finite.
        """
        found = self._calibrate(forecast, members, settings, count)
        if found is None:
            return ()
        found.save(folder)
        errors = np.load(folder / "standardized.npy", mmap_mode="r")[members]
        return tuple(self._held(found, errors.mean(axis=0, dtype=np.float64)))

    def _calibrate(
        self, forecast: Callable[[Starts], Array], members: Starts, settings: Forecast, count: int
    ) -> Intervals | None:
        """Return the intervals of the mean forecast of the seeds `members`, positions.

        They are those of the validation windows, of `count` series, and `None` if a forecast there
        is not finite.
        """
        starts, parts = np.asarray(self.task.validation), []
        for first in range(0, len(starts), BATCH):
            part = starts[first : first + BATCH]
            with np.errstate(over="ignore", invalid="ignore"):
                held = self.possible.clip(forecast(part)[members], self.task.series[part])[0]
            if not np.isfinite(held).all():
                return None
            parts.append(held.mean(axis=0, dtype=np.float64) - self.task.answers(part))
        series = self.task.series[starts]
        errors = np.concatenate(parts)
        return intervals.calibrate(errors, series, count, settings.levels, settings.pool_series)

    def _held(self, found: Intervals, errors: Array) -> Iterator[dict[str, object]]:
        """Yield what the intervals hold of the test values.

        `errors` (window, horizon, target) are the standardized ones of the mean forecast.
        """
        starts = np.asarray(self.task.test)
        truth, series = self.task.answers(starts), self.task.series[starts]
        bounds = found.bounds(self.possible, errors + truth, series)
        units = np.where(np.isfinite(truth), self._raw(starts), np.nan)
        return intervals.held(bounds, units, found.levels, self.possible.targets)

    def _raw(self, starts: Starts) -> Array:
        """Return what is to be forecast in units, (window, horizon, target), filled cells too."""
        rows = starts[:, None] + self.task.lookback + np.arange(self.task.horizon)
        return np.asarray(self.raw[rows, : self.task.targets])
