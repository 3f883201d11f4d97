"""Missing values: filled, masked or cut out as the column's policy says, or else a problem.

A stretch is filled only from the rows at hand, never across a cut. One that reaches the newest row
has no value after it, so it may be filled forward, but not interpolated: nothing ever looks ahead
of the newest row. What a policy cannot fill, since it is too long or nothing stands beside it, is
rejected, masked or cut as `beyond` says.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from pipeline.config.data import Data
from pipeline.config.validation import Missing, Validate
from pipeline.tables import declarations
from pipeline.tables.grid import Regular
from pipeline.tables.problems import Problem
from pipeline.tables.rows import Array
from pipeline.tables.stretches import Stretches, stretches


@dataclass(frozen=True)
class Filled:
    """Rows in which nothing is missing but what is masked, and where that is.

    `filled` and `masked` are column -> (row,) bool.
    """

    regular: Regular
    filled: Mapping[str, Array]
    masked: Mapping[str, Array]


def fill(regular: Regular, rules: Validate) -> Filled:
    """Return the table, which is cut already, with every value filled that may be."""
    columns = dict(regular.rows.columns)
    filled: dict[str, Array] = {}
    masked: dict[str, Array] = {}
    for column, values in columns.items() if len(regular.segment) else ():
        rule = rules.rule(column)
        found = stretches(np.isnan(values), regular.segment)
        fillable = found.fillable(rule)
        filled[column] = found.mask(fillable)
        masked[column] = found.mask(~fillable & rule.masks)
        found = found.only(fillable)
        if len(found.start):
            columns[column] = FILL[rule.policy](values, regular.rows.times, found, rule)
    rows = replace(regular.rows, columns=columns)
    return Filled(replace(regular, rows=rows), filled, masked)


def _constant(values: Array, times: Array, found: Stretches, rule: Missing) -> Array:
    """Write the declared value."""
    result = values.copy()
    result[found.rows()] = rule.value
    return result


def _interpolate(values: Array, times: Array, found: Stretches, rule: Missing) -> Array:
    """Fill linearly in time between the value before and the value after each stretch."""
    rows = found.rows()
    left = np.repeat(found.start - 1, found.lengths)
    right = np.repeat(found.stop, found.lengths)
    share = (times[rows] - times[left]) / (times[right] - times[left])
    result = values.copy()
    result[rows] = values[left] + share * (values[right] - values[left])
    return result


def _forward_fill(values: Array, times: Array, found: Stretches, rule: Missing) -> Array:
    """Repeat the value before each stretch."""
    result = values.copy()
    result[found.rows()] = np.repeat(values[found.start - 1], found.lengths)
    return result


FILL: Mapping[str, Callable[[Array, Array, Stretches, Missing], Array]] = {
    "constant": _constant,
    "interpolate": _interpolate,
    "forward_fill": _forward_fill,
}


def problems(regular: Regular, data: Data, rules: Validate) -> list[Problem]:
    """Return the missing values that the columns' policies reject: two problems per column.

    The rows that a policy cuts out are left out already.
    """
    found: list[Problem] = []
    for column in regular.rows.columns:
        rule = rules.rule(column)
        missing = regular.rows.missing(column)
        if rule.policy == "refuse":
            found += _not_allowed(regular, data, column, missing)
        else:
            found += _not_fillable(regular, data, column, missing & (not rule.masks), rule)
    return found


def _remedy(data: Data, column: str) -> str:
    """Return what can be done about missing values that would be invented if they were filled."""
    drop = declarations.drop(data, column)
    if column in data.future_covariates or column in data.categories:
        return f"cut the series there (cut), complete them, or {drop}"
    return (
        f"leave them out of the study (mask), cut the series there (cut), complete them, or {drop}"
    )


def _not_allowed(regular: Regular, data: Data, column: str, missing: Array) -> list[Problem]:
    """Return the problems of a column whose policy is to refuse."""
    rows, inserted = regular.rows, regular.inserted
    key, drop = f"validate.missing.{column}", declarations.drop(data, column)
    masks = column not in data.future_covariates and column not in data.categories
    choice = "mask, cut or forward_fill" if masks else "cut or forward_fill"
    return [
        rows.problem(
            missing & ~inserted,
            column,
            "missing values",
            f"complete them, set the policy of {key} ({choice}), or {drop}",
        ),
        rows.problem(
            missing & inserted,
            column,
            "missing rows that validate.max_gap inserts",
            f"set the policy of {key} ({choice}), or set validate.max_gap to 0, which cuts the "
            "series there instead",
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
    remedy = f"say in validate.missing.{column}.beyond to {_remedy(data, column)}"
    sides = "before and after" if rule.policy == "interpolate" else "before"
    too_long = found.mask(long)
    return [
        regular.rows.problem(
            too_long,
            column,
            f"missing values, more in a row than validate.missing allows (max_run: {rule.max_run})",
            remedy,
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
