"""Recent rows to forecast from: read, refused and filled as `validate` does it, but nothing is filled from what comes after the newest row.

Only the rows that a forecast looks at count; the rows before them serve to fill a hole that the first of them lies in, where they are sound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.config.sections import Data, Missing, Validate
from pipeline.core.errors import InputError
from pipeline.tables import checks, filling, frequency, grid, reading
from pipeline.tables.filling import Runs
from pipeline.tables.grid import Regular
from pipeline.tables.readings import Readings
from pipeline.tables.rows import Array


@dataclass(frozen=True)
class Form:
    """What recent rows must look like: columns, times and rules as in `params.yaml`, how many rows are needed, which series are known."""

    data: Data
    rules: Validate
    frequency: str
    lookback: int
    series: Sequence[str]


@dataclass(frozen=True)
class Recent:
    """One window per series: its name, times (window, lookback) datetime64[ns] in UTC, measured values (window, lookback, column) in real units.

    `filled` is column -> number of values that were missing.
    """

    series: Sequence[str]
    times: Array
    values: Array
    filled: Mapping[str, int]


def read(form: Form, path: Path) -> Recent:
    """The last `lookback` rows of each series in the file or folder; raises `InputError` with every finding about them."""
    found = reading.read(form.data, path)
    near = checks.limits(_near(form, found.readings), form.rules.limits)[0]
    newest = near.take(_last(near, form.lookback))
    irregular = _irregular(form, newest)
    table = (
        Regular(near, near.series, np.zeros(len(near.times), bool), [])
        if irregular
        else _regular(form, near)
    )
    seen = _last(table.readings, form.lookback)
    findings = [
        *found.findings,
        *_unknown(form, newest),
        *_few(form, table.readings),
        *_faulty(form, newest),
        *_missing(form, table, seen),
        *(irregular or _cuts(form, table, seen)),
    ]
    if findings:
        raise InputError(*findings)
    return _windows(form, table, seen)


def _windows(form: Form, table: Regular, seen: Array) -> Recent:
    """The `seen` rows as windows, none of their values missing: `_missing` has found nothing."""
    readings, shape = table.readings, (len(table.readings.names), form.lookback)
    values = [_filled(form, table, column)[seen].reshape(shape) for column in form.data.columns]
    holes = {
        column: int(np.isnan(readings.columns[column][seen]).sum()) for column in form.data.columns
    }
    return Recent(
        readings.names,
        readings.times[seen].reshape(shape),
        np.stack(values, axis=-1),
        {column: count for column, count in holes.items() if count},
    )


def _near(form: Form, readings: Readings) -> Readings:
    """The newest rows of each series: those that are looked at, and before them those that can fill the first of them, unless one of these is unsound."""
    rules = [filling.policy(form.rules, column) for column in form.data.columns]
    reach = max((rule.up_to for rule in rules if rule.policy != "refuse"), default=0)
    rows = []
    for code, part in enumerate(readings.slices()):
        first = max(part.start, part.stop - form.lookback)
        before = np.arange(max(part.start, first - reach), first + 1)
        alone = replace(
            readings.take(before),
            names=(readings.names[code],),
            series=np.zeros(len(before), np.int32),
        )
        unsound = _faulty(form, alone) or _irregular(form, alone)
        rows.append(np.arange(first if unsound else before[0], part.stop))
    return readings.take(np.concatenate(rows))


def _last(readings: Readings, count: int) -> Array:
    """Rows: the last `count` of each series."""
    return np.concatenate(
        [np.arange(max(part.start, part.stop - count), part.stop) for part in readings.slices()]
    )


def _steps(form: Form, readings: Readings) -> tuple[list[frequency.Clock], Array]:
    """The clock of each series, and where on it each row stands."""
    clocks = frequency.clocks(readings, frequency.read(form.frequency), form.data.time_zone)
    return clocks, frequency.positions(readings, clocks)


def _regular(form: Form, readings: Readings) -> Regular:
    """With the rows of gaps that the rules fill; `_irregular` has found nothing."""
    return grid.regular(readings, *_steps(form, readings), form.rules.gaps)


def _able(found: Runs, rule: Missing) -> Array:
    """(run,) true where the policy fills a stretch; behind one that reaches the newest row stands no value to interpolate to."""
    sides = found.before & (found.after | (rule.policy == "forward_fill"))
    able: Array = sides & (found.stop - found.start <= rule.up_to) & (rule.policy != "refuse")
    return able


def _filled(form: Form, table: Regular, column: str) -> Array:
    """The values of a column (row,) with every stretch filled that may be."""
    values, rule = table.readings.columns[column], filling.policy(form.rules, column)
    found = filling.runs(np.isnan(values), table.segment)
    able = _able(found, rule)
    chosen = replace(found, start=found.start[able], stop=found.stop[able])
    return filling.FILL[rule.policy](values, table.readings.times, chosen) if able.any() else values


def _place(form: Form, readings: Readings, code: int) -> str:
    column = f"column {form.data.series!r}, " if form.data.series else ""
    return f"{readings.origins.path}: {column}series {readings.names[code]!r}"


def _unknown(form: Form, readings: Readings) -> list[str]:
    known = ", ".join(form.series)
    strangers = [code for code, name in enumerate(readings.names) if name not in form.series]
    return [
        f"{_place(form, readings, code)}: is not one that the forecaster was trained on ({known}); leave it out, or train with it"
        for code in strangers
    ]


def _few(form: Form, readings: Readings) -> list[str]:
    short = [(code, count) for code, count in enumerate(readings.counts()) if count < form.lookback]
    return [
        f"{_place(form, readings, code)}: has {count} rows; a forecast looks at the last {form.lookback}, so give at least as many"
        for code, count in short
    ]


def _faulty(form: Form, readings: Readings) -> list[str]:
    """Cells that hold what they must not."""
    return readings.told(
        [
            *checks.text(readings),
            *checks.limits(readings, form.rules.limits)[1],
            *checks.infinite(readings),
        ]
    )


def _missing(form: Form, table: Regular, seen: Array) -> list[str]:
    """Values that are missing in `seen` rows, and that the columns' policies do not fill."""
    findings: list[str] = []
    for column in table.readings.columns:
        rule = filling.policy(form.rules, column)
        found = filling.runs(table.readings.missing(column), table.segment)
        hopeless = found.mask(~_able(found, rule))[seen]
        findings += table.readings.take(seen).tell(
            hopeless, column, "missing values", f"complete them: {_allowed(rule)}"
        )
    return findings


