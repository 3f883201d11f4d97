"""Origins: after which row of each series a forecast starts.

It starts after the newest row that has a measured target. The rows after that one are future rows:
their blank targets are never filled forward. Where all targets may be masked, a blank target says
nothing about time (no train leaves at night, and the clock goes on), and so a row with a measured
past covariate is a past one as well.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from pipeline.serving.form import Form
from pipeline.tables import timestamps
from pipeline.tables.raw import RawRows
from pipeline.tables.rows import Array

SPELLED_OUT = 10  # series that a remark names


def past(form: Form, rows: RawRows) -> Array:
    """Return which rows are not after the origin of their series, (row,).

    `rows` are as they were given: a value outside of its limits was measured as well.
    """
    measured = _any_measured(rows, _deciding(form))
    result = np.zeros(len(rows.times), bool)
    for own in rows.slices():
        found = np.flatnonzero(measured[own])
        result[own.start : own.start + (found[-1] + 1 if len(found) else 0)] = True
    return result


def _deciding(form: Form) -> tuple[str, ...]:
    """Return the columns of which one must be measured in the newest row of the past."""
    targets = form.data.targets
    unmasked = tuple(target for target in targets if not form.rules.rule(target).masks)
    return unmasked or targets + form.data.past_covariates


def _any_measured(rows: RawRows, columns: tuple[str, ...]) -> Array:
    """Return which rows hold something in one of the columns, (row,)."""
    measured = np.zeros(len(rows.times), bool)
    for column in columns:
        if column in rows.columns:
            measured |= ~rows.missing(column)
    return measured


def remarks(
    form: Form, rows: RawRows, is_past: Array, newest: Mapping[str, np.datetime64]
) -> Iterator[str]:
    """Yield where the forecasts of the series start; `newest` is the origin of each.

    `is_past` (row,) is what `past` returned for these rows.
    """
    at: dict[np.datetime64, list[str]] = {}
    for name, time in newest.items():
        at.setdefault(time, []).append(name)
    single = form.data.series is None
    for time, names in sorted(at.items()):
        who = "the forecast starts" if single else f"series {_listed(names)}: the forecast starts"
        yield f"{who} after {timestamps.label(time)}"
    ignored = ~is_past & _any_measured(rows, form.data.targets + form.data.past_covariates)
    if ignored.any():
        names = [rows.names[code] for code in np.unique(rows.series[ignored])]
        yield (
            f"{ignored.sum()} rows after the newest measured target hold past covariates, which "
            f"are not looked at{'' if single else f' (series {_listed(names)})'}"
        )


def _listed(names: list[str]) -> str:
    more = len(names) - SPELLED_OUT
    listed = ", ".join(map(repr, names[:SPELLED_OUT]))
    return f"{listed} and {more} more" if more > 0 else listed
