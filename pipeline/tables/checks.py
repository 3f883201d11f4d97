"""Checks of single cells and whole columns, and limits that turn values into missing ones.

Each check returns its problems whether or not a row is affected, so that those of blocks add up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from pipeline.config.data import Data
from pipeline.config.validation import Limits, Validate
from pipeline.tables import rows as table
from pipeline.tables import timestamps
from pipeline.tables.problems import Problem
from pipeline.tables.raw import Describe, RawRows, Texts
from pipeline.tables.report import Entry
from pipeline.tables.rows import Array

LARGEST = float(np.finfo(np.float32).max)  # networks learn from 32-bit numbers
DEFAULT = "default"  # the entry of validate.missing for columns without one of their own


def roles(data: Data) -> list[str]:
    """Return findings about columns with two roles, or with a name of the clean table's."""
    used = [*data.time, *([data.series_column] if data.series_column else []), *data.columns]
    findings = [
        f"params.yaml: data: column {name!r} is named {used.count(name)} times; give it one role"
        for name in dict.fromkeys(used)
        if used.count(name) > 1
    ]
    reserved = [name for name in data.columns if name in table.NAMES]
    findings += [
        f"params.yaml: data: the name {name!r} is reserved for the clean table; rename that column"
        for name in reserved
    ]
    return findings


def unused(data: Data, rules: Validate) -> list[str]:
    """Return findings about rules for columns that are not used."""
    allowed = (*data.columns, DEFAULT)
    keys = [f"validate.missing.{name}" for name in rules.missing if name not in allowed]
    keys += [f"validate.limits.{name}" for name in rules.limits if name not in data.columns]
    choice = f"use one of data.targets and data.past_covariates: {', '.join(data.columns)}"
    return [f"params.yaml: {key}: no such column is used; {choice}" for key in keys]


def drop(data: Data, column: str) -> str:
    """Return the advice to take a column out of the study."""
    return f"drop it from data.{'targets' if column in data.targets else 'past_covariates'}"


def limit(rows: RawRows, rules: Mapping[str, Limits]) -> RawRows:
    """Return the rows with NaN for values outside of limits that say `missing`."""
    columns, outside = dict(rows.columns), {}
    for column, rule in rules.items():
        if column in columns and rule.outside == "missing":
            values = columns[column]
            beyond = _beyond(values, rule)
            columns[column] = np.where(beyond, np.nan, values)
            outside[column] = np.where(beyond, values, np.nan)
    return replace(rows, columns=columns, outside=outside)


def _beyond(values: Array, rule: Limits) -> Array:
    low, high = _ends(rule)
    return np.asarray((values < low) | (values > high))


def _ends(rule: Limits) -> tuple[float, float]:
    low = -np.inf if rule.min is None else rule.min
    high = np.inf if rule.max is None else rule.max
    return low, high


def limited(rows: RawRows) -> list[Entry]:
    """Return the report's entries about values that `limit` turned into missing ones."""
    entries: list[Entry] = []
    for column, values in rows.outside.items():
        for row in np.flatnonzero(~np.isnan(values) & ~rows.context).tolist():
            value = float(values[row])
            shown = value if np.isfinite(value) else str(value)
            entries.append(entry(rows, row, column, value=shown))
    return entries


def entry(rows: RawRows, row: int, column: str, **more: object) -> Entry:
    """Return one cell as the report names it."""
    return {
        "series": rows.names[rows.series[row]],
        "time": timestamps.label(rows.times[row]),
        "column": column,
        **more,
    }


def cells(rows: RawRows, data: Data, rules: Validate) -> list[Problem]:
    """Return the problems of single cells: texts, values outside of limits, infinities."""
    return [*_text(rows), *_outside(rows, rules.limits), *_infinite(rows)]


def _text(rows: RawRows) -> list[Problem]:
    advice = "write numbers with a decimal point, and missing values as NA or as nothing"
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
            low, high = _ends(rule)
            advice = (
                f"correct them, or change validate.limits.{column} "
                "(outside: missing treats them as missing)"
            )
            bad = _beyond(values, rule) & np.isfinite(values)
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
        advice += ", or name in data.series the column that identifies a series"
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


class Constant:
    """Columns that hold one and the same number in all series, as far as has been seen."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.varying: set[str] = set()
        self.single: dict[str, tuple[float, Problem]] = {}  # column -> its number, and where

    def add(self, rows: RawRows) -> None:
        """Look at the next rows."""
        for column, values in rows.columns.items():
            if column in self.varying or np.isnan(values).all():
                continue
            low, high = float(np.nanmin(values)), float(np.nanmax(values))
            value, before = self.single.pop(column, (low, None))
            if not low == value == high:
                self.varying.add(column)
                continue
            fault = f"the same value {value:.10g} everywhere"
            advice = f"nothing can be learned from it: {drop(self.data, column)}"
            here = rows.problem(~np.isnan(values), column, fault, advice)
            self.single[column] = value, before + here if before else here

    def problems(self, texts: Mapping[str, Texts]) -> list[Problem]:
        """Return those of columns with at least two values and no text."""
        found = []
        for column in self.data.columns:
            if column in self.single and not len(texts[column].numbers):
                _, problem = self.single[column]
                if sum(problem.counts.values()) > 1:
                    found.append(problem)
        return found
