"""The page of advice: every claim with its outcome, on which data, and when it was measured.

What stands above the line `MARKER` is written by hand and kept.
"""

from datetime import date
from pathlib import Path

from pipeline.core.errors import InputError
from pipeline.evaluation import report_claims
from pipeline.evaluation.report_slots import table
from pipeline.evaluation.verdict import Verdict

MARKER = "<!-- What follows was written by `python -m pipeline.advice`. -->"


def merge(old: str | None, generated: str, path: Path) -> str:
    """Return the page with what is generated below the marker; `old` is `None` for a new page.

    Raises `InputError` for a page without the marker, all of which would be lost.
    """
    if old is None:
        return f"{MARKER}\n\n{generated}"
    kept, found, _ = old.partition(MARKER)
    if not found:
        raise InputError(
            f"{path}: has no line {MARKER!r}; add it below what is to be kept, or name a new file"
        )
    return f"{kept}{MARKER}\n\n{generated}"


def text(verdict: Verdict, data: Path | str, day: date) -> str:
    """Return what is generated: the study, and a table of the claims of each source."""
    return "\n\n".join([f"## The claims\n\n{_study(verdict, data, day)}", *_tables(verdict)]) + "\n"


def _study(verdict: Verdict, data: Path | str, day: date) -> str:
    origins = verdict.windows["origin"]
    seeds = sorted({len(result.entry.summary.seeds) for result in verdict.variants})
    many = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    return (
        f"Measured on {day:%Y-%m-%d}: `{data}`, {len(verdict.variants)} variants with {many} seeds "
        f"each, {origins.nunique():,} origins of forecasts from {origins.min():%Y-%m-%d} to "
        f"{origins.max():%Y-%m-%d}, {verdict.setup.horizon} steps ahead. The outcomes hold for "
        f"this data and this base network.\n\n{report_claims.caption(verdict)}"
    )


def _tables(verdict: Verdict) -> list[str]:
    """Return the claims, a table for each source in the order of the files."""
    sources = list(dict.fromkeys(each.claim.source for each in verdict.claims))
    header = [each for each in report_claims.HEADER if each != "source"]
    tables = []
    for source in sources:
        chosen = [each for each in verdict.claims if each.claim.source == source]
        cells = [(row[0], *row[2:]) for row in report_claims.rows(chosen)]
        tables.append(f"### {source}\n\n{table(header, cells)}")
    return tables
