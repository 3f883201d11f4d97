"""`series.csv`: the errors of every entry by series and target, in the units of the targets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.evaluation.metrics import Scores, score, spread
from pipeline.evaluation.verdict import Result, Verdict

METRICS = ("mse", "mae", "rmse", "bias", "r2", "mase")


@dataclass(frozen=True)
class Yardstick:
    """The measured test cells, the mean and variance of their truth, and MASE's denominator."""

    cells: int
    mean: float
    variance: float
    seasonal_mae: float


def series_table(verdict: Verdict, yardsticks: pd.DataFrame) -> pd.DataFrame:
    """Return a row per entry, series and target, and one for all series, where `series` is missing.

    Every metric is a mean over the seeds. R2 is 1 - MSE / variance of the truth of the same cells,
    around the mean of the series, or of all series. MASE is the MAE divided by that of the seasonal
    naive forecast on the training rows of the series; for all series it is the mean over their
    cells. What is not defined is NaN.
    """
    known: dict[str, dict[str, Yardstick]] = {target: {} for target in verdict.setup.targets}
    for series, target, *facts in yardsticks.itertuples(index=False):
        known[target][series] = Yardstick(*facts)
    rows = (row for result in verdict.results for row in _rows(verdict, result, known))
    return pd.DataFrame(rows, columns=["name", "kind", "series", "target", "cells", *METRICS])


def _rows(
    verdict: Verdict, result: Result, known: Mapping[str, Mapping[str, Yardstick]]
) -> Iterator[dict[str, object]]:
    """Yield the rows of an entry."""
    scores = dict(_scores(verdict, result))
    for position, target in enumerate(verdict.setup.targets):
        facts = known[target]
        own = {name: _metrics(each, position) for name, each in scores.items()}
        scaled = {name: own[name]["mae"] / facts[name].seasonal_mae for name in own}
        named = {"name": result.name, "kind": result.entry.summary.kind, "target": target}
        for name, metrics in own.items():
            r2 = _r2(metrics["mse"], facts[name].variance)
            cells = {"series": name, "cells": facts[name].cells}
            yield {**named, **cells, **metrics, "r2": r2, "mase": scaled[name]}
        every = _metrics(result.entry.unit_scores, position)
        total, variance = _variance([facts[name] for name in own])
        counted = [name for name in own if facts[name].cells]
        sums = sum(facts[name].cells * scaled[name] for name in counted)
        r2, mase = _r2(every["mse"], variance), sums / total if total else np.nan
        yield {**named, "series": None, "cells": total, **every, "r2": r2, "mase": mase}


def _scores(verdict: Verdict, result: Result) -> Iterator[tuple[str, Scores]]:
    """Yield the scores of each series, whose windows follow each other."""
    for name, windows in verdict.windows.groupby("series", sort=True).indices.items():
        part = slice(int(windows[0]), int(windows[-1]) + 1)
        yield str(name), score(result.entry.units[:, part], result.entry.summary.lost)


def _metrics(scores: Scores, target: int) -> dict[str, float]:
    squared = scores.squared.by_target[:, target]
    by_seed = {
        "mse": squared,
        "mae": scores.absolute.by_target[:, target],
        "rmse": np.sqrt(squared),
        "bias": scores.signed.by_target[:, target],
    }
    return {name: spread(values).mean for name, values in by_seed.items()}


def _r2(mse: float, variance: float) -> float:
    return 1 - mse / variance if variance else float("nan")


def _variance(facts: list[Yardstick]) -> tuple[int, float]:
    """Return the number of cells of all series, and the variance of their truth."""
    facts = [each for each in facts if each.cells]
    total = sum(each.cells for each in facts)
    if not total:
        return 0, float("nan")
    mean = sum(each.cells * each.mean for each in facts) / total
    squares = (each.cells * (each.variance + (each.mean - mean) ** 2) for each in facts)
    return total, sum(squares) / total
