"""The verdict in short, for programs: `verdict.json`, and `metrics.json` for DVC."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pipeline.evaluation import report_finding
from pipeline.evaluation.claims import Judged
from pipeline.evaluation.leaderboard import DIGITS, numbers
from pipeline.evaluation.marginals import Marginal
from pipeline.evaluation.statistics.conclusion import PLAIN
from pipeline.evaluation.statistics.effects import LEVEL
from pipeline.evaluation.verdict import Verdict


def summary(verdict: Verdict, flagged: Sequence[str] = ()) -> dict[str, object]:
    """Return the headline, the champion, the best set, and what a reader must know of them.

    `flagged` are the flags of the study, which stand with the warnings.
    """
    found = verdict.conclusion
    return {
        "headline": report_finding.sentence(verdict).replace("`", ""),
        "champion": verdict.champion.name if verdict.champion else None,
        "intervals": verdict.champion.entry.summary.intervals if verdict.champion else (),
        "best_set": found.best_set,
        "reference": found.reference,
        "margin": verdict.questions.margin,
        "level": LEVEL,
        "seeds": max((len(result.entry.summary.seeds) for result in verdict.variants), default=0),
        "windows": len(verdict.windows),
        "origins": int(verdict.windows["origin"].nunique()),
        "identical": found.identical,
        "claims": [_claim(each) for each in verdict.claims],
        "slots": [_slot(each) for each in verdict.marginals],
        "warnings": [*warnings(verdict), *flagged],
    }


def _slot(each: Marginal) -> dict[str, object]:
    """Return a marginal effect, with the pairs of variants that it is the mean of."""
    named = {"slot": each.key, "value": each.value, "base": each.base, "pairs": each.pairs}
    return {**named, **_known(numbers(each))}


def _claim(each: Judged) -> dict[str, object]:
    """Return a claim with its outcome, and the effect if it was tested, or why it was not."""
    tested = _known(numbers(each.tested)) if each.tested else {"why": each.why}
    said = each.claim.model_dump(mode="json", exclude_none=True)
    return {"name": each.name, "outcome": each.outcome, **said, **tested}


def _known(values: Mapping[str, object]) -> dict[str, object]:
    """Return values as JSON has them: NaN, of what is not known, as null, infinity as n/a."""
    return {
        name: _json(value) if isinstance(value, float) else value for name, value in values.items()
    }


def _json(value: float) -> float | str | None:
    if math.isfinite(value):
        return float(f"{value:.{DIGITS}g}")
    return None if math.isnan(value) else "n/a"


def warnings(verdict: Verdict) -> Iterator[str]:
    """Yield a sentence for each reason to distrust the verdict."""
    found, champion = verdict.conclusion, verdict.champion
    if single := [result.name for result in verdict.variants if result.scored == 1]:
        yield f"One seed each, so that the spread over seeds is unknown: {', '.join(single)}."
    if failed := [r.name for r in verdict.variants if r.entry.summary.lost.any()]:
        yield f"Failed seeds are left out, which flatters: {', '.join(failed)}."
    if missing := found.without_reference:
        yield f"Their own reference is not in this study, so others stand in: {', '.join(missing)}."
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
