"""The leaderboard for readers: the same cells on the terminal and in Markdown."""

import math
from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase

from rich.table import Table
from rich.text import Text

from pipeline.core.errors import InputError
from pipeline.evaluation.entries import Summary
from pipeline.evaluation.metrics import Spread
from pipeline.evaluation.statistics.effects import Effect
from pipeline.evaluation.statistics.planning import Needed
from pipeline.evaluation.verdict import Result, Verdict

UNITS_SHOWN = 2  # with more targets than this, their own units are in leaderboard.csv only
LEFT = ("name", "family", "answer", "to decide", "state")  # of text; numbers are to the right
# Columns that a narrow terminal can do without, the first to go first.
DISPENSABLE = (
    *("to decide", "parameters", "s per seed", "family", "MAE of ", "MAE"),
    *("state", "answer", "effect"),
)
STATE = 20  # characters that a state needs, on several lines if it is longer
NOTHING = "–"  # noqa: RUF001


def decimals(values: Iterable[float]) -> int:
    """Return the decimal places that show four significant digits of the smallest value."""
    sizes = [abs(value) for value in values if math.isfinite(value) and value]
    return max(0, 3 - math.floor(math.log10(min(sizes)))) if sizes else 4


def plus_minus(value: Spread, places: int) -> str:
    """Return `mean ± sd`, the mean alone where there is no sd, a dash where there is no mean."""
    if math.isnan(value.mean):
        return NOTHING
    if math.isnan(value.sd):
        return f"{value.mean:.{places}f}"
    return f"{value.mean:.{places}f} ± {value.sd:.{places}f}"


