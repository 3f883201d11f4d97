"""Recent rows to forecast from: the newest `lookback` rows of each series, cleaned as for training.

Reading, limits, gaps and filling are those of `pipeline.tables`. Only the rows that a forecast
looks at must be sound; older rows, where they are sound, serve to fill missing values that the
window starts with. Nothing looks ahead of the newest row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.config.data import Data
from pipeline.config.validation import Missing, Validate
from pipeline.core.errors import InputError
from pipeline.tables import checks, clocks, filling, frequency, problems, reading, steps
from pipeline.tables.grid import Regular
from pipeline.tables.problems import Problem
from pipeline.tables.raw import RawRows
from pipeline.tables.rows import Array
from pipeline.tables.steps import Checked


@dataclass(frozen=True)
class Form:
    """What recent rows must look like.

    Columns, times and rules are those of `params.yaml`; `lookback` is how many rows a forecast
    needs, `series` those that the forecaster was trained on.
    """

    data: Data
    rules: Validate
    frequency: str
    lookback: int
    series: Sequence[str]


@dataclass(frozen=True)
class Recent:
    """One window per series, in real units.

    `times` (window, lookback) are datetime64[ns] in UTC, `values` are (window, lookback, column).
    `filled` is column -> number of values that were missing.
    """

    series: Sequence[str]
    times: Array
    values: Array
    filled: Mapping[str, int]


def read(form: Form, path: Path) -> Recent:
    """Return the last `lookback` rows of each series in a file or folder.

    Raises `InputError` with every finding about them.
    """
    raw, findings = reading.read_in_memory(form.data, path)
    rows = _with_history(form, checks.limit(raw, form.rules.limits))
    checked = _check(form, rows)
    regular = checked.regular or Regular(rows, rows.series, [])
    table = replace(regular, rows=regular.rows.newest(form.lookback))
    complete = filling.fill(table, form.rules).regular
    found = [*checked.cells, *_missing(form, complete), *_times(form, checked, table)]
    findings = [
        *findings,
        *_unknown(form, rows),
        *_too_few(form, table.rows),
        *problems.findings(found, path, rows.totals()),
    ]
    if findings:
        raise InputError(*findings)
    return _windows(form, table.rows, complete.rows)


def _windows(form: Form, given: RawRows, complete: RawRows) -> Recent:
    """Return the newest rows as windows; of the values `given`, some may have been filled."""
    newest = ~complete.context
    shape = (len(complete.names), form.lookback)
    columns = form.data.columns
    values = [complete.columns[column][newest].reshape(shape) for column in columns]
    filled = {column: int(np.isnan(given.columns[column][newest]).sum()) for column in columns}
    return Recent(
        complete.names,
        complete.times[newest].reshape(shape),
        np.stack(values, axis=-1),
        {column: count for column, count in filled.items() if count},
    )


def _with_history(form: Form, rows: RawRows) -> RawRows:
    """Return the newest rows of each series and, as context, older ones that can fill the first.

    The older ones are left out where one of them, or the first of the newest, is unsound.
    """
    rules = [form.rules.rule(column) for column in form.data.columns]
    reach = max((rule.longest for rule in rules), default=0)
    kept = []
    for own in rows.slices():
        first = max(own.start, own.stop - form.lookback)
        start = max(own.start, first - reach)
        checked = _check(form, rows.part(start, first + 1))
        unsound = any(problem.counts for problem in checked.cells) or not checked.regular
        kept.append(np.arange(first if unsound else start, own.stop))
    return rows.take(np.concatenate(kept)).newest(form.lookback)


def _check(form: Form, rows: RawRows) -> Checked:
    """Check rows as those of the training table; their clock starts at the first of them."""
    offset = frequency.read(form.frequency)
    series_clocks = clocks.clocks(rows, offset, form.data.time_zone)
    return steps.check(rows, form.data, form.rules, offset, series_clocks)


def _unknown(form: Form, rows: RawRows) -> list[str]:
    """Return findings about series that the forecaster was not trained on."""
    trained = ", ".join(form.series)
    return [
        f"{_place(form, rows, name)}: is not one that the forecaster was trained on ({trained}); "
        "leave it out, or train with it"
        for name in rows.names
        if name not in form.series
    ]


def _too_few(form: Form, rows: RawRows) -> list[str]:
    """Return findings about series that are shorter than a window."""
    return [
        f"{_place(form, rows, name)}: has {count} rows; a forecast looks at the last "
        f"{form.lookback}, so give at least as many"
        for name, count in rows.totals().items()
        if count < form.lookback
    ]


def _place(form: Form, rows: RawRows, name: str) -> str:
    column = f"column {form.data.series_column!r}, " if form.data.series_column else ""
    return f"{rows.numbering.path}: {column}series {name!r}"


def _missing(form: Form, complete: Regular) -> list[Problem]:
    """Return the values that are missing still after filling."""
    rows = complete.rows
    found = []
    for column in rows.columns:
        advice = f"complete them: {_fillable(form.rules.rule(column))}"
        found.append(rows.problem(rows.missing(column), column, "missing values", advice))
    return found


def _fillable(rule: Missing) -> str:
    """Return what the forecaster fills by itself, in words."""
    if rule.policy == "refuse":
        return "a forecast is made from nothing but measured values of this column"
    sides = "between two values" if rule.policy == "interpolate" else "after a value"
    return (
        f"up to {rule.max_run} in a row are filled ({rule.policy}), where they stand {sides}; "
        "older rows in the input may help"
    )


def _times(form: Form, checked: Checked, table: Regular) -> list[Problem]:
    """Return duplicated times; else times off the frequency; else gaps too long to be filled."""
    if checked.duplicated.counts or not checked.off:
        return [checked.duplicated]
    if checked.off.counts:
        advice = "correct them, or leave out the rows that do not belong to the series"
        return [replace(checked.off, advice=advice)]
    rows = table.rows
    inside = np.append(False, ~rows.context[:-1])  # (row,) the row before is in the window, too
    allowed = f" or after a gap of up to {form.rules.max_gap}" if form.rules.max_gap else ""
    fault = f"times that are not one step ({form.frequency}) after the row before{allowed}"
    advice = (
        f"a forecast needs the last {form.lookback} rows without a gap; "
        "complete the table, or wait until it has so many again"
    )
    return [rows.problem(table.cut() & inside, form.data.time_name, fault, advice)]
