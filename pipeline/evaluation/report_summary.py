"""The report in at most 40 lines of Markdown, for a pull request."""

from collections.abc import Iterator, Sequence

from pipeline.evaluation import leaderboard_text, report_finding
from pipeline.evaluation.verdict import Verdict

ENTRIES = 12  # rows of the table: the best ones, and those that a reader looks for
WARNINGS = 5
LEFT_OUT = ("family", "MAE", "to decide", "skill")  # columns of the whole table


def text(verdict: Verdict, flagged: Sequence[str]) -> str:
    """Return what was found, the entries that matter, and the first of the warnings `flagged`."""
    shown = _shown(verdict)
    more = len(verdict.results) - len(shown)
    parts = [
        report_finding.text(verdict),
        leaderboard_text.markdown(verdict, shown, LEFT_OUT),
        f"{more} more entries are in `leaderboard.csv`." if more else "",
        "\n".join(_warnings(flagged)),
        "The whole report is `report.html`, one file that opens without a network.",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _shown(verdict: Verdict) -> list[str]:
    """Return the best entries, the champion, the reference and the best baseline."""
    wanted = [verdict.strongest.name, verdict.conclusion.reference]
    wanted += [verdict.champion.name] if verdict.champion else []
    ranked = [result.name for result in verdict.results]
    return list(dict.fromkeys([*filter(None, wanted), *ranked]))[:ENTRIES]


def _warnings(flagged: Sequence[str]) -> Iterator[str]:
    """Yield a line for each warning, and one for those that are left out."""
    for line in flagged[:WARNINGS]:
        yield f"- Warning: {line}"
    if len(flagged) > WARNINGS:
        yield f"- {len(flagged) - WARNINGS} more warnings are in the report."
