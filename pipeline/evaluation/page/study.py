"""What the page is made of: the verdict, and the tables and facts beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.core import files
from pipeline.evaluation import horizon_figure
from pipeline.evaluation.metrics import Array
from pipeline.evaluation.report_data import Source
from pipeline.evaluation.verdict import Result, Verdict
from pipeline.tables import rows

ARRAYS = ("raw", "truth")
PLAIN = "plain"  # the variant that others are compared with where the verdict names none


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

    `leaderboard` has a row per entry; `effects` has one per comparison, and `facts` are those of
    `verdict.json`: both are empty where no effects were estimated. `histories` holds the epochs of
    each variant, with `seed`, `epoch` from 0 and `validation_loss`. Hours are those of `zone`.
    """

    verdict: Verdict
    source: Source
    truth: Truth
    zone: str
    leaderboard: pd.DataFrame
    histories: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    effects: pd.DataFrame = field(default_factory=pd.DataFrame)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def reference(self) -> Result | None:
        """The variant that the others are compared with, if it is in the study."""
        name = self.facts.get("reference", PLAIN)
        return next((result for result in self.verdict.variants if result.name == name), None)

    @cached_property
    def best_set(self) -> frozenset[str]:
        """The names of the variants that cannot be told from the best; the best alone if unknown.

        It is empty where no variant has a score.
        """
        best = self.verdict.best
        known = self.facts.get("best_set", [best.name] if best else [])
        return frozenset(map(str, known))

    @cached_property
    def shown(self) -> Sequence[Result]:
        """The few entries of a figure with lines.

        These are the best variants, the reference, and the best baseline.
        """
        verdict = self.verdict
        few = [*horizon_figure.best(verdict), self.reference, verdict.strongest]
        named = {result.name: result for result in few if result and result.scored}
        return tuple(named.values())


def read(
    verdict: Verdict, source: Source, zone: str, folders: Mapping[str, Path], written: Path
) -> Study:
    """Read what is beside a verdict.

    `folders` are those of the `standardized` table and of the trained `models`; `written` is that
    of the verdict, with its tables.
    """
    effects, facts = written / "effects.csv", written / "verdict.json"
    return Study(
        verdict,
        source,
        Truth.read(folders["standardized"]),
        zone,
        _table(written / "leaderboard.csv"),
        _histories(verdict, folders["models"]),
        _table(effects) if effects.exists() else pd.DataFrame(),
        files.read_json(facts) if facts.exists() else {},
    )


def _table(path: Path) -> pd.DataFrame:
    """Read a table in which a name may be any text, `NA` too."""
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def _histories(verdict: Verdict, models: Path) -> Mapping[str, pd.DataFrame]:
    paths = {result.name: models / result.name / "history.parquet" for result in verdict.variants}
    return {name: pd.read_parquet(path) for name, path in paths.items()}
