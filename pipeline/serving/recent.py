"""Recent rows to forecast from: the newest `lookback` rows of each series, cleaned as for training.

Reading, limits, gaps, cuts and filling are those of `pipeline.tables`. Only the rows that a
forecast looks at must be sound; older rows, where they are sound, serve to fill missing values that
the window starts with. Nothing looks ahead of the origin (`origins`) but the future covariates
(`ahead`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.config.validation import Missing
from pipeline.core.errors import InputError
from pipeline.series.features import Block
from pipeline.serving import ahead, origins
from pipeline.serving.ahead import Ahead
from pipeline.serving.form import INPUT, Form, cells, nothing
from pipeline.tables import checks, filling, problems, reading
from pipeline.tables.filling import Filled
from pipeline.tables.grid import Regular
from pipeline.tables.problems import Problem
from pipeline.tables.raw import RawRows
from pipeline.tables.rows import Array
from pipeline.tables.steps import Checked


@dataclass(frozen=True, eq=False)
class Recent:
    """One window for each series, in units.

    `block` holds, for each series, older rows that may fill the window, the rows of the window from
    row `starts` (window,) on, and those of the horizon, whose `times` are (window, horizon).
    `remarks` are sentences for the user.
    """

    series: Sequence[str]
    block: Block
    starts: Array
    times: Array
    remarks: Sequence[str]


def read(form: Form, path: Path, future: Path | None = None) -> Recent:
    """Return the windows of recent rows, a file or folder; another one may hold future covariates.

    Raises `InputError` with every finding about them.
    """
    raw, findings = reading.read_in_memory(form.data, path, INPUT)
    limited = checks.limit(raw, form.rules.limits)
    is_past = origins.past(form, raw)
    if not is_past.any():
        raise InputError(*findings, *_unknown(form, raw), *_too_few(form, raw, {}))
    rows = _with_history(form, _present(limited.take(is_past)))
    checked = form.check(rows)
    regular = checked.regular or Regular(rows, rows.series, [])
    table = replace(regular, rows=regular.rows.newest(form.lookback))
    filled = filling.fill(table, form.rules)
    newest = _newest(table.rows)
    known = ahead.look(form, limited, newest, future)
    found = [*checked.cells, *_missing(form, filled), *_times(form, checked, table)]
    findings = [
        *findings,
        *_unknown(form, raw),
        *_too_few(form, raw, table.rows.totals()),
        *problems.findings(found, path, rows.totals()),
        *known.findings,
    ]
    if findings:
        raise InputError(*findings)
    block, starts = _windows(form, filled.regular, known)
    remarks = [*origins.remarks(form, raw, is_past, newest), *known.remarks]
    return Recent(
        table.rows.names, block, starts, known.times, [*remarks, *_changes(filled, known)]
    )


def _present(rows: RawRows) -> RawRows:
    """Return the rows with the names of those series only that have some."""
    codes, series = np.unique(rows.series, return_inverse=True)
    names = tuple(rows.names[code] for code in codes)
    return replace(rows, names=names, series=series.astype(np.int32))


def _newest(rows: RawRows) -> dict[str, np.datetime64]:
    """Return the newest time of each series that has rows."""
    ends = ((name, own) for name, own in zip(rows.names, rows.slices(), strict=True))
    return {name: rows.times[own.stop - 1] for name, own in ends if own.stop > own.start}


def _windows(form: Form, table: Regular, known: Ahead) -> tuple[Block, Array]:
    """Return the rows of all windows, one window after another, and where each starts."""
    rows = table.rows
    kept = [slice(own.stop - form.lookback, own.stop) for own in rows.slices()]
    columns = {name: _continued(rows, name, kept, known) for name in form.data.columns}
    times = [
        part
        for own, steps in zip(kept, known.times, strict=True)
        for part in (rows.times[own], steps)
    ]
    codes = np.array([form.series.index(name) for name in rows.names])
    length = form.lookback + form.horizon
    block = Block(columns, np.repeat(codes, length), np.concatenate(times))
    return block, length * np.arange(len(codes))


def _continued(rows: RawRows, column: str, kept: Sequence[slice], known: Ahead) -> Array:
    """Return the `kept` rows of each series with those of its horizon after them, (row,)."""
    values = cells(rows, column)
    blank = np.tile(nothing(values, known.times.shape[1]), (len(kept), 1))
    steps = known.columns.get(column, blank)
    parts = zip(kept, steps, strict=True)
    return np.concatenate([piece for own, later in parts for piece in (values[own], later)])


def _with_history(form: Form, rows: RawRows) -> RawRows:
    """Return the newest rows of each series and, as context, older ones that can fill the first.

    These are as many as the policies reach back for; none where they are not sound.
    """
    rules = [form.rules.rule(column) for column in form.data.columns]
    reach = max((rule.longest for rule in rules), default=0)
    kept = [np.empty(0, np.int64)]
    for own in rows.slices():
        first = max(own.start, own.stop - form.lookback)
        nearest = max(own.start, first - reach)
        start = nearest if _sound(form, rows, nearest, first) else first
        kept.append(np.arange(start, own.stop))
    return rows.take(np.concatenate(kept)).newest(form.lookback)


def _sound(form: Form, rows: RawRows, start: int, first: int) -> bool:
    """Return whether the rows from `start` to the `first` one of a window are as in training."""
    if start == first:
        return True
    checked = form.check(rows.part(start, first + 1))
    return not any(problem.counts for problem in checked.cells) and checked.regular is not None


def _unknown(form: Form, rows: RawRows) -> list[str]:
    """Return findings about series that the forecaster was not trained on."""
    trained = ", ".join(form.series)
    return [
        f"{form.place(rows, name)}: is not one that the forecaster was trained on ({trained}); "
        "leave it out, or train with it"
        for name in rows.names
        if name not in form.series
    ]


def _too_few(form: Form, rows: RawRows, counts: Mapping[str, int]) -> list[str]:
    """Return findings about series of which fewer rows than a window takes are left."""
    return [
        f"{form.place(rows, name)}: has {counts.get(name, 0)} rows up to its newest measured one; "
        f"a forecast looks at the last {form.lookback}, so give at least as many"
        for name in rows.names
        if counts.get(name, 0) < form.lookback
    ]


def _missing(form: Form, filled: Filled) -> list[Problem]:
    """Return the values that are missing still after filling, and not masked."""
    rows = filled.regular.rows
    found = []
    for column in rows.columns:
        missing = rows.missing(column) & ~filled.masked.get(column, np.zeros(1, bool))
        advice = f"complete them: {_fillable(form.rules.rule(column))}"
        found.append(rows.problem(missing, column, "missing values", advice))
    return found


def _fillable(rule: Missing) -> str:
    """Return what the forecaster fills by itself, in words."""
    if not rule.longest:
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
        return [replace(checked.off, advice=advice, extra=frozenset())]
    rows = table.rows
    inside = np.append(False, ~rows.context[:-1])  # (row,) the row before is in the window, too
    allowed = f" or after a gap of up to {form.rules.max_gap}" if form.rules.max_gap else ""
    fault = f"times that are not one step ({form.frequency}) after the row before{allowed}"
    advice = (
        f"a forecast needs the last {form.lookback} rows without a gap (rows that a policy of "
        "validate.missing cuts out are one); complete the table, or wait until it has so many again"
    )
    return [rows.problem(table.cut() & inside, form.data.time_name, fault, advice)]


def _changes(filled: Filled, known: Ahead) -> Iterator[str]:
    """Yield what was done about missing values in the windows and horizons."""
    newest = ~filled.regular.rows.context
    counts = {name: int(found[newest].sum()) for name, found in filled.filled.items()}
    for name, count in known.filled.items():
        counts[name] = counts.get(name, 0) + count
    yield _counted(counts, "filled")
    masked = {name: int(found[newest].sum()) for name, found in filled.masked.items()}
    if any(masked.values()):
        yield _counted(masked, "masked")


def _counted(counts: Mapping[str, int], done: str) -> str:
    """Return how many values were changed: `2 missing values were filled (wind 2)`."""
    total = sum(counts.values())
    columns = ", ".join(f"{column} {count}" for column, count in counts.items() if count)
    verb = "value was" if total == 1 else "values were"
    return f"{total} missing {verb} {done}{f' ({columns})' if columns else ''}"
