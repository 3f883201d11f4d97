"""Claims about the variants, judged by the intervals of the study."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pipeline.config.claims import Claim
from pipeline.evaluation.statistics.conclusion import Conclusion
from pipeline.evaluation.statistics.effects import Answer, Effect
from pipeline.evaluation.statistics.planning import Needed

Outcome = Literal["confirmed", "refuted", "equivalent", "undecided", "not tested"]
OUTCOMES: tuple[Outcome, ...] = ("confirmed", "refuted", "equivalent", "undecided", "not tested")
FOUND: Mapping[str, Mapping[Answer, Outcome]] = {
    "lower": {"better": "confirmed", "worse": "refuted"},
    "higher": {"worse": "confirmed", "better": "refuted"},
    "equal": {"equivalent": "confirmed", "better": "refuted", "worse": "refuted"},
}
"""What an answer means for a claim that expects this; the others mean what they say."""


@dataclass(frozen=True)
class Tested:
    """The effect of the variants of a claim against the other side, and what would decide it."""

    effect: Effect
    answer: Answer
    needed: Needed | None


@dataclass(frozen=True)
class Judged:
    """A claim and its outcome; `tested` is `None` where this study has not tested it, for `why`."""

    name: str
    claim: Claim
    outcome: Outcome
    tested: Tested | None
    why: str


def judge(
    found: Conclusion, claims: Mapping[str, Claim], failed: Collection[str]
) -> tuple[Judged, ...]:
    """Return the outcome of every claim; the intervals of all that are tested hold at once.

    Variants some of whose seeds `failed` test nothing: the seeds that are left would flatter them.
    """
    reasons = {name: next(_untestable(found, each, failed), "") for name, each in claims.items()}
    testable = [name for name, reason in reasons.items() if not reason]
    effects = found.compare([(claims[name].variants, claims[name].against) for name in testable])
    tested = {
        name: Tested(
            effect,
            effect.answer(found.margin),
            found.needed(effect, [*claims[name].variants, *claims[name].against]),
        )
        for name, effect in zip(testable, effects, strict=True)
    }
    return tuple(
        Judged(name, claim, _outcome(claim, tested.get(name)), tested.get(name), reasons[name])
        for name, claim in claims.items()
    )


def _untestable(found: Conclusion, claim: Claim, failed: Collection[str]) -> Iterator[str]:
    """Yield the reasons why the study cannot test a claim."""
    named = dict.fromkeys([*claim.variants, *claim.against])
    if not named:
        yield "no variants test it"
    if absent := [f"`{name}`" for name in named if name not in found.variants]:
        yield f"not in this study: {', '.join(absent)}"
    if lost := [f"`{name}`" for name in named if name in failed]:
        yield f"seeds failed: {', '.join(lost)}"


def _outcome(claim: Claim, tested: Tested | None) -> Outcome:
    if tested is None:
        return "not tested"
    answer = tested.answer
    usual: Outcome = "equivalent" if answer == "equivalent" else "undecided"
    return FOUND[claim.expected].get(answer, usual)
