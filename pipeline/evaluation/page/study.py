"""What the page is made of: the verdict, and what else is shown beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.evaluation import horizon_figure
from pipeline.evaluation.metrics import Array
from pipeline.evaluation.report_data import Source
from pipeline.evaluation.verdict import Result, Verdict
from pipeline.tables import rows

ARRAYS = ("raw", "truth")


@dataclass(frozen=True)
class Truth:
    """The targets in their own units, where they were measured, and the time of each row.

    `raw` (row, channel) has the targets first, filled where `measured` (row, target) is NaN.
    """

    raw: Array
    measured: Array
    times: rows.Array  # (row,) datetime64[ns], UTC

    @classmethod
    def read(cls, standardized: Path) -> "Truth":
        """Open what the stage `standardize` wrote; the arrays are memory-mapped."""
        raw, truth = (np.load(standardized / f"{name}.npy", mmap_mode="r") for name in ARRAYS)
        return cls(raw, truth, rows.read(standardized / "rows.parquet").times)

    def values(self, part: slice) -> Array:
        """Return the first target in some rows, (row,), NaN where it was not measured."""
        return np.where(np.isfinite(self.measured[part, 0]), self.raw[part, 0], np.nan)


@dataclass(frozen=True)
class Study:
    """A verdict with what else the page shows.

    `histories` holds the epochs of each variant, with `seed`, `epoch` from 0 and `validation_loss`.
    Hours are those of `zone`.
    """

    verdict: Verdict
    source: Source
    truth: Truth
    zone: str
    histories: Mapping[str, pd.DataFrame]

    @cached_property
    def reference(self) -> Result | None:
        """The variant that the others are compared with, if it is in the study."""
        name = self.verdict.conclusion.reference
        return next((result for result in self.verdict.variants if result.name == name), None)

    @cached_property
    def best_set(self) -> frozenset[str]:
        """The names of the variants that cannot be told from the best."""
        return frozenset(self.verdict.conclusion.best_set)

    @cached_property
    def shown(self) -> Sequence[Result]:
        """The few entries of a figure with lines.

        These are the best variants, the reference, and the best baseline.
        """
        verdict = self.verdict
        few = [*horizon_figure.best(verdict), self.reference, verdict.strongest]
        named = {result.name: result for result in few if result and result.scored}
        return tuple(named.values())


def read(verdict: Verdict, source: Source, zone: str, standardized: Path, models: Path) -> Study:
    """Read what is beside a verdict: the standardized table and the trained models."""
    paths = {result.name: models / result.name / "history.parquet" for result in verdict.variants}
    histories = {name: pd.read_parquet(path) for name, path in paths.items()}
    return Study(verdict, source, Truth.read(standardized), zone, histories)
