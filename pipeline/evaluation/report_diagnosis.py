"""Why a variant is better or worse: sentences about what was measured inside of it.

A sentence is made where a number passes a threshold and that of the reference does not, since what
both share explains no difference; and only for effects that are decided. It names a symptom that
goes with the result, and proves no cause.

The thresholds:

- `SATURATED`, half of the values of a gate below 0.05 or above 0.95. The slope of a sigmoid there
  is at most 0.0475, under a fifth of its largest, so that most of the gate hardly learns.
- `VANISHED`, 1e-4: what the oldest step adds to a gradient is under a ten-thousandth of what the
  newest adds; a window cut in half would hardly be noticed. `EXPLODED`, 10: it is ten times that.
- `DEAD`, a fifth of the ReLU units of a layer, which is as good as narrower by so much.
- A gap of BatchNorm g, relative to the error, adds g^2 to the MSE if it is independent of the
  error. It matters where g^2 exceeds the `compare.margin` of the study.
- `NOISY`, half of the error: noise n adds n^2 to the training loss, a quarter of it there.
"""

from collections.abc import Iterator, Mapping

from pipeline.evaluation.diagnosis import Diagnosis
from pipeline.evaluation.leaderboard_text import interval
from pipeline.evaluation.verdict import Result, Verdict

SATURATED, VANISHED, EXPLODED, DEAD, NOISY = 0.5, 1e-4, 10.0, 0.2, 0.5


def sentences(verdict: Verdict) -> list[str]:
    """Return a sentence for each variant whose effect, or whose trouble, they explain."""
    results = {result.name: result for result in verdict.variants}
    found = (_sentence(verdict, results, result) for result in verdict.variants)
    return [sentence for sentence in found if sentence]


def text(verdict: Verdict) -> str:
    """Return a section in Markdown; an empty text where there is nothing to say."""
    lines = "\n".join(f"- {sentence}" for sentence in sentences(verdict))
    return f"## Why\n\n{CAPTION}\n\n{lines}" if lines else ""


CAPTION = (
    "What was measured inside the variants, on validation windows and as a mean over the seeds, "
    "where it is out of the ordinary and not so in the reference. It goes with a result, and proves"
    " no cause."
)


def _sentence(verdict: Verdict, results: Mapping[str, Result], result: Result) -> str:
    inside, compared = result.entry.diagnosis, verdict.conclusion.effects.get(result.name)
    if inside is None:
        return ""
    found, margin = dict(symptoms(inside, verdict.questions.margin)), verdict.questions.margin
    standing = "the reference" if result.name == verdict.conclusion.reference else ""
    if compared:
        if compared.answer not in ("better", "worse"):
            return ""
        other = results[compared.against].entry.diagnosis if compared.against in results else None
        shared = dict(symptoms(other, margin)) if other else {}
        found = {name: words for name, words in found.items() if name not in shared}
        standing = f"{compared.answer}, {interval(compared.effect)}"
    named = f"`{result.name}` ({standing})" if standing else f"`{result.name}`"
    return f"{named}: {'; '.join(found.values())}." if found else ""


def symptoms(inside: Diagnosis, margin: float) -> Iterator[tuple[str, str]]:
    """Yield what is out of the ordinary inside a variant: its name, and a phrase."""
    for gate, share in inside.saturated().items():
        if share >= SATURATED:
            yield gate, f"the {gate} gate is saturated in {share:.0%} of its values"
    ratio = inside.gradient_ratio
    if ratio < VANISHED or ratio > EXPLODED:
        word = "vanishes" if ratio < VANISHED else "grows"
        yield word, f"the gradient {word} over time, to {ratio:.1g} of itself at the oldest step"
    for layer, share in inside.dead().items():
        if share >= DEAD:
            yield f"dead {layer}", f"{share:.0%} of the units of `{layer}` are dead"
    gap = (inside.batch_gap or {}).get("forecast")
    if gap is not None and gap**2 > margin:
        phrase = "the moving statistics of BatchNorm change the forecast by"
        yield "gap", f"{phrase} {gap:.0%} of the error"
    noise = inside.dropout_noise
    if noise is not None and noise >= NOISY:
        yield "noise", f"the noise of the dropout is {noise:.0%} of the error"
