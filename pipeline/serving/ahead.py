"""What is known ahead: the future covariates of every step of the horizon.

They are given in rows after the origin, whose targets and past covariates are blank, or in a file
of their own. Nothing is filled in here, but blank cells of a column whose policy is a constant.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.core.errors import InputError
from pipeline.serving.form import FUTURE, Form, cells, nothing
from pipeline.tables import checks, clocks, problems, reading, timestamps
from pipeline.tables.problems import SPELLED_OUT
from pipeline.tables.raw import RawRows
from pipeline.tables.rows import Array

Origins = Mapping[str, np.datetime64]  # series -> its newest time
ADVICE = (
    "every step needs all future covariates: give them in rows after the newest measured one, with "
    "blank targets, or in the file that --future names"
)


@dataclass(frozen=True)
class Ahead:
    """What is known of the horizon of each series.

    `times` (series, horizon) are datetime64[ns] in UTC, and `columns` (series, horizon) numbers or
    texts. `filled` is column -> number of blank cells that became a constant.
    """

    times: Array
    columns: Mapping[str, Array]
    filled: Mapping[str, int]
    remarks: Sequence[str]
    findings: Sequence[str]


def look(form: Form, rows: RawRows, origins: Origins, file: Path | None) -> Ahead:
    """Return the future covariates from `rows`, after their limits, and from a further `file`.

    Raises `InputError` if the file cannot be read.
    """
    zone = form.data.time_zone
    steps = {
        name: clocks.following(time, form.horizon, form.offset, zone)
        for name, time in origins.items()
    }
    times = np.reshape(list(steps.values()), (len(steps), form.horizon))
    given = [_Given(form, rows, origins, steps)]
    findings: list[str] = []
    if file is not None:
        future, findings = _read(form, file)
        given.append(_Given(form, future, origins, steps))
    columns: dict[str, Array] = {}
    filled: dict[str, int] = {}
    for column in form.ahead:
        if any(column not in source.inside.columns for source in given):
            continue  # reported where the file was read
        values = given[0].values(column)
        for source in given[1:]:
            findings += source.contradictions(column, values)
            values = np.where(pd.isna(values), source.values(column), values)
        columns[column], filled[column] = _constant(form, column, values, given)
        path = file or rows.numbering.path
        findings += _lacking(f"{path}: column {column!r}", columns[column], steps)
    findings += [finding for source in given for finding in source.findings()]
    return Ahead(times, columns, filled, list(_remarks(form, given)), findings)


def _read(form: Form, file: Path) -> tuple[RawRows, list[str]]:
    """Read a file of future covariates."""
    if not form.ahead:
        raise InputError(
            f"{file}: the forecaster needs no future covariates of its users; leave out --future"
        )
    only = form.data.model_copy(
        update={"targets": (), "past_covariates": (), "future_covariates": tuple(form.ahead)}
    )
    rows, findings = reading.read_in_memory(only, file, FUTURE)
    return checks.limit(rows, form.rules.limits), list(findings)


@dataclass(frozen=True)
class _Given:
    """Rows that may lie in the horizons whose `steps` are given, series -> (horizon,)."""

    form: Form
    rows: RawRows
    origins: Origins
    steps: Mapping[str, Array]

    @cached_property
    def after(self) -> Array:
        """Which rows are after the origin of their series, (row,)."""
        return self._where(lambda name, times: times > self.origins[name])

    @cached_property
    def beyond(self) -> Array:
        """Which rows are after the last step of their series, (row,)."""
        return self._where(lambda name, times: times > self.steps[name][-1])

    @cached_property
    def inside(self) -> RawRows:
        """The rows of the horizons, with the future covariates only."""
        rows = self.rows.take(self.after & ~self.beyond)
        names = [column for column in self.form.ahead if column in rows.columns]
        return replace(
            rows,
            columns={name: rows.columns[name] for name in names},
            texts={name: rows.texts[name] for name in names},
        )

    @cached_property
    def positions(self) -> Array:
        """The row of `inside` of each step, (series, horizon), -1 where there is none."""
        places = np.full((len(self.steps), self.form.horizon), -1)
        slices = dict(zip(self.inside.names, self.inside.slices(), strict=True))
        for place, (name, steps) in zip(places, self.steps.items(), strict=True):
            if name in slices:
                own = slices[name]
                _, row, step = np.intersect1d(self.inside.times[own], steps, return_indices=True)
                place[step] = own.start + row
        return places

    def values(self, column: str) -> Array:
        """Return the values of a column, (series, horizon), missing ones NaN or None."""
        values = cells(self.inside, column)
        return np.asarray(np.append(values, nothing(values, 1))[self.positions])

    def findings(self) -> list[str]:
        """Return what is wrong with the rows of the horizons."""
        data, rows = self.form.data, self.inside
        off = ~_among(rows, self.steps)
        fault = f"times that are no whole steps ({self.form.frequency}) after the origin"
        advice = "correct them, or leave out the rows that do not belong to the series"
        found = [
            checks.duplicated(rows, data),
            rows.problem(off, data.time_name, fault, advice),
            *checks.cells(rows, data, self.form.rules),
        ]
        return problems.findings(found, rows.numbering.path, rows.totals())

    def contradictions(self, column: str, others: Array) -> Iterator[str]:
        """Yield a finding for each series that has `others` (series, horizon) elsewhere."""
        values = self.values(column)
        different = ~pd.isna(values) & ~pd.isna(others) & (values != others)
        for (name, steps), own in zip(self.steps.items(), different, strict=True):
            for step in np.flatnonzero(own)[:1]:
                yield (
                    f"{self.rows.numbering.path}: column {column!r}, series {name!r}: step "
                    f"{step + 1} of the horizon ({timestamps.label(steps[step])}) has another "
                    "value here than in the recent rows; give it once"
                )

    def _where(self, chosen: Callable[[str, Array], Array]) -> Array:
        """Return `chosen(name, times)` of each series with a horizon, (row,), else false."""
        result = np.zeros(len(self.rows.times), bool)
        for name, own in zip(self.rows.names, self.rows.slices(), strict=True):
            if name in self.steps:
                result[own] = chosen(name, self.rows.times[own])
        return result


def _among(rows: RawRows, steps: Mapping[str, Array]) -> Array:
    """Return whether the time of each row is one of the steps of its series, (row,)."""
    parts = zip(rows.names, rows.slices(), strict=True)
    found = [np.isin(rows.times[own], steps.get(name, rows.times[:0])) for name, own in parts]
    return np.concatenate([np.zeros(0, bool), *found])


def _constant(form: Form, column: str, values: Array, given: Sequence[_Given]) -> tuple[Array, int]:
    """Return the values with the declared constant in blank cells of rows, and their number."""
    rule = form.rules.rule(column)
    if rule.value is None:
        return values, 0
    blank = pd.isna(values) & np.any([source.positions >= 0 for source in given], axis=0)
    return np.where(blank, rule.value, values), int(blank.sum())


def _lacking(place: str, values: Array, steps: Mapping[str, Array]) -> list[str]:
    """Return a finding for each series for which a step of the horizon has no value."""
    missing = pd.isna(values)  # (series, horizon)
    found = []
    for (name, times), own in zip(steps.items(), missing, strict=True):
        if own.any():
            first = int(own.argmax())
            found.append(
                f"{place}, series {name!r}: no value for {own.sum()} of {len(own)} steps of the "
                f"horizon, first step {first + 1} ({timestamps.label(times[first])}); {ADVICE}"
            )
    more = len(found) - SPELLED_OUT
    return [*found[:SPELLED_OUT], *([f"{place}: also in {more} more series"] if more > 0 else [])]


def _remarks(form: Form, given: Sequence[_Given]) -> Iterator[str]:
    """Yield what is said about rows after the origins that are not used."""
    unused = sum(int((source.beyond if form.ahead else source.after).sum()) for source in given)
    reason = "the horizon ends before them" if form.ahead else "no future covariates are needed"
    if unused:
        verb = "row after the origin is" if unused == 1 else "rows after the origin are"
        yield f"{unused} {verb} not looked at, since {reason}"
