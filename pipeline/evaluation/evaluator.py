"""The evaluation that every entry goes through: all test windows, in batches.

The signed errors are written to files as they arise (`pipeline/evaluation/entries.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from pipeline.core import files
from pipeline.evaluation import entries
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

    def _raw(self, starts: Starts) -> Array:
        """Return what is to be forecast in units, (window, horizon, target), filled cells too."""
        rows = starts[:, None] + self.task.lookback + np.arange(self.task.horizon)
        return np.asarray(self.raw[rows, : self.task.targets])
