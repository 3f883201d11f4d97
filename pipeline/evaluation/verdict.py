"""The verdict: all entries in the order of their test error, with the numbers that are shown."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.core.errors import InputError
from pipeline.evaluation import claims
from pipeline.evaluation.baselines import BASELINES
from pipeline.evaluation.champion import champion
from pipeline.evaluation.claims import Judged
from pipeline.evaluation.entries import Entry, load_all
from pipeline.evaluation.evaluator import NAME, Setup
from pipeline.evaluation.marginals import Marginal, marginals
from pipeline.evaluation.metrics import Spread, skill, spread
from pipeline.evaluation.questions import Questions
from pipeline.evaluation.settings import settings
from pipeline.evaluation.statistics.conclusion import Conclusion, conclude
from pipeline.evaluation.statistics.losses import reduce


@dataclass(frozen=True)
class Result:
    """The numbers of an entry; every spread is over its seeds.

    All means are over the cells of the test windows whose truth was measured. `mse` and `mae` are
    on the standardized scale. `unit_mse`, `unit_mae` and `unit_bias`, the mean signed error, are
    per target, in the unit of the target (squared for the MSE). `skill` is relative to the best
    naive baseline.
    """

    entry: Entry
    mse: Spread
    mae: Spread
    unit_mse: Mapping[str, Spread]
    unit_mae: Mapping[str, Spread]
    unit_bias: Mapping[str, Spread]
    skill: float

    @property
    def name(self) -> str:
        """The name of the variant or baseline."""
        return self.entry.summary.name

    @property
    def is_variant(self) -> bool:
        """False for a baseline."""
        return self.entry.summary.kind == "variant"

    @property
    def scored(self) -> int:
        """The number of seeds in the means: those that were not lost."""
        return int((~self.entry.summary.lost).sum())

    @property
    def clipped(self) -> float:
        """The share of the forecasts that `forecast.limits` clipped, over the seeds with a score.

        Forecasts of masked cells count too.
        """
        forecasts = self.scored * math.prod(self.entry.standardized.shape[1:])
        return sum(self.entry.summary.clipped) / max(forecasts, 1)

    @property
    def cells(self) -> int:
        """The number of measured cells in the means of a seed."""
        return int(self.entry.scores.cells.sum())


@dataclass(frozen=True)
class Verdict:
    """All results, the lowest mean MSE first and those without one last.

    `windows` has one row per test window: series, origin, start, and its number of measured cells.
    `questions` say what is compared with what, and what counts as equal.
    """

    setup: Setup
    windows: pd.DataFrame
    results: tuple[Result, ...]
    questions: Questions

    @cached_property
    def variants(self) -> tuple[Result, ...]:
        """The variants, best first."""
        return tuple(result for result in self.results if result.is_variant)

    @cached_property
    def baselines(self) -> tuple[Result, ...]:
        """The baselines, best first."""
        return tuple(result for result in self.results if not result.is_variant)

    @cached_property
    def best(self) -> Result | None:
        """The variant with the lowest mean MSE; `None` where every seed of every variant failed."""
        return next((result for result in self.variants if result.scored), None)

    @cached_property
    def champion(self) -> Result | None:
        """The variant to use, chosen on the validation split; `best` where that cannot choose."""
        name = self._validated
        return next((result for result in self.variants if result.name == name), self.best)

    @property
    def champion_is_validated(self) -> bool:
        """Whether the champion was chosen on the validation split."""
        return self._validated is not None

    @cached_property
    def _validated(self) -> str | None:
        summaries = [each.entry.summary for each in self.variants if each.scored]
        return champion(summaries, self.questions.margin)

    @cached_property
    def conclusion(self) -> Conclusion:
        """What may be concluded from the test errors; each entry is read once, for itself."""
        _, origins = np.unique(self.windows["origin"].to_numpy(), return_inverse=True)
        losses = {
            result.name: reduce(
                result.entry.standardized, result.entry.summary.lost, origins.astype(np.int64)
            )
            for result in self.results
            if result.scored
        }
        variants, baselines = ([e.name for e in group] for group in (self.variants, self.baselines))
        asked, horizon = self.questions, self.setup.horizon
        return conclude(losses, variants, baselines, horizon, asked.margin, asked.references)

    @cached_property
    def marginals(self) -> tuple[Marginal, ...]:
        """What each value of a slot does, over all variants that differ in it alone."""
        found = {each.name: settings(each.entry.summary) for each in self.variants}
        return marginals(self.conclusion, found)

    @cached_property
    def claims(self) -> tuple[Judged, ...]:
        """The claims of the study and their outcomes, in the order of the files."""
        failed = {each.name for each in self.variants if each.entry.summary.lost.any()}
        return claims.judge(self.conclusion, self.questions.claims, failed)

    @property
    def strongest(self) -> Result:
        """The baseline with the lowest mean MSE."""
        return self.baselines[0]

    @property
    def network_wins(self) -> bool:
        """Whether the best variant has a lower mean MSE than every baseline."""
        return self.best is not None and self.best.mse.mean < self.strongest.mse.mean

    @cached_property
    def reference(self) -> Result:
        """The best naive baseline, to which skill is relative."""
        return next(result for result in self.baselines if BASELINES[result.name].naive)


def read(errors: Path, questions: Questions) -> Verdict:
    """Judge what `evaluate` wrote, reading every array of errors once.

    Raises `InputError` where `evaluate` did not finish.
    """
    if not (errors / NAME).exists():
        raise InputError(
            f"{errors}: {NAME} was not found, so there are no errors to compare; "
            "run 'dvc repro evaluate'"
        )
    windows = pd.read_parquet(errors / "windows.parquet")
    return judge(Setup.load(errors), windows, load_all(errors), questions)


def judge(
    setup: Setup, windows: pd.DataFrame, entries: Sequence[Entry], questions: Questions
) -> Verdict:
    """Put the entries in the order of their mean MSE on the standardized scale; ties by name."""
    naive = min(
        float(entry.scores.mse[0])
        for entry in entries
        if entry.summary.name in BASELINES and BASELINES[entry.summary.name].naive
    )
    results = [_result(entry, setup.targets, naive) for entry in entries]
    return Verdict(setup, windows, tuple(sorted(results, key=_rank)), questions)


def _rank(result: Result) -> tuple[bool, float, str]:
    mean = result.mse.mean if result.scored else 0.0
    return np.isnan(result.mse.mean), mean, result.name


def _result(entry: Entry, targets: Sequence[str], naive: float) -> Result:
    scores, units = entry.scores, entry.unit_scores
    mse = spread(scores.mse)
    return Result(
        entry,
        mse,
        spread(scores.mae),
        dict(zip(targets, map(spread, units.squared.by_target.T), strict=True)),
        dict(zip(targets, map(spread, units.absolute.by_target.T), strict=True)),
        dict(zip(targets, map(spread, units.signed.by_target.T), strict=True)),
        skill(mse.mean, naive),
    )
