"""The leaderboard for reading: the same cells on the terminal and in Markdown."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from pipeline.evaluation.metrics import Spread
from pipeline.evaluation.verdict import Result, Verdict

UNITS_SHOWN = 2  # more targets than this have their own units in leaderboard.csv only
LEFT = ("name", "family", "state")  # columns of text; numbers stand to the right
DISPENSABLE = (
    "parameters",
    "s per seed",
    "family",
    "MAE of ",
    "MAE",
    "state",
)  # on a narrow terminal, in this order
STATE = 20  # characters that a state needs, on several lines if it is longer
NOTHING = "–"  # noqa: RUF001


def decimals(values: Iterable[float]) -> int:
    """Places after the point that give the smallest of `values` four significant digits, so that one column aligns."""
    sizes = [abs(value) for value in values if math.isfinite(value) and value]
    return max(0, 3 - math.floor(math.log10(min(sizes)))) if sizes else 4


def plus_minus(value: Spread, places: int) -> str:
    """`mean ± sd`, the mean alone where there is no sd, a dash where there is no mean."""
    if math.isnan(value.mean):
        return NOTHING
    return f"{value.mean:.{places}f}" + (
        "" if math.isnan(value.sd) else f" ± {value.sd:.{places}f}"
    )


def cells(verdict: Verdict) -> tuple[list[str], list[list[str]]]:
    """Header and rows, best entry first; errors are `mean ± sd` over the seeds."""
    columns = _columns(verdict)
    return list(columns), [list(row) for row in zip(*columns.values(), strict=True)]


def _columns(verdict: Verdict) -> dict[str, list[str]]:
    results, summaries = verdict.results, [result.entry.summary for result in verdict.results]
    shown = verdict.setup.targets if len(verdict.setup.targets) <= UNITS_SHOWN else ()
    return {
        "name": [result.name for result in results],
        "family": [summary.family for summary in summaries],
        "MSE": _errors([result.mse for result in results]),
        "MAE": _errors([result.mae for result in results]),
        **{
            f"MAE of {target}, own unit": _errors([result.unit_mae[target] for result in results])
            for target in shown
        },
        "skill": [_signed(result) for result in results],
        "parameters": [f"{summary.parameters:,}" for summary in summaries],
        "s per seed": [
            NOTHING if s.seconds_per_replica is None else f"{s.seconds_per_replica:.1f}"
            for s in summaries
        ],
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
    lines = [
        [_styled(result, verdict), *row[1:]]
        for result, row in zip(verdict.results, rows, strict=True)
    ]
    rule = [":--" if name in LEFT else "--:" for name in header]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |"
        for line in [header, rule, *lines]
    )


def _styled(result: Result, verdict: Verdict) -> str:
    if not result.is_variant:
        return f"*{result.name}*"
    return f"**`{result.name}`**" if result is verdict.best else f"`{result.name}`"


def terminal(verdict: Verdict, width: int) -> Table:
    """A table for a rich console of `width` characters, without the columns that find no room; the best variant is bold, baselines are dim."""
    header, rows = cells(verdict)
    kept = _fitting(header, rows, width)
    table = Table(
        caption=f"MSE and MAE: standardized test errors, mean ± sd over seeds. Skill: against {verdict.reference.name}."
    )
    for i in kept:
        left: Any = "left" if header[i] in LEFT else "right"
        table.add_column(header[i], justify=left, no_wrap=header[i] != "state")
    for result, row in zip(verdict.results, rows, strict=True):
        style = "bold" if result is verdict.best else "" if result.is_variant else "dim"
        table.add_row(*(Text(row[i]) for i in kept), style=style)
    return table


def _fitting(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Which columns to keep: the first of `DISPENSABLE` go first, until the rest, each with its frame of three characters, fits."""
    sizes = [
        STATE if name == "state" else max(map(len, (name, *column)))
        for name, column in zip(header, zip(*rows, strict=True), strict=True)
    ]
    kept = list(range(len(header)))
    for name in DISPENSABLE:
        if sum(sizes[i] + 3 for i in kept) + 1 > width:
            kept = [i for i in kept if not header[i].startswith(name)]
    return kept
