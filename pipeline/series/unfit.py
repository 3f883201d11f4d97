"""Series that nothing can be learned from, and why: too short, constant in training, or masked.

A series that ends before the test split is too short for it, and so is one of which no window of a
split holds a measured target. All reasons are found before anything
is trained, so that they are reported at once.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.config.data import Data
from pipeline.config.params import Params
from pipeline.config.standardization import Durations
from pipeline.core.errors import InputError
from pipeline.series import split, windows
from pipeline.series.split import Rule
from pipeline.tables import rows
from pipeline.tables.outline import Outline
from pipeline.tables.rows import Array


def unfit(params: Params, raw: Path, outline: Outline, table: Path) -> dict[str, str]:
    """Return the series of a clean table that are of no use, each with a sentence about it.

    `raw` is what the sentences name, and `table` the file whose outline it is.
    """
    rule = params.standardize.split
    if isinstance(rule, Durations):
        outline, rule = split.trace(table, rule, params.data.time_zone)
    reasons: dict[str, str] = {}
    measured = _measured(params, table)
    stops = np.cumsum(outline.counts())[:-1]
    for name, own in zip(outline.names, np.split(measured, stops), strict=True):
        if found := _short(params, rule, raw, outline.only([name]), own):
            reasons[name] = found
    left = [name for name in outline.names if name not in reasons]
    if params.standardize.scope == "series" and len(left) > 1:
        reasons |= _constant(params, rule, raw, outline, left, table)
    return reasons


def _measured(params: Params, table: Path) -> Array:
    """Return whether some target is measured in each row of the table, (row,)."""
    parts = [
        np.isfinite(np.stack(list(values.values()), axis=1)).any(axis=1)
        for _, values in rows.parts(table, params.data.targets)
    ]
    return np.concatenate(parts)


def _short(params: Params, rule: Rule, raw: Path, series: Outline, measured: Array) -> str:
    """Return what a single series is too short for, or nothing.

    `measured` (row,) says whether some target is.
    """
    try:
        divided = split.divide(series, rule)
    except InputError as error:
        return error.findings[0]
    return "".join(windows.shortage(raw, windows.plan(divided, params.window, measured))[:1])


def _constant(
    params: Params, rule: Rule, raw: Path, outline: Outline, names: Sequence[str], table: Path
) -> dict[str, str]:
    """Return the series of `names` in whose training rows a column is constant, unlike in others.

    A column that is constant in every series is a static feature, or of no use to any of them.
    """
    lowest, highest = _ranges(params, rule, outline, table)
    chosen = [outline.names.index(name) for name in names]
    varies = (lowest < highest)[chosen]  # (series, column), false where a column is all missing
    reasons: dict[str, str] = {}
    for place, column in enumerate(_scaled(params)):
        if not varies[:, place].any():
            continue
        for code in np.array(chosen)[~varies[:, place]].tolist():
            name, low = outline.names[code], lowest[code, place]
            state = f"is {low:.10g} in all of them" if np.isfinite(low) else "is missing in them"
            reasons.setdefault(
                name,
                f"{raw}: column {column!r}, series {name!r}: nothing can be learned from the "
                f"training rows, since the column {state}; use a longer training split, "
                "standardize.scope: global, or validate.series_policy: leave_out",
            )
    return reasons


def _scaled(params: Params) -> list[str]:
    """Return the columns that have a scaler of their own for each series."""
    data: Data = params.data
    return [
        name
        for name in data.columns
        if name not in data.categories and params.standardize.scaler_of(name).kind != "none"
    ]


def _ranges(params: Params, rule: Rule, outline: Outline, table: Path) -> tuple[Array, Array]:
    """Return the lowest and the highest training value, both (series, column).

    Where nothing is measured, the lowest is infinity, and the highest minus infinity. So it is in
    series that are too short to have training rows.
    """
    columns = _scaled(params)
    stops = _training_stops(rule, outline)
    codes = {name: code for code, name in enumerate(outline.names)}
    highest = np.full((len(outline.names), len(columns)), -np.inf)
    lowest = -highest
    passed = np.zeros(len(outline.names), np.int64)  # rows of each series
    for part, values in rows.parts(table, columns):
        for name, own in zip(part.names, part.slices(), strict=True):
            code = codes[name]
            stop = min(own.stop, own.start + max(int(stops[code] - passed[code]), 0))
            passed[code] += own.stop - own.start
            for place, column in enumerate(columns):
                found = values[column][own.start : stop]
                found = found[~np.isnan(found)]
                if len(found):
                    lowest[code, place] = min(lowest[code, place], found.min())
                    highest[code, place] = max(highest[code, place], found.max())
    return lowest, highest


def _training_stops(rule: Rule, outline: Outline) -> Array:
    """Return how many rows of each series are for training, (series,); 0 where it is too short."""
    stops = np.zeros(len(outline.names), np.int64)
    for code, name in enumerate(outline.names):
        try:
            (training,) = split.training(outline.only([name]), rule)
        except InputError:
            continue
        stops[code] = training.stop
    return stops
