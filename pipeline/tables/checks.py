"""What is refused of single cells and whole columns, before the table is made regular."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.config.sections import Data, Limits, Validate
from pipeline.tables import rows, timestamps
from pipeline.tables.faults import Fault
from pipeline.tables.readings import Readings, Strange
from pipeline.tables.rows import Array

LARGEST = float(np.finfo(np.float32).max)  # the arrays that networks learn from hold 32-bit numbers
DEFAULT = "default"  # the entry of validate.missing that holds for columns without one


def roles(data: Data) -> list[str]:
    """Columns that `params.yaml` gives two roles, or that would take the name of one of ours."""
    used = [data.time, *([data.series] if data.series else []), *data.columns]
    return [
        *(
            f"params.yaml: data: column {name!r} is named {used.count(name)} times; give it one role"
            for name in dict.fromkeys(used)
            if used.count(name) > 1
        ),
        *(
            f"params.yaml: data: the clean table needs the name {name!r} for itself; rename that column"
            for name in data.columns
            if name in rows.NAMES
        ),
    ]


def idle(data: Data, rules: Validate) -> list[str]:
    """Rules for columns that are not used."""
    keys = [
        f"validate.missing.{name}" for name in rules.missing if name not in (*data.columns, DEFAULT)
    ]
    keys += [f"validate.limits.{name}" for name in rules.limits if name not in data.columns]
    known = f"use one of data.targets and data.covariates: {', '.join(data.columns)}"
    return [f"params.yaml: {key}: there is no such column; {known}" for key in keys]


def drop(data: Data, column: str) -> str:
    """Where a column is taken out of the study."""
    return f"drop it from data.{'targets' if column in data.targets else 'covariates'}"


def text(readings: Readings) -> list[Fault]:
    """Text in place of numbers."""
    advice = "write numbers with a decimal point, and missing values as NA or as nothing"
    return [
        readings.fault(
            readings.text(column),
            column,
            "text where a number should be",
            advice,
            readings.written(strange),
        )
        for column, strange in readings.strange.items()
    ]


def limits(
    readings: Readings, rules: Mapping[str, Limits]
) -> tuple[Readings, list[Fault], list[dict[str, Any]]]:
    """The readings with NaN for values outside of limits that say `missing`; faults where they say `refuse`; the values replaced."""
    columns = dict(readings.columns)
    faults: list[Fault] = []
    replaced: list[dict[str, Any]] = []
    for column, rule in rules.items():
        if column not in columns:
            continue
        values = columns[column]
        low, high = (
            -np.inf if rule.min is None else rule.min,
            np.inf if rule.max is None else rule.max,
        )
        outside = (values < low) | (values > high)
        if rule.outside == "missing":
            columns[column] = np.where(outside, np.nan, values)
            replaced += [
                cell(readings, row, column, value=_plain(values[row]))
                for row in np.flatnonzero(outside)
            ]
        else:
            advice = f"correct them, or change validate.limits.{column} (outside: missing treats them as missing)"
            faults.append(
                readings.fault(
                    outside & np.isfinite(values),
                    column,
                    f"values outside of {low:g} to {high:g}",
                    advice,
                    _shown(values),
                )
            )
    return replace(readings, columns=columns), faults, replaced


def cell(
    readings: Readings, row: int | np.integer[Any], column: str, **more: Any
) -> dict[str, Any]:
    """One cell as a report names it."""
    return {
        "series": readings.names[readings.series[row]],
        "time": timestamps.label(readings.times[row]),
        "column": column,
        **more,
    }


def _plain(value: float) -> float | str:
    return float(value) if np.isfinite(value) else str(value)


def _shown(values: Array) -> Callable[[int], str]:
    return lambda row: f"{values[row]:.10g}"


def infinite(readings: Readings) -> list[Fault]:
    """Infinities, and numbers too large for 32 bits."""
    fault = f"infinite values, or beyond {LARGEST:.2g}"
    advice = "correct them, or treat them as missing: limits for {} with outside: missing, in validate.limits"
    return [
        readings.fault(
            np.abs(values) > LARGEST, column, fault, advice.format(column), _shown(values)
        )
        for column, values in readings.columns.items()
    ]


def repeated(readings: Readings, data: Data) -> Fault:
    """Rows whose time another row of the same series has."""
    again = np.zeros(len(readings.times), bool)
    again[1:] = (readings.times[1:] == readings.times[:-1]) & (
        readings.series[1:] == readings.series[:-1]
    )
    split = "" if data.series else ", or name in data.series the column that tells series apart"
    return readings.fault(
        again,
        data.time,
        "rows with the time of another row",
        f"keep one row for each series and time{split}",
    )


def missing(readings: Readings, data: Data, share: float) -> list[Fault]:
    """Missing values of each column; `mostly` says of which series too many are."""
    allowed = f"validate.mostly_missing allows a share of {share:g}"
    return [
        readings.fault(
            readings.missing(column), column, "mostly missing", f"{drop(data, column)} ({allowed})"
        )
        for column in readings.columns
    ]


def mostly(faults: Sequence[Fault], totals: Mapping[str, int], share: float) -> list[Fault]:
    """The faults of columns and series in which more than `share` of the values are missing."""
    chosen = [
        fault.only({name for name, count in fault.counts.items() if count > share * totals[name]})
        for fault in faults
    ]
    return [fault for fault in chosen if fault.counts]


class Constant:
    """Columns that hold one and the same number in all series, as far as has been seen."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.varying: set[str] = set()
        self.known: dict[
            str, tuple[float, Fault]
        ] = {}  # column -> its one number, and where it stands

    def see(self, readings: Readings) -> None:
        """The next rows."""
        for column, values in readings.columns.items():
            if column not in self.varying and not np.isnan(values).all():
                self._see(readings, column, float(np.nanmin(values)), float(np.nanmax(values)))

    def _see(self, readings: Readings, column: str, low: float, high: float) -> None:
        value, so_far = self.known.pop(column, (low, None))
        if not low == value == high:
            self.varying.add(column)
            return
        advice = f"nothing can be learned from it: {drop(self.data, column)}"
        here = readings.fault(
            ~np.isnan(readings.columns[column]),
            column,
            f"the same value {value:.10g} everywhere",
            advice,
        )
        self.known[column] = value, so_far + here if so_far else here

    def faults(self, strange: Mapping[str, Strange]) -> list[Fault]:
        """Of columns with at least two values and no text."""
        return [
            fault
            for column, (_, fault) in sorted(self.known.items(), key=self._place)
            if sum(fault.counts.values()) > 1 and not len(strange[column].origins)
        ]

    def _place(self, entry: tuple[str, Any]) -> int:
        return self.data.columns.index(entry[0])
