"""Checks of single cells, and limits that turn values into missing ones.

Each check returns its problems whether or not a row is affected, so that those of blocks add up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from pipeline.config.data import Data
from pipeline.config.validation import Limits, Validate
from pipeline.tables.declarations import drop
from pipeline.tables.problems import Problem
from pipeline.tables.raw import Describe, RawRows
from pipeline.tables.rows import Array

LARGEST = float(np.finfo(np.float32).max)  # networks learn from 32-bit numbers


def limit(rows: RawRows, rules: Mapping[str, Limits]) -> RawRows:
    """Return the rows with NaN for what lies outside of limits that say `missing`.

    Infinities, and numbers too large for 32 bits, lie outside of all of them.
    """
    columns, removed = dict(rows.columns), {}
    for column, rule in rules.items():
        if column in columns and rule.outside == "missing":
            values = columns[column]
            beyond = outside(values, rule) | (np.abs(values) > LARGEST)
            columns[column] = np.where(beyond, np.nan, values)
            removed[column] = np.where(beyond, values, np.nan)
    return replace(rows, columns=columns, outside=removed)


def outside(values: Array, rule: Limits) -> Array:
    """Return (row,) true where a value lies outside of its limits."""
    low, high = ends(rule)
    return np.asarray((values < low) | (values > high))


def ends(rule: Limits) -> tuple[float, float]:
    """Return the smallest and the largest value that the limits allow."""
    low = -np.inf if rule.min is None else rule.min
    high = np.inf if rule.max is None else rule.max
    return low, high


def cells(rows: RawRows, data: Data, rules: Validate) -> list[Problem]:
    """Return the problems of single cells: texts, values outside of limits, infinities."""
    return [*_text(rows), *_outside(rows, rules.limits), *_infinite(rows)]


def _text(rows: RawRows) -> list[Problem]:
    advice = (
        "write numbers as data.csv says, and missing values as NA or as nothing; a covariate with "
        "few different texts can stand in data.categories"
    )
    fault = "text where a number should be"
    return [
        rows.problem(rows.is_text(column), column, fault, advice, rows.described(texts))
        for column, texts in rows.texts.items()
    ]


def _outside(rows: RawRows, rules: Mapping[str, Limits]) -> list[Problem]:
    """Return values outside of limits that say `refuse`; infinities are a problem of their own."""
    found = []
    for column, rule in rules.items():
        if column in rows.columns and rule.outside == "refuse":
            values = rows.columns[column]
            low, high = ends(rule)
            advice = (
                f"correct them, or change validate.limits.{column} "
                "(outside: missing treats them as missing)"
            )
            bad = outside(values, rule) & np.isfinite(values)
            fault = f"values outside of {low:g} to {high:g}"
            found.append(rows.problem(bad, column, fault, advice, _shown(values)))
    return found


def _infinite(rows: RawRows) -> list[Problem]:
    """Return infinities, and numbers too large for 32 bits."""
    fault = f"infinite values, or beyond {LARGEST:.2g}"
    found = []
    for column, values in rows.columns.items():
        advice = (
            f"correct them, or treat them as missing: limits for {column} with outside: missing, "
            "in validate.limits"
        )
        bad = np.abs(values) > LARGEST
        found.append(rows.problem(bad, column, fault, advice, _shown(values)))
    return found


def _shown(values: Array) -> Describe:
    return lambda row: f"{values[row]:.10g}"


def duplicated(rows: RawRows, data: Data) -> Problem:
    """Return rows whose time the row before has, too."""
    bad = rows.later()
    bad[1:] &= rows.times[1:] == rows.times[:-1]
    advice = "keep one row for each series and time"
    if data.series is None:
        advice += (
            ", or name in data.series the column that identifies a series ({from: filename} where "
            "each file holds one)"
        )
    if len(data.time) == 1:
        advice += "; where the hour stands in a column of its own, name both in data.time"
    return rows.problem(bad, data.time_name, "duplicated timestamps", advice)


def missing(rows: RawRows, data: Data, share: float) -> list[Problem]:
    """Return all missing values; `mostly` says in which series there are too many."""
    allowed = f"validate.max_missing_fraction allows a share of {share:g}"
    return [
        rows.problem(
            rows.missing(column), column, "mostly missing", f"{drop(data, column)} ({allowed})"
        )
        for column in rows.columns
    ]


def mostly(problems: Sequence[Problem], totals: Mapping[str, int], share: float) -> list[Problem]:
    """Return the problems where they affect more than `share` of the rows of a series."""
    chosen = [
        problem.only(
            {name for name, count in problem.counts.items() if count > share * totals[name]}
        )
        for problem in problems
    ]
    return [problem for problem in chosen if problem.counts]