def cells(verdict: Verdict) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows, best entry first; errors are `mean ± sd` over the seeds."""
    results, summaries = verdict.results, [result.entry.summary for result in verdict.results]
    targets = verdict.setup.targets
    columns = {
        "name": [result.name for result in results],
        "family": [summary.family for summary in summaries],
        "MSE": _errors([result.mse for result in results]),
        "MAE": _errors([result.mae for result in results]),
    }
    for target in targets if len(targets) <= UNITS_SHOWN else ():
        columns[f"MAE of {target} (own unit)"] = _errors([r.unit_mae[target] for r in results])
    concluded = verdict.conclusion.effects
    columns |= {
        "effect": [
            interval(concluded[name].effect) if name in concluded else NOTHING
            for name in columns["name"]
        ],
        "answer": [
            concluded[name].answer if name in concluded else NOTHING for name in columns["name"]
        ],
        "to decide": [
            deciding(concluded[name].needed) if name in concluded else NOTHING
            for name in columns["name"]
        ],
        "skill": [f"{r.skill:+.3f}" if math.isfinite(r.skill) else NOTHING for r in results],
        **_seeds(summaries),
        "parameters": [f"{summary.parameters:,}" for summary in summaries],
        "s per seed": [_seconds(summary.seconds_per_replica) for summary in summaries],
        "state": [summary.state for summary in summaries],
    }
    return list(columns), [list(row) for row in zip(*columns.values(), strict=True)]


def _seeds(summaries: Sequence[Summary]) -> dict[str, list[str]]:
    """Return the column of the numbers of seeds, where these differ between the variants."""
    counts = [len(each.seeds) if each.kind == "variant" else None for each in summaries]
    if len({count for count in counts if count}) < 2:
        return {}
    return {"seeds": [f"{count}" if count else NOTHING for count in counts]}


def _errors(spreads: Sequence[Spread]) -> list[str]:
    places = decimals(value.mean for value in spreads)
    return [plus_minus(value, places) for value in spreads]


def interval(effect: Effect) -> str:
    """Return an effect with its interval and signs; the value alone where that is unknown."""
    if math.isnan(effect.low):
        return signed(effect.value)
    return f"{signed(effect.value)} ({signed(effect.low)} to {signed(effect.high)})"


def percent(share: float) -> str:
    """Return a share without zeros that say nothing: `2%`, `0.5%`."""
    return f"{100 * share:g}%"


def deciding(needed: Needed | None) -> str:
    """Return how many more seeds, or origins, would decide; a dash where nothing is to decide."""
    if needed is None:
        return NOTHING
    if needed.seeds is None and needed.origins is None:
        both = f"{math.ceil(needed.both):,}" if math.isfinite(needed.both) else "n/a"
        return f"n/a alone; {both} times both"
    return f"{_more(needed.seeds)} seeds, or {_more(needed.origins)} origins"


def _more(count: int | None) -> str:
    return "n/a" if count is None else f"+{count:,}"


def signed(value: float) -> str:
    """Return a share with its sign, in percent: `+2.7%`, from 100 % on without decimals."""
    return f"{value:+.1%}" if abs(value) < 1 else f"{value:+.0%}"


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1f}"


def markdown(
    verdict: Verdict, shown: Collection[str] | None = None, left_out: Collection[str] = ()
) -> str:
    """Return a Markdown table with the best variant in bold and the baselines in italics.

    It has all entries or those `shown`, and the columns that are not `left_out`.
    """
    header, rows = cells(verdict)
    kept = [i for i, name in enumerate(header) if name not in left_out]
    lines = [header, [":--" if name in LEFT else "--:" for name in header]]
    for result, row in zip(verdict.results, rows, strict=True):
        if shown is None or result.name in shown:
            lines.append([_markdown_name(result, verdict), *row[1:]])
    escaped = [[line[i].replace("|", r"\|") for i in kept] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


def _markdown_name(result: Result, verdict: Verdict) -> str:
    if not result.is_variant:
        return f"*{result.name}*"
    return f"**`{result.name}`**" if result is verdict.best else f"`{result.name}`"


def matching(verdict: Verdict, pattern: str) -> set[str]:
    """Return the entries whose name or family fits a pattern such as `*ln*` or `dropout`.

    Raises `InputError` if there are none.
    """
    families = {result.name: result.entry.summary.family for result in verdict.results}
    found = {
        name for name, family in families.items() if fnmatchcase(name, pattern) or family == pattern
    }
    if not found:
        raise InputError(
            f"--runs is {pattern!r}, which fits no entry; names are {', '.join(sorted(families))}; "
            f"families are {', '.join(sorted(set(families.values())))}"
        )
    return found


def terminal(verdict: Verdict, width: int, shown: Collection[str] | None = None) -> Table:
    """Return a table for a rich console of `width` characters, of all entries or those `shown`.

    Columns that do not fit are left out. The best variant is bold, the baselines are dim.
    """
    header, rows = cells(verdict)
    kept = _fitting(header, rows, width)
    named = {each.against for each in verdict.conclusion.effects.values()}
    against = named.pop() if len(named) == 1 else "the reference of each"
    table = Table(
        caption="Errors on the test split, standardized, mean ± sd over seeds; lower is better. "
        f"Effects are relative to {against}, skill to "
        f"{verdict.reference.name}."
    )
    for i in kept:
        text = header[i] in LEFT
        table.add_column(
            header[i], justify="left" if text else "right", no_wrap=header[i] != "state"
        )
    for result, row in zip(verdict.results, rows, strict=True):
        if shown is not None and result.name not in shown:
            continue
        style = "bold" if result is verdict.best else "" if result.is_variant else "dim"
        table.add_row(*(Text(row[i]) for i in kept), style=style)
    return table


def _fitting(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return the positions of the columns to keep, each with a frame of three characters."""
    sizes = [
        STATE if name == "state" else max(map(len, (name, *column)))
        for name, column in zip(header, zip(*rows, strict=True), strict=True)
    ]
    kept = list(range(len(header)))
    for name in DISPENSABLE:
        if sum(sizes[i] + 3 for i in kept) + 1 > width:
            kept = [i for i in kept if not header[i].startswith(name)]
    return kept
