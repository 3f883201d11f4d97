"""Missing values: filled where the column's policy allows it, never across a cut; otherwise told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.config.sections import Data, Missing, Validate
from pipeline.tables import checks
from pipeline.tables.faults import Fault
from pipeline.tables.grid import Regular
from pipeline.tables.rows import Array


@dataclass(frozen=True)
class Runs:
    """Stretches of missing values of a column, each inside one segment: rows `start` to `stop` - 1."""

    start: Array  # (run,)
    stop: Array  # (run,)
    before: Array  # (run,) bool: a value stands before it in its segment
    after: Array  # (run,) bool: a value stands after it in its segment
    size: int  # of the table

    def rows(self) -> Array:
        """The rows of all stretches, (missing,)."""
        lengths = self.stop - self.start
        rows: Array = np.arange(lengths.sum()) + np.repeat(
            self.start - np.cumsum(lengths) + lengths, lengths
        )
        return rows

    def mask(self, chosen: Array) -> Array:
        """(row,) true in the `chosen` (run,) stretches."""
        steps = np.zeros(self.size + 1, np.int64)
        steps[self.start[chosen]] += 1
        np.subtract.at(steps, self.stop[chosen], 1)
        return np.cumsum(steps[:-1]) > 0


def runs(missing: Array, segment: Array) -> Runs:
    """The stretches of `missing` (row,)."""
    joined = missing[1:] & missing[:-1] & (segment[1:] == segment[:-1])
    start = np.flatnonzero(missing & ~np.append(False, joined))
    stop = np.flatnonzero(missing & ~np.append(joined, False)) + 1
    edge = np.concatenate(
        [[True], segment[1:] != segment[:-1], [True]]
    )  # (row + 1,) a segment starts here, or the table has ended
    return Runs(start, stop, ~edge[start], ~edge[stop], len(missing))


def policy(rules: Validate, column: str) -> Missing:
    """What holds for a column: its own entry, else the default one, else refuse."""
    return rules.missing.get(column, rules.missing.get(checks.DEFAULT, Missing()))


def faults(table: Regular, data: Data, rules: Validate) -> list[Fault]:
    """The missing values that the columns' policies do not fill: of each column two kinds."""
    found: list[Fault] = []
    for column in table.readings.columns:
        missing, rule = table.readings.missing(column), policy(rules, column)
        tell = _unwanted if rule.policy == "refuse" else _unable
        found += tell(table, data, column, missing, rule)
    return found


def _unwanted(
    table: Regular, data: Data, column: str, missing: Array, rule: Missing
) -> list[Fault]:
    """The column has no policy that fills."""
    there, note = ~table.inserted, table.readings.fault
    fill = f"set validate.missing.{column} to interpolate or forward_fill"
    return [
        note(
            missing & there,
            column,
            "missing values",
            f"complete them, {fill}, or {checks.drop(data, column)}",
        ),
        note(
            missing & ~there,
            column,
            "missing rows that validate.gaps fills",
            f"{fill}, or set validate.gaps to 0, which cuts the series there instead",
        ),
    ]


def _unable(table: Regular, data: Data, column: str, missing: Array, rule: Missing) -> list[Fault]:
    """The column's policy fills, but not there."""
    found = runs(missing, table.segment)
    able = found.before & (found.after | (rule.policy == "forward_fill"))
    long = able & (found.stop - found.start > rule.up_to)
    lengths = dict(
        zip(found.start[long].tolist(), (found.stop - found.start)[long].tolist(), strict=True)
    )
    way_out = f"complete them, or {checks.drop(data, column)}"
    sides = "before and behind" if rule.policy == "interpolate" else "before"
    longer = f"missing values, more in a row than validate.missing allows (up_to: {rule.up_to})"
    return [
        table.readings.fault(
            found.mask(long),
            column,
            longer,
            f"raise up_to for {column}, {way_out}",
            lambda row: f"{lengths[row]} in a row",
            _shorter(table, found.mask(long)),
        ),
        table.readings.fault(
            found.mask(~able),
            column,
            f"missing values without a value {sides} them to fill from",
            way_out,
            None,
            _wider(table, found, ~able),
        ),
    ]


def _shorter(table: Regular, long: Array) -> frozenset[str]:
    """What helps where rows of a gap are part of a stretch that is too long."""
    return frozenset(
        [", or lower validate.gaps, which cuts the series there instead"]
        if (table.inserted & long).any()
        else []
    )


def _wider(table: Regular, found: Runs, lone: Array) -> frozenset[str]:
    """What helps where no value stands at a side of a stretch: the side is a cut, or an end of the series."""
    series = np.concatenate([[-1], table.readings.series, [-1]])  # (row + 2,)
    cut = (~found.before & (series[found.start] == series[found.start + 1])) | (
        ~found.after & (series[found.stop] == series[found.stop + 1])
    )
    ways = (
        [", or raise validate.gaps so that the series is not cut there"] if cut[lone].any() else []
    )
    return frozenset(
        ways + ([", or begin and end the table where values are"] if not cut[lone].all() else [])
    )


def fill(table: Regular, rules: Validate) -> tuple[Regular, list[dict[str, Any]]]:
    """The table without missing values, and every cell that was filled; `refused` has found nothing."""
    columns = dict(table.readings.columns)
    cells: list[dict[str, Any]] = []
    for column, values in columns.items():
        found, how = runs(np.isnan(values), table.segment), policy(rules, column).policy
        if len(found.start):
            columns[column] = FILL[how](values, table.readings.times, found)
            cells += [
                checks.cell(table.readings, row, column, how=how, gap=bool(table.inserted[row]))
                for row in found.rows()
            ]
    return replace(table, readings=replace(table.readings, columns=columns)), cells


def _interpolate(values: Array, times: Array, found: Runs) -> Array:
    """Linear in time between the value before and the value behind each stretch."""
    rows, lengths = found.rows(), found.stop - found.start
    left, right = np.repeat(found.start - 1, lengths), np.repeat(found.stop, lengths)
    share = (times[rows] - times[left]) / (times[right] - times[left])
    result = values.copy()
    result[rows] = values[left] + share * (values[right] - values[left])
    return result


def _forward_fill(values: Array, times: Array, found: Runs) -> Array:
    """The value before each stretch."""
    result = values.copy()
    result[found.rows()] = np.repeat(values[found.start - 1], found.stop - found.start)
    return result


FILL: Mapping[str, Callable[[Array, Array, Runs], Array]] = {
    "interpolate": _interpolate,
    "forward_fill": _forward_fill,
}