def _allowed(rule: Missing) -> str:
    """What the forecaster fills by itself."""
    if rule.policy == "refuse":
        return "a forecast is made from nothing but measured values of this column"
    sides = "between two values" if rule.policy == "interpolate" else "behind a value"
    return f"up to {rule.up_to} in a row are filled ({rule.policy}), where they stand {sides}; more rows before them may help"


def _irregular(form: Form, readings: Readings) -> list[str]:
    """Times that are there twice, or off the clock of the first."""
    if repeated := readings.told([checks.repeated(readings, form.data)]):
        return repeated
    off = _steps(form, readings)[1] == frequency.OFF
    advice = "correct them, or leave out the rows that do not belong to the series"
    return readings.tell(
        off,
        form.data.time,
        f"times off the frequency ({form.frequency}), counted from the first row that a forecast looks at",
        advice,
    )


def _cuts(form: Form, table: Regular, seen: Array) -> list[str]:
    """Times behind a gap that is too long to be filled."""
    readings, segment = table.readings.take(seen), table.segment[seen]
    jump = np.append(
        False, (readings.series[1:] == readings.series[:-1]) & (segment[1:] != segment[:-1])
    )
    allowed = f" or behind a gap of up to {form.rules.gaps}" if form.rules.gaps else ""
    advice = f"a forecast needs the last {form.lookback} rows without a gap; complete the table, or wait until it has so many again"
    return readings.tell(
        jump,
        form.data.time,
        f"times that are not one step ({form.frequency}) behind the row before{allowed}",
        advice,
    )
