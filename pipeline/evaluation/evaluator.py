"""The exam that every entry sits: all test windows, in batches, with the signed errors written to files."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.core import files
from pipeline.evaluation import entries
from pipeline.evaluation.baselines import ForecastTask, Starts
from pipeline.evaluation.metrics import Array

Mask = npt.NDArray[np.bool_]

BATCH = 1024  # windows forecast at once
NAME = "setup.json"


@dataclass(frozen=True)
class Setup:
    """What was asked, for whoever reads the errors later."""

    targets: tuple[str, ...]
    lookback: int
    horizon: int
    stride: int
    season_length: int
    ridge_penalty: float
    scaler: str
    scope: str

    def save(self, errors: Path) -> None:
        """Write `setup.json` into the folder of errors."""
        files.write_json(errors / NAME, asdict(self))

    @classmethod
    def load(cls, errors: Path) -> "Setup":
        """The inverse of `save`."""
        content = files.read_json(errors / NAME)
        return cls(**{**content, "targets": tuple(content["targets"])})


@dataclass(frozen=True)
class Evaluator:
    """`task` holds windows and truth; `scale` is what one standardized unit is in each target's own, per test window: (window, target)."""

    task: ForecastTask
    scale: Array

    def evaluate(self, folder: Path, lost: Mask, forecast: Callable[[Starts], Array]) -> Mask:
        """Write the errors of `forecast`, which gives (seed, batch, horizon, target) for window starts.

        `lost` marks the seeds without a forecaster, (seed,). They get NaN, as do those that give a forecast that is not finite; returns both.
        """
        starts = self.task.test
        standardized, units = entries.create(
            folder, (len(lost), len(starts), self.task.horizon, self.task.targets)
        )
        for first in range(0, len(starts), BATCH):
            part = slice(first, first + BATCH)
            with np.errstate(over="ignore", invalid="ignore"):
                errors = forecast(starts[part]) - self.task.truth(starts[part])
                standardized[:, part], units[:, part] = errors, errors * self.scale[part, None]
            lost = lost | ~np.isfinite(units[:, part]).all(axis=(1, 2, 3))
        standardized[lost], units[lost] = np.nan, np.nan
        return lost
