"""The verdict as tables for programs: `leaderboard.csv`, `effects.csv` and `horizon.csv`."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from pipeline.evaluation.claims import Tested
from pipeline.evaluation.entries import Summary
from pipeline.evaluation.marginals import Marginal
from pipeline.evaluation.metrics import Array, Spread, spread
from pipeline.evaluation.statistics.conclusion import Comparison
from pipeline.evaluation.statistics.planning import Needed
from pipeline.evaluation.verdict import Result, Verdict

DIGITS = 6  # significant digits
MORE = ("more_seeds", "more_origins", "times_both")
CONCLUDED = (
    *("rank", "rank_low", "rank_high", "tier", "best_set", "p_best"),
    *("reference", "effect", "effect_low", "effect_high", "answer", "detectable"),
    *MORE,
)


EFFECTS = (
    *("group", "name", "against", "pairs", "effect", "effect_low", "effect_high", "answer"),
    *("detectable", *MORE, "outcome"),
)


def csv(frame: pd.DataFrame) -> str:
    """Return comma-separated text with a fixed number format.

    What does not exist, such as the sd of one seed or the seconds of a baseline, is empty.
    """
    return frame.to_csv(index=False, float_format=f"%.{DIGITS}g", lineterminator="\n")


def leaderboard(verdict: Verdict) -> pd.DataFrame:
    """Return one row per entry, best first.

    `mse` and `mae` are on the standardized scale, `<target>_mse`, `<target>_mae` and
    `<target>_bias` in the unit of the target. They are means over so many measured `cells`, of
    which `<target>_cells` are those of a target. `clipped` is the share of all forecasts, masked
    cells included, that lay outside of `forecast.limits`. From `rank` on, a column is what may be
    concluded of a variant among the others and compared with `reference`.
    """
    table = pd.DataFrame([_row(result) for result in verdict.results])
    concluded = pd.DataFrame([_concluded(verdict, result.name) for result in verdict.results])
    return pd.concat([table, concluded], axis=1)


def _concluded(verdict: Verdict, name: str) -> dict[str, object]:
    """Return the place and the effect of a variant; what it has not is NaN."""
    found = verdict.conclusion
    known: dict[str, object] = dict.fromkeys(CONCLUDED, math.nan)
    if place := found.places.get(name):
        known |= {
            "rank": place.rank,
            "rank_low": place.rank_low,
            "rank_high": place.rank_high,
            "tier": place.tier,
            "best_set": place.best_set,
            "p_best": place.p_best,
        }
    if compared := found.effects.get(name):
        known |= {
            "reference": compared.against,
            **numbers(compared),
        }
    if name == found.reference:
        known["answer"] = "reference"
    return known


def effects(verdict: Verdict) -> pd.DataFrame:
    """Return one row per comparison, in groups whose intervals hold at once.

    Group `reference`: each variant against its reference. `baseline`: against the best baseline.
    `slot`: a value of a slot against what the reference has there, over so many `pairs` of variants
    that differ in it alone. `claim`: the two sides of a claim, with its `outcome`. Effects are
    ratios of errors minus 1.
    """
    rows = [
        {"group": each.group, "name": each.name, "against": each.against, "pairs": 1}
        | numbers(each)
        for each in verdict.conclusion.comparisons
    ]
    rows += [
        {"group": "slot", "name": each.name, "against": each.base, "pairs": len(each.pairs)}
        | numbers(each)
        for each in verdict.marginals
    ]
    rows += [
        {"group": "claim", "name": each.name, "against": " ".join(each.claim.against)}
        | {"pairs": max(len(each.claim.variants), len(each.claim.against))}
        | {"outcome": each.outcome, **numbers(each.tested)}
        for each in verdict.claims
        if each.tested
    ]
    return pd.DataFrame(rows, columns=EFFECTS)


def numbers(compared: Comparison | Marginal | Tested) -> dict[str, object]:
    """Return effect, interval and answer, and what would decide it."""
    effect = compared.effect
    return {
        "effect": effect.value,
        "effect_low": effect.low,
        "effect_high": effect.high,
        "answer": compared.answer,
        "detectable": effect.detectable,
        **_needed(compared.needed),
    }


def _needed(needed: Needed | None) -> dict[str, float]:
    """Return how much more would decide: NaN where it is decided, infinity where no number does."""
    counts = (needed.seeds, needed.origins, needed.both) if needed else (math.nan,) * 3
    more = [math.inf if count is None else float(count) for count in counts]
    return dict(zip(MORE, more, strict=True))


def _row(result: Result) -> dict[str, object]:
    summary = result.entry.summary
    bias = spread(result.entry.scores.signed.overall)
    spreads = {"mse": result.mse, "mae": result.mae, "bias": bias}
    for target in result.unit_mse:
        spreads |= {f"{target}_mse": result.unit_mse[target]}
        spreads |= {f"{target}_mae": result.unit_mae[target]}
        spreads |= {f"{target}_bias": result.unit_bias[target]}
    cells = result.entry.scores.cells.sum(axis=0)  # (target,)
    return {
        "name": summary.name,
        "kind": summary.kind,
        "family": summary.family,
        **dict(_columns(spreads)),
        "cells": result.cells,
        **{f"{target}_cells": int(n) for target, n in zip(result.unit_mse, cells, strict=True)},
        "clipped": result.clipped,
        "skill": result.skill,
        "parameters": summary.parameters,
        "seconds_per_replica": _known(summary.seconds_per_replica),
        **_times(summary),
        "seconds_to_trace": _known(summary.seconds_to_trace),
        "latency_ms": _known(summary.latency),
        "seeds": len(summary.seeds),
        "state": summary.state,
    }


def _known(value: float | None) -> float:
    return math.nan if value is None else value


def _times(summary: Summary) -> dict[str, float]:
    """Return the seconds of a replica for an epoch, and until its best one; NaN without any."""
    epochs = sum(filter(None, summary.epochs))
    bests = [best + 1 for best in summary.best_epochs if best is not None and best >= 0]
    if summary.seconds_per_replica is None or not epochs or not bests:
        return {"seconds_per_epoch": math.nan, "seconds_to_best": math.nan}
    epoch = summary.seconds_per_replica * len(summary.epochs) / epochs
    return {"seconds_per_epoch": epoch, "seconds_to_best": epoch * sum(bests) / len(bests)}


def _columns(spreads: Mapping[str, Spread]) -> Iterator[tuple[str, float]]:
    for name, value in spreads.items():
        yield name, value.mean
        yield f"{name}_sd", value.sd


def horizon(verdict: Verdict) -> pd.DataFrame:
    """Return the errors by horizon step: one row per entry and step, the best entry first.

    `step` counts from 1; errors are means over so many measured `cells`, then over the seeds, and
    `mse_sd` is their deviation.
    """
    return pd.concat([_steps(result) for result in verdict.results], ignore_index=True)


def _steps(result: Result) -> pd.DataFrame:
    summary, scores, units = result.entry.summary, result.entry.scores, result.entry.unit_scores
    squared = [spread(step) for step in scores.squared.by_step.T]
    columns: dict[str, object] = {
        "name": summary.name,
        "kind": summary.kind,
        "family": summary.family,
        "step": np.arange(1, len(squared) + 1),
        "mse": [step.mean for step in squared],
        "mse_sd": [step.sd for step in squared],
        "mae": _means(scores.absolute.by_step),
        "bias": _means(scores.signed.by_step),
        "cells": scores.cells.sum(axis=1),
    }
    for i, target in enumerate(result.unit_mse):
        columns[f"{target}_mse"] = _means(units.squared.by_step_and_target[:, :, i])
        columns[f"{target}_mae"] = _means(units.absolute.by_step_and_target[:, :, i])
        columns[f"{target}_bias"] = _means(units.signed.by_step_and_target[:, :, i])
    return pd.DataFrame(columns)


def _means(values: Array) -> list[float]:
    """Return the mean over the seeds at each horizon step: (seed, horizon) -> (horizon,)."""
    return [spread(step).mean for step in values.T]
