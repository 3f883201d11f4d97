"""The evaluation that every entry goes through: all test windows, in batches.

The signed errors are written to files as they arise (`pipeline/evaluation/entries.py`).
"""

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

BATCH = 1024  # windows that are forecast at once
NAME = "setup.json"


@dataclass(frozen=True)
class Setup:
    """What was evaluated, for whoever reads the errors later."""

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
        """Read `setup.json` from the folder of errors."""
        content = files.read_json(errors / NAME)
        return cls(**{**content, "targets": tuple(content["targets"])})


@dataclass(frozen=True)
class Evaluator:
    """The test windows with their truth, and the size of a standardized unit in each.

    `scale` is (window, target): one standardized unit in the unit of the target.
    """

    task: ForecastTask
    scale: Array

    def evaluate(self, folder: Path, failed: Mask, forecast: Callable[[Starts], Array]) -> Mask:
        """Write the errors of `forecast` into `folder`; return which seeds have failed, (seed,).

        `forecast` maps window starts (window,) to (seed, window, horizon, target). Seeds without a
        forecaster are marked in `failed`, (seed,). Their errors are NaN, as are those of seeds with
        a forecast that is not finite, which count as failed too.
        """
        starts = self.task.test
        shape = (len(failed), len(starts), self.task.horizon, self.task.targets)
        standardized, units = entries.create(folder, shape)
        for first in range(0, len(starts), BATCH):
            part = slice(first, first + BATCH)
            with np.errstate(over="ignore", invalid="ignore"):
                errors = forecast(starts[part]) - self.task.truth(starts[part])
                standardized[:, part] = errors
                units[:, part] = errors * self.scale[part, None]
            failed = failed | ~np.isfinite(units[:, part]).all(axis=(1, 2, 3))
        standardized[failed], units[failed] = np.nan, np.nan
        return failed
