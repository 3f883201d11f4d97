"""Prediction intervals: split-conformal, from the errors on the validation windows.

The half width at a level is a quantile of the absolute standardized errors of the ensemble's
forecast, for each series, horizon step and target; the inverse of the scaler makes bounds in units
of it. Of n errors it is the one of rank ceil((n + 1) * level): if the errors to come are
exchangeable with them, an interval holds the truth with at least this probability (Lei et al.,
2018). Errors over time are not exchangeable, so the test split shows what the intervals hold.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.core import files
from pipeline.core.errors import InputError
from pipeline.evaluation.metrics import Array, Mask
from pipeline.series.possible import Possible
from pipeline.tables.rows import Array as Codes

NAME = "intervals.json"
SPELLED_OUT = 5  # series that a rejection names


@dataclass(frozen=True, eq=False)
class Intervals:
    """The half widths (level, series, horizon, target), on the standardized scale."""

    levels: tuple[float, ...]
    half_widths: Array

    def bounds(self, possible: Possible, forecasts: Array, series: Codes) -> Array:
        """Return the bounds in units, (lower and upper, level, window, horizon, target).

        `forecasts` (window, horizon, target) are standardized, and `series` (window,) positions in
        the names of the scaler.
        """
        half = self.half_widths[:, series]
        ends = np.stack([forecasts - half, forecasts + half])
        repeated = np.broadcast_to(series, ends.shape[:-2])
        units = possible.scaler.inverse(ends, repeated, possible.targets)
        return np.asarray(possible.within(units))

    def save(self, folder: Path) -> None:
        """Write `intervals.json`; `load` reads it back to the last bit."""
        content = {"levels": self.levels, "half_widths": self.half_widths.tolist()}
        files.write_json(folder / NAME, content)


def load(folder: Path) -> Intervals | None:
    """Read what `save` wrote; `None` where nothing was written."""
    if not (folder / NAME).exists():
        return None
    content = files.read_json(folder / NAME)
    return Intervals(tuple(content["levels"]), np.array(content["half_widths"], np.float64))


def read(folder: Path, levels: tuple[float, ...]) -> Intervals | None:
    """Return the intervals at these levels that `evaluate` wrote; `None` without any level.

    Raises `InputError` if it wrote others, or none.
    """
    if not levels:
        return None
    found = load(folder)
    if found is None or found.levels != levels:
        raise InputError(
            f"{folder / NAME}: there are no intervals at forecast.levels {[*levels]}; bring the "
            "stages up to date (`dvc repro`); a variant whose validation forecasts are not finite "
            "has none"
        )
    return found


def calibrate(
    errors: Array, series: Codes, count: int, levels: tuple[float, ...], pooled: bool
) -> Intervals:
    """Return the intervals from standardized `errors` (window, horizon, target), NaN where masked.

    `series` (window,) are below `count`. If `pooled`, all series share their quantiles. Each
    series must have errors enough, as `shortage` says.
    """
    groups = [errors[own] for own in _groups(series, count, pooled)]
    widths = [_quantiles(np.abs(group), levels) for group in groups]
    stacked = np.stack(widths * count if pooled else widths, axis=1)
    return Intervals(levels, stacked)


def shortage(
    measured: Mask, series: Codes, names: Sequence[str], levels: Sequence[float], pooled: bool
) -> list[str]:
    """Return a finding for each level and series with too few `measured` validation values.

    `measured` is (window, horizon, target), and the least measured step and target decides.
    """
    groups = _groups(series, len(names), pooled)
    counts = [int(measured[own].sum(axis=0).min()) for own in groups]
    called = ["all series together"] if pooled else [f"series {each!r}" for each in names]
    found = []
    for level in levels:
        few = [i for i, counted in enumerate(counts) if rank(counted, level) > counted]
        pool = "" if pooled else "set forecast.pool_series, "
        found += [
            f"forecast.levels: {level:g} needs at least {needed(level)} measured validation values "
            f"at every horizon step, and {called[i]} has {counts[i]}; lower the level, {pool}or "
            "give the validation split more rows"
            for i in few[:SPELLED_OUT]
        ]
        if len(few) > SPELLED_OUT:
            found.append(f"forecast.levels: {level:g}: also {len(few) - SPELLED_OUT} more series")
    return found


def rank(count: int, level: float) -> int:
    """Return ceil((count + 1) * level), which may be more than there are."""
    return math.ceil(round((count + 1) * level, 9))


def needed(level: float) -> int:
    """Return the least number of errors that has a quantile at this level."""
    return math.ceil(round(level / (1 - level), 9))


def held(
    bounds: Array, truth: Array, levels: Sequence[float], targets: Sequence[str]
) -> Iterator[dict[str, object]]:
    """Yield the share of values that lie within their intervals, and the mean width of these.

    `bounds` are those of `Intervals.bounds`, `truth` is (window, horizon, target) in units, NaN
    where it is masked.
    """
    for target, measured in enumerate(np.moveaxis(np.isfinite(truth), -1, 0)):
        values = truth[..., target][measured]
        for position, level in enumerate(levels):
            low, high = (end[..., target][measured] for end in bounds[:, position])
            yield {
                "target": targets[target],
                "level": level,
                "coverage": float(((low <= values) & (values <= high)).mean()),
                "width": float((high - low).mean()),
                "cells": len(values),
            }


def _groups(series: Codes, count: int, pooled: bool) -> list[Codes]:
    """Return the positions of the windows of each series, or of all together."""
    order = np.argsort(series, kind="stable")
    if pooled:
        return [order]
    return np.split(order, np.searchsorted(series[order], np.arange(1, count)))


def _quantiles(scores: Array, levels: Sequence[float]) -> Array:
    """Return the scores of the rank of each level, (level, horizon, target); NaN do not count."""
    ascending = np.sort(scores.astype(np.float64), axis=0)  # NaN last
    counts = np.isfinite(scores).sum(axis=0)
    ranks = np.array([[[rank(n, level) for n in row] for row in counts] for level in levels])
    return np.take_along_axis(ascending, ranks - 1, axis=0)
