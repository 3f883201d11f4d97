"""The marginal effects of slots as a table, for the report and the page."""

from collections.abc import Sequence

from pipeline.evaluation.leaderboard_text import deciding, interval
from pipeline.evaluation.marginals import tested
from pipeline.evaluation.statistics.effects import LEVEL
from pipeline.evaluation.verdict import Verdict

HEADER = ("slot", "value", "instead of", "pairs", "effect", "answer", "to decide")


def rows(verdict: Verdict) -> list[tuple[str, ...]]:
    """Return the cells of each marginal effect over two pairs of variants or more."""
    return [
        (
            *(each.key, each.value, each.base, str(len(each.pairs))),
            *(interval(each.effect), each.answer, deciding(each.needed)),
        )
        for each in tested(verdict.marginals)
    ]


def caption(verdict: Verdict) -> str:
    """Say what the numbers are."""
    return (
        "What a value of a slot does on average, over all pairs of variants that differ in it "
        f"alone. The intervals hold for all slots at once with {LEVEL:.0%}, those of single pairs "
        "included, which are in `effects.csv`."
    )


def text(verdict: Verdict) -> str:
    """Return a section in Markdown; an empty text where no slot has two pairs."""
    found = rows(verdict)
    if not found:
        return ""
    return f"## What each slot does\n\n{table(HEADER, found)}\n\n{caption(verdict)}"


def table(header: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [header, [":--"] * len(header), *cells]
    escaped = [[cell.replace("|", r"\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)
