"""The leaderboard for reading: the same cells on the terminal and in Markdown."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from pipeline.verdict.metrics import Spread
from pipeline.verdict.verdict import Result, Verdict

UNITS_SHOWN = 2  # more targets than this have their own units in leaderboard.csv only
NOTHING = "–"  # noqa: RUF001


def decimals(values: Iterable[float]) -> int:
    """Places after the point that give the smallest of `values` four significant digits, so that one column aligns."""
    sizes = [abs(value) for value in values if math.isfinite(value) and value]
    return max(0, 3 - math.floor(math.log10(min(sizes)))) if sizes else 4


def plus_minus(value: Spread, places: int) -> str:
    """`mean ± sd`, the mean alone where there is no sd, a dash where there is no mean."""
    if math.isnan(value.mean):
        return NOTHING
    return f"{value.mean:.{places}f}" + ("" if math.isnan(value.sd) else f" ± {value.sd:.{places}f}")


def cells(verdict: Verdict) -> tuple[list[str], list[list[str]]]:
    """Header and rows, best contender first; errors are `mean ± sd` over the seeds."""
    columns = _columns(verdict)
    return list(columns), [list(row) for row in zip(*columns.values(), strict=True)]


def _columns(verdict: Verdict) -> dict[str, list[str]]:
    results, summaries = verdict.results, [result.contender.summary for result in verdict.results]
    shown = verdict.exam.targets if len(verdict.exam.targets) <= UNITS_SHOWN else ()
    return {
        "name": [result.name for result in results],
        "family": [summary.family for summary in summaries],
        "MSE": _errors([result.mse for result in results]),
        "MAE": _errors([result.mae for result in results]),
        **{f"MAE of {target}, own unit": _errors([result.unit_mae[target] for result in results]) for target in shown},
        "skill": [_signed(result) for result in results],
        "parameters": [f"{summary.parameters:,}" for summary in summaries],
        "s per seed": [NOTHING if s.seconds_per_replica is None else f"{s.seconds_per_replica:.1f}" for s in summaries],
        "state": [summary.state for summary in summaries],
    }


def _errors(spreads: Sequence[Spread]) -> list[str]:
    places = decimals(value.mean for value in spreads)
    return [plus_minus(value, places) for value in spreads]


def _signed(result: Result) -> str:
    return f"{result.skill:+.3f}" if math.isfinite(result.skill) else NOTHING


def markdown(verdict: Verdict) -> str:
    """A Markdown table; numbers to the right, the best variant in bold, baselines in italics."""
    header, rows = cells(verdict)
    lines = [[_styled(result, verdict), *row[1:]] for result, row in zip(verdict.results, rows, strict=True)]
    rule = [":--" if name in ("name", "family", "state") else "--:" for name in header]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in [header, rule, *lines])


def _styled(result: Result, verdict: Verdict) -> str:
    if not result.is_variant:
        return f"*{result.name}*"
    return f"**`{result.name}`**" if result is verdict.best else f"`{result.name}`"


def terminal(verdict: Verdict) -> Table:
    """A table for a rich console; the best variant is bold, baselines are dim."""
    header, rows = cells(verdict)
    table = Table(title=f"Test errors, best first: MSE and MAE on the standardized scale, mean ± sd over seeds; skill against {verdict.reference.name}")
    for name in header:
        left: Any = "left" if name in ("name", "family", "state") else "right"
        table.add_column(name, justify=left, no_wrap=name == "name")
    for result, row in zip(verdict.results, rows, strict=True):
        style = "bold" if result is verdict.best else "" if result.is_variant else "dim"
        table.add_row(*map(Text, row), style=style)
    return table
