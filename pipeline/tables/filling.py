"""Missing values: filled where the column's policy allows it, never across a cut; else a problem.

A stretch is filled only from the rows at hand. One that reaches the newest row has no value after
it, so it may be filled forward, but not interpolated: nothing ever looks ahead of the newest row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from pipeline.config.data import Data
from pipeline.config.validation import Missing, Validate
from pipeline.tables import checks
from pipeline.tables.grid import Regular
from pipeline.tables.problems import Problem
from pipeline.tables.report import Entry
from pipeline.tables.rows import Array


@dataclass(frozen=True)
class Stretches:
    """Stretches of missing values, each inside one segment: rows `start` to `stop` - 1."""

    start: Array  # (stretch,)
    stop: Array  # (stretch,)
    before: Array  # (stretch,) bool: a value stands before it in its segment
    after: Array  # (stretch,) bool: a value stands after it in its segment
    size: int  # rows of the table

    @property
    def lengths(self) -> Array:
        """Return (stretch,) missing values in a row."""
        return np.asarray(self.stop - self.start)

    def rows(self) -> Array:
        """Return the rows of all stretches, (missing,)."""
        offsets = self.start - np.cumsum(self.lengths) + self.lengths
        return np.asarray(np.arange(self.lengths.sum()) + np.repeat(offsets, self.lengths))

    def only(self, chosen: Array) -> "Stretches":
        """Return the `chosen` (stretch,) ones."""
        return Stretches(
            self.start[chosen],
            self.stop[chosen],
            self.before[chosen],
            self.after[chosen],
            self.size,
        )

    def mask(self, chosen: Array) -> Array:
        """Return (row,) true in the `chosen` (stretch,) ones."""
        mask = np.zeros(self.size, bool)
        mask[self.only(chosen).rows()] = True
        return mask

    def between(self, rule: Missing) -> Array:
        """Return (stretch,) true where values stand at the sides that the policy fills from."""
        return np.asarray(self.before & (self.after | (rule.policy == "forward_fill")))

    def fillable(self, rule: Missing) -> Array:
        """Return (stretch,) true where the policy fills."""
        allowed = self.between(rule) & (self.lengths <= rule.longest)
        return np.asarray(allowed & (rule.policy != "refuse"))


def stretches(missing: Array, segment: Array) -> Stretches:
    """Return the stretches of `missing` (row,) values."""
    joined = missing[1:] & missing[:-1] & (segment[1:] == segment[:-1])
    start = np.flatnonzero(missing & ~np.append(False, joined))
    stop = np.flatnonzero(missing & ~np.append(joined, False)) + 1
    # (row + 1,) true where a segment starts, or the table has ended
    edge = np.concatenate([[True], segment[1:] != segment[:-1], [True]])
    return Stretches(start, stop, ~edge[start], ~edge[stop], len(missing))


def policy(rules: Validate, column: str) -> Missing:
    """Return the rule for a column: its own entry, else the default one, else `refuse`."""
    return rules.rule(column)


def fill(regular: Regular, rules: Validate) -> tuple[Regular, list[Entry]]:
    """Return the table with every value filled that may be, and the report's entries about them."""
    columns = dict(regular.rows.columns)
    inserted = regular.inserted
    entries: list[Entry] = []
    for column, values in columns.items():
        rule = policy(rules, column)
        found = stretches(np.isnan(values), regular.segment)
        found = found.only(found.fillable(rule))
        if len(found.start):
            columns[column] = FILL[rule.policy](values, regular.rows.times, found)
            entries += [
                checks.entry(regular.rows, row, column, how=rule.policy, gap=bool(inserted[row]))
                for row in found.rows().tolist()
                if not regular.rows.context[row]
            ]
    return replace(regular, rows=replace(regular.rows, columns=columns)), entries


