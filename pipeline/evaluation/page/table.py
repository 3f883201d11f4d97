"""The leaderboard as rows of an HTML table: cells with the value that they are sorted by."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.evaluation.leaderboard_text import (
    NOTHING,
    UNITS_SHOWN,
    decimals,
    plus_minus,
)
from pipeline.evaluation.metrics import Spread
from pipeline.evaluation.page import words
from pipeline.evaluation.page.study import Study
from pipeline.evaluation.verdict import Result

Record = Mapping[Any, Any]  # a row of the leaderboard by column
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
    cell: Callable[[Result, Record], Cell]


def table(study: Study) -> Table:
    """Return a row for each variant and baseline, without columns that say nothing."""
    names, listed = study.leaderboard["name"], study.leaderboard.to_dict("records")
    records: Mapping[str, Record] = dict(zip(names.astype(str), listed, strict=True))
    results, columns = study.verdict.results, _columns(study)
    cells = [
        [column.cell(result, records.get(result.name, {})) for column in columns]
        for result in results
    ]
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
        _Column("name", False, lambda result, record: Cell(result.name)),
        _Column("family", False, lambda result, record: Cell(result.entry.summary.family)),
        *_errors(study),
        _Column("effect", True, _effect),
        _Column("answer", False, _answer),
        _Column("tier", True, _whole("tier")),
        _Column("differs in", False, _differs(study)),
        *_skills(study),
        _Column("parameters", True, _parameters),
        _Column("s per seed", True, _seconds),
        _Column("failed seeds", False, _failed),
    )


def _skills(study: Study) -> Iterator[_Column]:
    """Yield the column of the skill, where no effects take its place."""
    if "effect" not in study.leaderboard:
        yield _Column("skill", True, _skill)


def _errors(study: Study) -> Iterator[_Column]:
    """Yield the columns of the errors, `mean ± sd` over the seeds."""
    results, targets = study.verdict.results, study.verdict.setup.targets
    yield _spread("MSE", {result.name: result.mse for result in results})
    for target in targets[:UNITS_SHOWN]:
        spreads = {result.name: result.unit_mae[target] for result in results}
        yield _spread(f"MAE of {target}", spreads)


def _spread(title: str, spreads: Mapping[str, Spread]) -> _Column:
    places = decimals(value.mean for value in spreads.values())

    def cell(result: Result, record: Record) -> Cell:
        value = spreads[result.name]
        return Cell(plus_minus(value, places), value.mean)

    return _Column(title, True, cell)


def _number(value: object, form: str) -> Cell:
    """Return a number as a cell; a missing one is a dash, which is sorted last."""
    if not isinstance(value, int | float) or math.isnan(value):
        return Cell(NOTHING, math.inf)
    return Cell(format(value, form), float(value))


def _effect(result: Result, record: Record) -> Cell:
    effect, low, high = (record.get(f"effect{end}", math.nan) for end in ("", "_low", "_high"))
    cell = _number(effect, "+.1%")
    if cell.text == NOTHING or math.isnan(low) or math.isnan(high):
        return cell
    return Cell(f"{cell.text} ({low:+.1%} to {high:+.1%})", cell.order)


def _answer(result: Result, record: Record) -> Cell:
    answer = record.get("answer")
    return Cell(ANSWERS.get(answer, answer) if isinstance(answer, str) else NOTHING)


def _whole(column: str) -> Callable[[Result, Record], Cell]:
    return lambda result, record: _number(record.get(column), ".0f")


def _differs(study: Study) -> Callable[[Result, Record], Cell]:
    def cell(result: Result, record: Record) -> Cell:
        changed = words.differences(result, study.reference) if result.is_variant else []
        labels = tuple(f"{key}: {text}" for key, text in changed)
        return Cell("; ".join(labels) or NOTHING, labels=labels)

    return cell


def _failed(result: Result, record: Record) -> Cell:
    summary = result.entry.summary
    return Cell(summary.state if summary.lost.any() else NOTHING)


def _skill(result: Result, record: Record) -> Cell:
    return _number(result.skill, "+.3f")


def _parameters(result: Result, record: Record) -> Cell:
    return _number(result.entry.summary.parameters, ",")


def _seconds(result: Result, record: Record) -> Cell:
    return _number(result.entry.summary.seconds_per_replica, ".1f")
