"""The claims and their outcomes, for the report, the page and the page of advice."""

from collections import Counter
from collections.abc import Iterator, Sequence

from pipeline.evaluation.claims import OUTCOMES, Judged
from pipeline.evaluation.leaderboard_text import deciding, interval, percent
from pipeline.evaluation.report_slots import table
from pipeline.evaluation.statistics.effects import LEVEL
from pipeline.evaluation.verdict import Verdict

HEADER = ("claim", "source", "compared", "effect", "outcome", "to decide")


def counts(judged: Sequence[Judged]) -> str:
    """Return how many claims have which outcome, in words."""
    found = Counter(each.outcome for each in judged)
    return ", ".join(f"{found[outcome]} {outcome}" for outcome in OUTCOMES if found[outcome])


def rows(judged: Sequence[Judged]) -> list[tuple[str, ...]]:
    """Return the cells (Markdown) of each claim."""
    return [(_sentence(each), each.claim.source, *_cells(each)) for each in judged]


def _sentence(judged: Judged) -> str:
    note = judged.claim.note
    return f"{judged.claim.sentence}. *{note}*" if note else f"{judged.claim.sentence}."


def _cells(judged: Judged) -> Iterator[str]:
    """Yield what is compared, the effect, the outcome, and what would decide it."""
    claim, tested = judged.claim, judged.tested
    if tested is None:
        yield from (judged.why, "", judged.outcome, "")
        return
    relation = {"lower": "below", "higher": "above", "equal": "equal to"}[claim.expected]
    yield f"{_side(claim.variants)} {relation} {_side(claim.against)}"
    yield interval(tested.effect)
    yield f"**{judged.outcome}**"
    yield deciding(tested.needed)


def _side(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in dict.fromkeys(names))


def caption(verdict: Verdict) -> str:
    """Say what the outcomes mean, and how many there are."""
    margin = percent(verdict.questions.margin)
    return (
        f"Of {len(verdict.claims)} claims: {counts(verdict.claims)}. The effect is the ratio of "
        "the error of the first side to that of the second, minus 1; of several variants, the "
        f"geometric mean. Its intervals hold for all tested claims at once with {LEVEL:.0%}. A "
        "claim is *confirmed* or *refuted* if the interval is on one side of 0, *equivalent* if it "
        f"lies within ± {margin}, so that neither side is better, and else *undecided*."
    )


def text(verdict: Verdict) -> str:
    """Return a section in Markdown of the claims that were tested; an empty text without any."""
    tested = [each for each in verdict.claims if each.tested]
    if not tested:
        return ""
    return f"## Claims\n\n{caption(verdict)}\n\n{table(HEADER, rows(tested))}"
