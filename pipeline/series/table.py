"""The clean table: regular, typed, complete, with a report of all that was done to get there; or one refusal with every finding."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.params import Data, Validate
from pipeline.refusal import Refusal
from pipeline.series import checks, filling, frequency, grid, reading, timestamps
from pipeline.series.grid import Regular
from pipeline.series.readings import Readings
from pipeline.series.rows import Array, Rows


@dataclass(frozen=True)
class Table:
    """Regular rows and their numbers, none missing."""

    rows: Rows
    columns: Mapping[str, Array]  # name -> (row,) float64, in the order of `params.data.columns`


def clean(data: Data, rules: Validate, path: Path) -> tuple[Table, dict[str, Any]]:
    """The table of `path` (a file or a folder) and its report; raises `Refusal` with every finding."""
    if double := checks.roles(data):
        raise Refusal(*double, *checks.idle(data, rules))
    found = reading.read(data, path)
    readings, told, outside = checks.limits(found.readings, rules.limits)
    repeated = checks.repeated(readings, data)
    hopeless = checks.mostly_missing(readings, data, rules.mostly_missing)
    findings = [*checks.idle(data, rules), *found.findings, *repeated, *checks.text(readings), *told, *checks.infinite(readings)]
    findings += [*chain.from_iterable(hopeless.values()), *checks.constant(readings, data)]
    try:
        regular, step = _regular(readings, data, rules.gaps, sound=found.whole and not repeated)
        findings += filling.refused(regular, data, rules, hopeless)
    except Refusal as refusal:
        raise Refusal(*findings, *refusal.findings) from None
    if findings:
        raise Refusal(*findings)
    regular, filled = filling.fill(regular, rules)
    table = _head(Table(_rows(regular), regular.readings.columns), data.rows)
    changes = {"outside": outside, "cuts": regular.cuts, "filled": filled}
    about = {"files": [file.name for file in readings.origins.files], "frequency": step, "unsorted": found.late}
    return table, {"rows": len(table.rows.times), "series": _summary(table.rows), **_reported(changes, table.rows), **about}


def _regular(readings: Readings, data: Data, gaps: int, *, sound: bool) -> tuple[Regular, str]:
    """The table with its gaps filled or cut, and its frequency.

    Raises `Refusal` where times do not fit the frequency; or where times are not `sound`, since what lies between unknown times is unknown.
    """
    offset = frequency.read(data.frequency) if data.frequency else frequency.infer(readings, data.time_zone)
    clocks = frequency.clocks(readings, offset, data.time_zone)
    positions = frequency.positions(readings, clocks)
    off = frequency.off_clock(readings, positions, offset, data.time)
    if off or not sound:
        raise Refusal(*off)
    return grid.regular(readings, clocks, positions, gaps), offset.freqstr


def _rows(table: Regular) -> Rows:
    return Rows(table.readings.names, table.readings.series, table.readings.times, table.segment)


def _head(table: Table, count: int | None) -> Table:
    """The first `count` rows of each series, or all."""
    if count is None:
        return table
    rows = table.rows
    kept = np.concatenate([np.arange(part.start, min(part.stop, part.start + count)) for part in rows.slices()])
    segment = np.unique(rows.segment[kept], return_inverse=True)[1].astype(np.int32)
    return Table(Rows(rows.names, rows.series[kept], rows.times[kept], segment), {name: values[kept] for name, values in table.columns.items()})


def _reported(changes: Mapping[str, list[dict[str, Any]]], rows: Rows) -> dict[str, list[dict[str, Any]]]:
    """The changes to `rows`, without those to rows behind the last one that was taken."""
    last = {name: rows.times[part.stop - 1] for name, part in zip(rows.names, rows.slices(), strict=True)}
    return {kind: [entry for entry in entries if np.datetime64(entry["time"][:-1]) <= last[entry["series"]]] for kind, entries in changes.items()}


def _summary(rows: Rows) -> dict[str, Any]:
    return {
        name: {
            "rows": part.stop - part.start,
            "first": timestamps.label(rows.times[part.start]),
            "last": timestamps.label(rows.times[part.stop - 1]),
            "segments": int(rows.segment[part.stop - 1] - rows.segment[part.start]) + 1,
        }
        for name, part in zip(rows.names, rows.slices(), strict=True)
    }