def _interpolate(values: Array, times: Array, found: Stretches) -> Array:
    """Fill linearly in time between the value before and the value after each stretch."""
    rows = found.rows()
    left = np.repeat(found.start - 1, found.lengths)
    right = np.repeat(found.stop, found.lengths)
    share = (times[rows] - times[left]) / (times[right] - times[left])
    result = values.copy()
    result[rows] = values[left] + share * (values[right] - values[left])
    return result


def _forward_fill(values: Array, times: Array, found: Stretches) -> Array:
    """Repeat the value before each stretch."""
    result = values.copy()
    result[found.rows()] = np.repeat(values[found.start - 1], found.lengths)
    return result


FILL: Mapping[str, Callable[[Array, Array, Stretches], Array]] = {
    "interpolate": _interpolate,
    "forward_fill": _forward_fill,
}


def problems(regular: Regular, data: Data, rules: Validate) -> list[Problem]:
    """Return the missing values that the columns' policies do not fill: two problems per column."""
    found: list[Problem] = []
    for column in regular.rows.columns:
        rule = policy(rules, column)
        missing = regular.rows.missing(column)
        if rule.policy == "refuse":
            found += _not_allowed(regular, data, column, missing)
        else:
            found += _not_fillable(regular, data, column, missing, rule)
    return found


def _not_allowed(regular: Regular, data: Data, column: str, missing: Array) -> list[Problem]:
    """Return the problems of a column that has no policy which fills."""
    rows, inserted = regular.rows, regular.inserted
    fill = f"set validate.missing.{column} to interpolate or forward_fill"
    return [
        rows.problem(
            missing & ~inserted,
            column,
            "missing values",
            f"complete them, {fill}, or {checks.drop(data, column)}",
        ),
        rows.problem(
            missing & inserted,
            column,
            "missing rows that validate.max_gap fills",
            f"{fill}, or set validate.max_gap to 0, which cuts the series there instead",
        ),
    ]


def _not_fillable(
    regular: Regular, data: Data, column: str, missing: Array, rule: Missing
) -> list[Problem]:
    """Return the problems of a column whose policy fills, but not these values."""
    found = stretches(missing, regular.segment)
    between = found.between(rule)
    long = between & (found.lengths > rule.longest)
    lengths = dict(zip(found.start[long].tolist(), found.lengths[long].tolist(), strict=True))
    remedy = f"complete them, or {checks.drop(data, column)}"
    sides = "before and after" if rule.policy == "interpolate" else "before"
    too_long = found.mask(long)
    return [
        regular.rows.problem(
            too_long,
            column,
            f"missing values, more in a row than validate.missing allows (max_run: {rule.max_run})",
            f"raise max_run for {column}, {remedy}",
            lambda row: f"{lengths[row]} in a row",
            _advice_on_gaps(regular, too_long),
        ),
        regular.rows.problem(
            found.mask(~between),
            column,
            f"missing values without a value {sides} them to fill from",
            remedy,
            None,
            _advice_on_edges(regular, found, ~between),
        ),
    ]


def _advice_on_gaps(regular: Regular, too_long: Array) -> frozenset[str]:
    """Return what helps where rows of a gap are part of a stretch that is too long."""
    if not (regular.inserted & too_long).any():
        return frozenset()
    return frozenset([", or lower validate.max_gap, which cuts the series there instead"])


def _advice_on_edges(regular: Regular, found: Stretches, lone: Array) -> frozenset[str]:
    """Return what helps where no value stands beside a stretch: a cut, or an end of the series."""
    series = np.concatenate([[-1], regular.rows.series, [-1]])  # (row + 2,)
    cut_before = ~found.before & (series[found.start] == series[found.start + 1])
    cut_after = ~found.after & (series[found.stop] == series[found.stop + 1])
    cut = (cut_before | cut_after)[lone]
    advice = set()
    if cut.any():
        advice.add(", or raise validate.max_gap so that the series is not cut there")
    if not cut.all():
        advice.add(", or begin and end the table where values are")
    return frozenset(advice)
