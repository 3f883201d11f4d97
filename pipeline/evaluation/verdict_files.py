"""The verdict in short, for programs: `verdict.json`, and `metrics.json` for DVC."""

import math
from collections import Counter
from collections.abc import Iterator

from pipeline.evaluation import report_finding
from pipeline.evaluation.leaderboard import DIGITS
from pipeline.evaluation.statistics.conclusion import MARGIN, PLAIN
from pipeline.evaluation.statistics.effects import LEVEL
from pipeline.evaluation.verdict import Verdict


def summary(verdict: Verdict) -> dict[str, object]:
    """Return the headline, the champion, the best set, and what a reader must know of them."""
    found = verdict.conclusion
    return {
        "headline": report_finding.sentence(verdict).replace("`", ""),
        "champion": verdict.champion.name if verdict.champion else None,
        "best_set": found.best_set,
        "reference": found.reference,
        "margin": MARGIN,
        "level": LEVEL,
        "seeds": max((len(result.entry.summary.seeds) for result in verdict.variants), default=0),
        "windows": len(verdict.windows),
        "origins": int(verdict.windows["origin"].nunique()),
        "identical": found.identical,
        "warnings": list(warnings(verdict)),
    }


def warnings(verdict: Verdict) -> Iterator[str]:
    """Yield a sentence for each reason to distrust the verdict."""
    found, champion = verdict.conclusion, verdict.champion
    if single := [result.name for result in verdict.variants if result.scored == 1]:
        yield f"One seed each, so that the spread over seeds is unknown: {', '.join(single)}."
    if failed := [r.name for r in verdict.variants if r.entry.summary.lost.any()]:
        yield f"Failed seeds are left out, which flatters: {', '.join(failed)}."
    if found.variants and found.reference != PLAIN:
        yield f"`plain` has no result in this study, so effects are against {found.reference}."
    if champion and not verdict.champion_is_validated:
        yield "The validation losses are not comparable, so the champion is the best on the test."
    elif champion and found.variants and champion.name not in found.best_set:
        yield f"The champion of the validation split, {champion.name}, is not in the best set."


def metrics(verdict: Verdict) -> dict[str, float]:
    """Return what `dvc metrics` shows: the champion's errors, and the counts of the answers."""
    found, champion = verdict.conclusion, verdict.champion
    numbers = {"baseline_mse": verdict.strongest.mse.mean, "best_set": len(found.best_set)}
    if champion:
        numbers |= {"mse": champion.mse.mean, "mae": champion.mae.mean, "skill": champion.skill}
        if compared := found.effects.get(champion.name):
            effect = compared.effect
            numbers |= {"effect": effect.value}
            numbers |= {"effect_low": effect.low, "effect_high": effect.high}
    answers = Counter(each.answer for each in found.effects.values())
    numbers |= {name: answers[name] for name in ("better", "worse", "equivalent", "undecided")}
    return {
        name: float(f"{value:.{DIGITS}g}")
        for name, value in numbers.items()
        if math.isfinite(value)
    }
