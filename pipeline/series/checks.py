"""What is refused of single cells and whole columns, before the table is made regular."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.params import Data, Limits, Validate
from pipeline.series import rows, timestamps
from pipeline.series.readings import Readings
from pipeline.series.rows import Array

LARGEST = float(np.finfo(np.float32).max)  # the arrays that networks learn from hold 32-bit numbers
DEFAULT = "default"  # the entry of validate.missing that holds for columns without one


def roles(data: Data) -> list[str]:
    """Columns that `params.yaml` gives two roles, or that would take the name of one of ours."""
    used = [data.time, *([data.series] if data.series else []), *data.columns]
    return [
        *(f"params.yaml: data: column {name!r} is named {used.count(name)} times; give it one role" for name in dict.fromkeys(used) if used.count(name) > 1),
        *(f"params.yaml: data: the clean table needs the name {name!r} for itself; rename that column" for name in data.columns if name in rows.NAMES),
    ]


def idle(data: Data, rules: Validate) -> list[str]:
    """Rules for columns that are not used."""
    keys = [f"validate.missing.{name}" for name in rules.missing if name not in (*data.columns, DEFAULT)]
    keys += [f"validate.limits.{name}" for name in rules.limits if name not in data.columns]
    known = f"use one of data.targets and data.covariates: {', '.join(data.columns)}"
    return [f"params.yaml: {key}: there is no such column; {known}" for key in keys]


def drop(data: Data, column: str) -> str:
    """Where a column is taken out of the study."""
    return f"drop it from data.{'targets' if column in data.targets else 'covariates'}"


def text(readings: Readings) -> list[str]:
    """Text in place of numbers."""
    findings: list[str] = []
    for column, strange in readings.strange.items():
        bad = np.isin(readings.origin, strange.origins)
        advice = "write numbers with a decimal point, and missing values as NA or as nothing"
        findings += readings.tell(bad, column, "text where a number should be", advice, readings.written(strange))
    return findings


def limits(readings: Readings, rules: Mapping[str, Limits]) -> tuple[Readings, list[str], list[dict[str, Any]]]:
    """The readings with NaN for values outside of limits that say `missing`; findings where they say `refuse`; the values replaced."""
    columns = dict(readings.columns)
    findings: list[str] = []
    replaced: list[dict[str, Any]] = []
    for column, rule in rules.items():
        if column not in columns:
            continue
        values = columns[column]
        low, high = -np.inf if rule.min is None else rule.min, np.inf if rule.max is None else rule.max
        outside = (values < low) | (values > high)
        if rule.outside == "missing":
            columns[column] = np.where(outside, np.nan, values)
            replaced += [cell(readings, row, column, value=_plain(values[row])) for row in np.flatnonzero(outside)]
        else:
            advice = f"correct them, or change validate.limits.{column} (outside: missing treats them as missing)"
            findings += readings.tell(outside & np.isfinite(values), column, f"values outside of {low:g} to {high:g}", advice, _shown(values))
    return replace(readings, columns=columns), findings, replaced


def cell(readings: Readings, row: int | np.integer[Any], column: str, **more: Any) -> dict[str, Any]:
    """One cell as a report names it."""
    return {"series": readings.names[readings.series[row]], "time": timestamps.label(readings.times[row]), "column": column, **more}


def _plain(value: float) -> float | str:
    return float(value) if np.isfinite(value) else str(value)


def _shown(values: Array) -> Callable[[int], str]:
    return lambda row: f"{values[row]:.10g}"


def infinite(readings: Readings) -> list[str]:
    """Infinities, and numbers too large for 32 bits."""
    findings: list[str] = []
    for column, values in readings.columns.items():
        advice = f"correct them, or treat them as missing: limits for {column} with outside: missing, in validate.limits"
        findings += readings.tell(np.abs(values) > LARGEST, column, f"infinite values, or beyond {LARGEST:.2g}", advice, _shown(values))
    return findings


def repeated(readings: Readings, data: Data) -> list[str]:
    """Rows whose time another row of the same series has."""
    again = np.zeros(len(readings.times), bool)
    again[1:] = (readings.times[1:] == readings.times[:-1]) & (readings.series[1:] == readings.series[:-1])
    split = "" if data.series else ", or name in data.series the column that tells series apart"
    return readings.tell(again, data.time, "rows with the time of another row", f"keep one row for each series and time{split}")


def mostly_missing(readings: Readings, data: Data, share: float) -> dict[str, list[str]]:
    """Column -> findings, for columns in which more than `share` of a series' values are missing."""
    findings: dict[str, list[str]] = {}
    for column in readings.columns:
        missing = readings.missing(column)
        counts = np.bincount(readings.series[missing], minlength=len(readings.names))
        advice = f"{drop(data, column)} (validate.mostly_missing allows a share of {share:g})"
        if told := readings.tell(missing & (counts > share * readings.counts())[readings.series], column, "mostly missing", advice):
            findings[column] = told
    return findings


def constant(readings: Readings, data: Data) -> list[str]:
    """Columns that hold one and the same number in all series."""
    findings: list[str] = []
    for column, values in readings.columns.items():
        known = values[~np.isnan(values)]
        if len(known) > 1 and known.min() == known.max() and not len(readings.strange[column].origins):
            findings += readings.tell(
                ~np.isnan(values), column, f"the same value {known[0]:.10g} everywhere", f"nothing can be learned from it: {drop(data, column)}"
            )
    return findings
