"""The verdict in a few lines of Markdown, beside the runs in MLflow: of the study, of an entry."""

import math

from pipeline.evaluation import report_finding
from pipeline.evaluation.leaderboard_text import interval, percent, plus_minus
from pipeline.evaluation.statistics.effects import LEVEL
from pipeline.evaluation.verdict import Result, Verdict


def study(verdict: Verdict) -> str:
    """Return what was found, and how to read the table of runs."""
    how = (
        "Each row is a variant or a baseline; its seeds are below it. `effect` is the difference "
        f"of its MSE from that of `{verdict.conclusion.reference}`, and the interval from "
        f"`effect_low` to `effect_high` holds for all variants at once at {percent(LEVEL)}; "
        "`answer` is what may be concluded. The run `verdict` has the whole report among its "
        "artifacts: download `report.html`, which opens without a network."
    )
    return f"{report_finding.text(verdict)}\n\n{how}"


def entry(verdict: Verdict, result: Result) -> str:
    """Return rank, effect, answer, error and cost of a variant or baseline."""
    found, summary = verdict.conclusion, result.entry.summary
    lines = [_standing(verdict, result)]
    if compared := found.effects.get(result.name):
        lines.append(
            f"Compared with `{compared.against}`: **{compared.answer}**, MSE "
            f"{interval(compared.effect)}."
        )
    elif result.name == found.reference:
        lines.append("It is the reference that the other variants are compared with.")
    if math.isfinite(result.mse.mean):
        lines.append(f"Standardized MSE on the test part: {plus_minus(result.mse, 4)}.")
    cost = f"{summary.parameters:,} parameters"
    if summary.seconds_per_replica is not None:
        cost += f", {summary.seconds_per_replica:.1f} s of training for a seed"
    return "\n\n".join([*lines, f"Cost: {cost}.", *([summary.note] if summary.note else [])])


def _standing(verdict: Verdict, result: Result) -> str:
    place = verdict.conclusion.places.get(result.name)
    if place is None:
        return f"A {result.entry.summary.kind} beside {len(verdict.variants)} variants."
    rank = f"Rank {place.rank} of {len(verdict.variants)} variants"
    rank += f" ({place.rank_low} to {place.rank_high}), tier {place.tier}"
    return f"{rank}; {'in' if place.best_set else 'not in'} the best set."
