"""Fitting: what a scaler learns of every column, from the training rows only."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import numpy as np

from pipeline.config.scalers import SCALERS
from pipeline.config.slots import Slot
from pipeline.config.standardization import Standardize
from pipeline.core.errors import InputError
from pipeline.series.curves import CURVES
from pipeline.series.scaler import NUMBERS, Scaler, no_logarithm
from pipeline.series.scaler_kinds import Fit
from pipeline.tables.rows import Array

PIECE = 1 << 20  # rows that are fitted at a time


class Column(Protocol):
    """Values (row,) of a column, read from its file as far as they are asked for."""

    def __getitem__(self, rows: slice, /) -> Array: ...


@dataclass
class Seen:
    """What training has seen of a column in one series; it watches the values that pass by."""

    rows: int = 0  # missing values included
    count: int = 0
    total: float = 0.0
    low: float = np.inf
    high: float = -np.inf

    def watch(self, pieces: Iterable[Array]) -> Iterator[Array]:
        """Yield the measured values of each piece."""
        for piece in pieces:
            values = piece[~np.isnan(piece)]
            self.rows += len(piece)
            if len(values):
                self.count += len(values)
                self.total += float(values.sum())
                self.low = min(self.low, float(values.min()))
                self.high = max(self.high, float(values.max()))
                yield values

    @property
    def constant(self) -> bool:
        """Whether there are values, and all of them are equal."""
        return self.low == self.high


def merge(seen: Iterable[Seen]) -> Seen:
    """Return what training has seen in several series together."""
    merged = Seen()
    for one in seen:
        merged.rows += one.rows
        merged.count += one.count
        merged.total += one.total
        merged.low = min(merged.low, one.low)
        merged.high = max(merged.high, one.high)
    return merged


@dataclass(frozen=True)
class Group:
    """Series that share the numbers of a column."""

    series: Sequence[int]
    seen: Sequence[Seen]  # of each of them
    fitted: Fit | None  # None where nothing is measured

    def numbers(self, kind: str) -> tuple[float, ...]:
        """Return the numbers of the scaler, in the order of `NUMBERS`."""
        center, scale, parameter = self.fitted or (np.nan, np.nan, np.nan)
        seen = merge(self.seen)
        mean = 0.0
        if kind != "standard" and kind not in CURVES and seen.count and scale:
            mean = (seen.total / seen.count - center) / scale
        return center, scale, parameter, seen.low, seen.high, mean


@dataclass(frozen=True)
class Fitting:
    """The fitting of one column."""

    section: Standardize
    names: tuple[str, ...]  # of the series
    training: Sequence[slice]  # the training rows of each
    column: str
    values: Column

    @property
    def slot(self) -> Slot:
        """The kind of the scaler and its options."""
        return self.section.scaler_of(self.column)

    def groups(self) -> tuple[list[Group], bool]:
        """Fit the column; return its groups, and whether it is a static one."""
        every = range(len(self.names))
        by_series = self.section.scope == "series"
        groups = [self._fit([one]) for one in every] if by_series else [self._fit(every)]
        seen = [one for group in groups for one in group.seen]
        levels = {one.low for one in seen if one.constant}
        static = len(levels) > 1 and all(one.constant for one in seen)
        return ([self._fit(every)] if static else groups), static

    def _fit(self, series: Sequence[int]) -> Group:
        """Fit the training rows of some series together."""
        seen = [Seen() for _ in series]
        watched = [
            one.watch(_pieces(self.values, self.training[code]))
            for one, code in zip(seen, series, strict=True)
        ]
        pieces = chain.from_iterable(watched)
        first = next(pieces, None)
        if first is None:
            return Group(series, seen, None)
        kind = SCALERS[self.slot.kind].load()
        return Group(series, seen, kind(chain([first], pieces), **self.slot.options))

    def findings(self, groups: Sequence[Group]) -> list[str]:
        """Return what is wrong with the training rows of each group."""
        findings: list[str] = []
        for group in groups:
            seen = merge(group.seen)
            if not group.fitted:
                findings.append(self._unmeasured(group, seen))
            elif self.slot.kind == "log" and seen.low + self.slot.options["offset"] <= 0:
                where, offset = self._where(group), self.slot.options["offset"]
                findings.append(no_logarithm(self.column, where, seen.low, offset))
            elif not (np.isfinite(group.fitted[:2]).all() and group.fitted[1] > 0):
                findings.append(self._no_spread(group, seen))
        return findings

    def _where(self, group: Group) -> str:
        if self.section.scope == "series" and len(group.series) == 1:
            return f"series {self.names[group.series[0]]!r}"
        return "all series together"

    def _unmeasured(self, group: Group, seen: Seen) -> str:
        return (
            f"params.yaml: standardize: column {self.column!r} is missing in all {seen.rows} "
            f"training rows of {self._where(group)}; use a longer training split, set "
            f"validate.series_policy to leave_out, or remove {self.column!r} from `data`"
        )

    def _no_spread(self, group: Group, seen: Seen) -> str:
        """Say that the training values of a group have no spread to scale by, and what to do."""
        kind = self.slot.kind
        ways = ["a longer training split", f"remove {self.column!r} from `data`"]
        if self.section.scope == "series" and len(self.names) > 1:
            ways = ["scope: global", "series_policy: leave_out", *ways]
        fault = f"all {seen.count} training rows are {seen.low:.10g}"
        if not seen.constant:
            ways.insert(0, "the scaler standard")
            fault = f"{kind} finds no scale in its {seen.count} training rows"
        if kind == "robust" and not seen.constant:
            fault = f"the interquartile range of its {seen.count} training rows is 0"
        return (
            f"params.yaml: standardize: column {self.column!r} has no spread in "
            f"{self._where(group)}: {fault}; use {', '.join(ways[:-1])}, or {ways[-1]}"
        )


def fit(
    section: Standardize,
    names: tuple[str, ...],
    training: Sequence[slice],
    columns: Sequence[str],
    read: Callable[[str], Column],
) -> Scaler:
    """Fit the scalers of `section` on the `training` rows of each series.

    `read` opens a column by its name, so that never all of the table is in memory. Missing values
    are left out. Raises `InputError` with every column that does not vary, or that has no measured
    value, within the training rows of a series, or within those of all series where the scope is
    global.
    """
    numbers = np.empty((len(NUMBERS), len(names), len(columns)))
    findings: list[str] = []
    static: list[str] = []
    for position, column in enumerate(columns):
        fitting = Fitting(section, names, training, column, read(column))
        groups, constant = fitting.groups()
        findings += fitting.findings(groups)
        static += [column] if constant else []
        for group in groups:
            numbers[:, list(group.series), position] = np.array(group.numbers(fitting.slot.kind))[
                :, None
            ]
    if findings:
        raise InputError(*findings)
    kinds = tuple(section.scaler_of(column).kind for column in columns)
    named = dict(zip(NUMBERS, numbers, strict=True))
    return Scaler(section.scope, tuple(columns), kinds, tuple(static), names, **named)


def _pieces(values: Column, rows: slice) -> Iterator[Array]:
    """Yield the values of `rows` in pieces of `PIECE` rows.

    The pieces depend on the rows alone, so that sums are the same to the last bit however the file
    is divided into row groups.
    """
    for start in range(rows.start, rows.stop, PIECE):
        yield values[start : min(start + PIECE, rows.stop)]
