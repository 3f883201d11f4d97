"""The verdict as tables: `leaderboard.csv`, `metrics.json`, `horizon.csv`."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from pipeline.evaluation.metrics import Spread, spread
from pipeline.evaluation.verdict import Result, Verdict

DIGITS = 6  # significant ones


def csv(frame: pd.DataFrame) -> str:
    """Comma-separated text with fixed number formatting; what does not exist (sd of one seed, seconds of a baseline) is empty."""
    return frame.to_csv(index=False, float_format=f"%.{DIGITS}g", lineterminator="\n")


def leaderboard(verdict: Verdict) -> pd.DataFrame:
    """One row per entry, best first. `mse`, `mae` are standardized, `<target>_mse`, `<target>_mae` in the target's own unit."""
    return pd.DataFrame([_row(result) for result in verdict.results]).astype(
        {"parameters": "int64", "seeds": "int64"}
    )


def _row(result: Result) -> dict[str, Any]:
    summary = result.entry.summary
    units = [
        item
        for target in result.unit_mse
        for item in (
            *_columns(f"{target}_mse", result.unit_mse[target]),
            *_columns(f"{target}_mae", result.unit_mae[target]),
        )
    ]
    return {
        "name": summary.name,
        "kind": summary.kind,
        "family": summary.family,
        **dict(_columns("mse", result.mse)),
        **dict(_columns("mae", result.mae)),
        **dict(units),
        "skill": result.skill,
        "parameters": summary.parameters,
        "seconds_per_replica": math.nan
        if summary.seconds_per_replica is None
        else summary.seconds_per_replica,
        "seeds": len(summary.seeds),
        "state": summary.state,
    }


def _columns(name: str, value: Spread) -> Iterator[tuple[str, float]]:
    yield name, value.mean
    yield f"{name}_sd", value.sd


def metrics(verdict: Verdict) -> dict[str, Any]:
    """For `dvc metrics show` and `diff`: the best variant, then MSE, MAE and skill of every entry that has a number."""
    best = (
        {}
        if verdict.best is None
        else {"best": {"name": verdict.best.name, **_numbers(verdict.best)}}
    )
    return {
        **best,
        "variants": {
            result.name: _numbers(result) for result in verdict.variants if result.measured
        },
        "baselines": {result.name: _numbers(result) for result in verdict.baselines},
    }


def _numbers(result: Result) -> dict[str, float]:
    numbers = {"mse": result.mse.mean, "mae": result.mae.mean, "skill": result.skill}
    return {
        name: float(f"{value:.{DIGITS}g}")
        for name, value in numbers.items()
        if math.isfinite(value)
    }


def horizon(verdict: Verdict) -> pd.DataFrame:
    """Errors by horizon step, long: one row per entry and step (1 is the first), means over the seeds and `mse_sd`; best entry first."""
    return pd.concat([_steps(result) for result in verdict.results], ignore_index=True)


def _steps(result: Result) -> pd.DataFrame:
    scores, units = result.entry.scores, result.entry.unit_scores
    squared = [spread(step) for step in scores.squared.mean(axis=2).T]
    columns: dict[str, Any] = {
        "mse": [step.mean for step in squared],
        "mse_sd": [step.sd for step in squared],
        "mae": _means(scores.absolute.mean(axis=2)),
    }
    for i, target in enumerate(result.unit_mse):
        columns |= {
            f"{target}_mse": _means(units.squared[:, :, i]),
            f"{target}_mae": _means(units.absolute[:, :, i]),
        }
    summary = result.entry.summary
    head = {
        "name": summary.name,
        "kind": summary.kind,
        "family": summary.family,
        "step": np.arange(1, scores.squared.shape[1] + 1),
    }
    return pd.DataFrame({**head, **columns})


def _means(values: Any) -> list[float]:
    """Mean over the measured seeds of each horizon step: (seed, horizon) -> (horizon,)."""
    return [spread(step).mean for step in values.T]
