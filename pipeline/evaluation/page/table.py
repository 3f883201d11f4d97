"""The leaderboard as rows of an HTML table: cells with the value that they are sorted by."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.evaluation.leaderboard_text import (
    NOTHING,
    UNITS_SHOWN,
    deciding,
    decimals,
    interval,
    plus_minus,
)
from pipeline.evaluation.metrics import Spread
from pipeline.evaluation.page import words
from pipeline.evaluation.page.study import Study
from pipeline.evaluation.statistics.conclusion import Conclusion
from pipeline.evaluation.verdict import Result

ANSWERS = {"better": "lower error", "worse": "higher error"}  # the others say it themselves


@dataclass(frozen=True)
class Cell:
    """A text, what it is sorted by (the text itself if `None`), and pieces shown as labels."""

    text: str
    order: float | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """An entry: its cells, and what the page filters by."""

    name: str
    family: str
    is_variant: bool
    in_best_set: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """The header, of titles with `True` for numbers, and the rows, best first."""

    header: tuple[tuple[str, bool], ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class _Column:
    title: str
    number: bool
    cell: Callable[[Result], Cell]


def table(study: Study) -> Table:
    """Return a row for each variant and baseline, without columns that say nothing."""
    results, columns = study.verdict.results, _columns(study)
    cells = [[column.cell(result) for column in columns] for result in results]
    kept = [i for i in range(len(columns)) if any(row[i].text != NOTHING for row in cells)]
    rows = (
        Row(
            result.name,
            result.entry.summary.family,
            result.is_variant,
            result.name in study.best_set,
            tuple(row[i] for i in kept),
        )
        for result, row in zip(results, cells, strict=True)
    )
    return Table(tuple((columns[i].title, columns[i].number) for i in kept), tuple(rows))


def _columns(study: Study) -> Sequence[_Column]:
    return (
        _Column("name", False, lambda result: Cell(result.name)),
        _Column("family", False, lambda result: Cell(result.entry.summary.family)),
        *_errors(study),
        *_concluded(study.verdict.conclusion),
        _Column("differs in", False, _differs(study)),
        _Column("seeds", True, _seeds(study)),
        _Column("parameters", True, _parameters),
        _Column("s per seed", True, _seconds),
        _Column("s to trace", True, _tracing),
        _Column("ms per forecast", True, _latency),
        _Column("failed seeds", False, _failed),
    )


def _concluded(found: Conclusion) -> Iterator[_Column]:
    """Yield the columns of what may be concluded of each variant."""

    def effect(result: Result) -> Cell:
        compared = found.effects.get(result.name)
        if compared is None:
            return Cell(NOTHING, math.inf)
        return Cell(interval(compared.effect), compared.effect.value)

    def answer(result: Result) -> Cell:
        if result.name == found.reference:
            return Cell("reference")
        compared = found.effects.get(result.name)
        return Cell(ANSWERS.get(compared.answer, compared.answer) if compared else NOTHING)

    def tier(result: Result) -> Cell:
        place = found.places.get(result.name)
        return _number(place.tier if place else None, "d")

    def decide(result: Result) -> Cell:
        compared = found.effects.get(result.name)
        return Cell(deciding(compared.needed) if compared else NOTHING)

    def rank(result: Result) -> Cell:
        place = found.places.get(result.name)
        if place is None:
            return Cell(NOTHING, math.inf)
        return Cell(f"{place.rank} ({place.rank_low} to {place.rank_high})", float(place.rank))

    def best(result: Result) -> Cell:
        place = found.places.get(result.name)
        return _number(place.p_best if place else None, ".0%")

    yield _Column("effect", True, effect)
    yield _Column("answer", False, answer)
    yield _Column("to decide", False, decide)
    yield _Column("tier", True, tier)
    yield _Column("rank", True, rank)
    yield _Column("P(best)", True, best)


def _errors(study: Study) -> Iterator[_Column]:
    """Yield the columns of the errors, `mean ± sd` over the seeds."""
    results, targets = study.verdict.results, study.verdict.setup.targets
    yield _spread("MSE", {result.name: result.mse for result in results})
    for target in targets[:UNITS_SHOWN]:
        spreads = {result.name: result.unit_mae[target] for result in results}
        yield _spread(f"MAE of {target}", spreads)


def _spread(title: str, spreads: Mapping[str, Spread]) -> _Column:
    places = decimals(value.mean for value in spreads.values())

    def cell(result: Result) -> Cell:
        value = spreads[result.name]
        return Cell(plus_minus(value, places), value.mean)

    return _Column(title, True, cell)


def _number(value: object, form: str) -> Cell:
    """Return a number as a cell; a missing one is a dash, which is sorted last."""
    if not isinstance(value, int | float) or math.isnan(value):
        return Cell(NOTHING, math.inf)
    return Cell(format(value, form), float(value))


def _differs(study: Study) -> Callable[[Result], Cell]:
    def cell(result: Result) -> Cell:
        changed = words.differences(result, study.reference) if result.is_variant else []
        labels = tuple(f"{key}: {text}" for key, text in changed)
        return Cell("; ".join(labels) or NOTHING, labels=labels)

    return cell


def _seeds(study: Study) -> Callable[[Result], Cell]:
    """Return the numbers of seeds as cells, dashes where they are the same for all variants."""
    differ = len({len(result.entry.summary.seeds) for result in study.verdict.variants}) > 1

    def cell(result: Result) -> Cell:
        shown = differ and result.is_variant
        return _number(len(result.entry.summary.seeds) if shown else None, "d")

    return cell


def _failed(result: Result) -> Cell:
    summary = result.entry.summary
    return Cell(summary.state if summary.lost.any() else NOTHING)


def _parameters(result: Result) -> Cell:
    return _number(result.entry.summary.parameters, ",")


def _tracing(result: Result) -> Cell:
    return _number(result.entry.summary.seconds_to_trace, ".1f")


def _latency(result: Result) -> Cell:
    return _number(result.entry.summary.latency, ".2f")


def _seconds(result: Result) -> Cell:
    return _number(result.entry.summary.seconds_per_replica, ".1f")
