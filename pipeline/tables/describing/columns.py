"""What each column holds: its kind, its holes, its range, and its shape."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config.data import Csv
from pipeline.tables import values
from pipeline.tables.rows import Array

FEW = 12  # the most values of a category
TRAINING = 0.7  # the share of each series' rows that is looked at for columns that do not vary
PARTS = re.compile(
    r"(year|month|day|hour|minute|second|week|weekday|quarter|day_?of_?(week|month|year)|dow|doy)",
    re.IGNORECASE,
)
SENTINELS = (-9999.0, -999.0, -99.9, -99.0, 9999.0, 99999.0, 999.9, 999.0)
TAIL = 0.001  # the share of values on either side that the plausible range may leave out
BEYOND = 3.0  # how many widths of the central values beyond them a value is implausible


@dataclass(frozen=True)
class Layout:
    """The rows of all series on their regular grids; -1 for the rows of short gaps."""

    rows: Array  # (place,) row of the table
    series: Array  # (place,) position of the series
    segment: Array  # (place,) a running number, new at every series and every longer gap

    def place(self, column: Array) -> Array:
        """Return the values of a column (row,) on the grid, NaN in gaps."""
        return np.where(self.rows < 0, np.nan, column[self.rows])

    @cached_property
    def spans(self) -> list[slice]:
        """The places of each series that has any."""
        edges = np.flatnonzero(np.append(True, np.diff(self.series) > 0))
        stops = np.append(edges[1:], len(self.series))
        return [slice(*span) for span in zip(edges.tolist(), stops.tolist(), strict=True)]


@dataclass(frozen=True)
class Column:
    """What a column holds. `values` are numbers on the grid; NaN where missing or no number.

    `kind` is number, boolean, category, text or empty.
    """

    name: str
    kind: str
    values: Array  # (place,) float64; codes of a category
    words: tuple[str, ...]  # of a category, or what is no number among numbers
    missing: float  # share of the table's cells
    longest: int  # places of the longest run without a value, short gaps included
    open_end: bool  # the newest value of some series is missing
    limits: Mapping[str, float]  # plausible ones, where a few values lie far from the others
    outside: int  # values beyond them, which are missing here
    extremes: tuple[float, float]  # of all values
    varies: bool
    static: bool  # constant within each of several series, and not the same in all
    stuck: int  # series in whose training part the column does not vary

    @property
    def known(self) -> Array:
        """The finite values."""
        return self.values[np.isfinite(self.values)]

    @property
    def usable(self) -> bool:
        """Whether the column may become a channel."""
        readable = self.kind in ("boolean", "category") or (
            self.kind == "number" and not self.words
        )
        return readable and self.varies

    @property
    def binary(self) -> bool:
        """Whether the numbers are 0 and 1 only."""
        return self.kind == "boolean" or set(np.unique(self.known)) <= {0.0, 1.0}


def layout(groups: Sequence[Array], positions: Sequence[Array], max_gap: int) -> Layout:
    """Return the grid of the rows (row,) of each series; gaps above `max_gap` begin a segment."""
    parts: list[tuple[Array, Array, Array]] = []
    segments = 0
    for code, (rows, own) in enumerate(zip(groups, positions, strict=True)):
        places, first = np.unique(own, return_index=True)
        kept = first[places >= 0]
        lacking = np.append(np.diff(own[kept]) - 1, 0) if len(kept) else np.empty(0, np.int64)
        cut = lacking > max_gap
        repeats = np.where(cut, 0, lacking) + 1
        origin = np.repeat(np.arange(len(kept)), repeats)
        real = np.append(True, np.diff(origin) > 0)[: len(origin)]
        segment = np.append(0, np.cumsum(cut))[: len(kept)] + segments
        segments = int(segment[-1]) + 1 if len(segment) else segments
        whole = np.where(real, rows[kept][origin], -1)
        parts.append((whole, np.full(len(origin), code), segment[origin]))
    columns = [np.concatenate(part) for part in zip(*parts, strict=True)]
    return Layout(*columns)


def read(name: str, cells: pa.Array, csv: Csv, grid: Layout) -> Column:
    """Return what a column (row,) holds."""
    kind, numbers, words = _cells(cells, csv)
    bounds, outside = limits(numbers) if kind == "number" else ({}, 0)
    known = numbers[np.isfinite(numbers)]
    extremes = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    inside = (numbers >= bounds.get("min", -np.inf)) & (numbers <= bounds.get("max", np.inf))
    placed = grid.place(np.where(inside, numbers, np.nan))
    absent = ~np.isfinite(placed)
    return Column(
        name,
        kind,
        placed,
        words,
        float((~np.isfinite(numbers) | ~inside).mean()),
        _longest(absent, grid.segment),
        any(absent[span][-1] for span in grid.spans),
        bounds,
        outside,
        extremes,
        *_variation(placed, grid.spans),
    )


def is_part_of_time(name: str) -> bool:
    """Return whether a column is named as a part of the time, such as hour or day_of_week."""
    return PARTS.fullmatch(name) is not None


def is_row_number(column: Column) -> bool:
    """Return whether whole numbers ascend by one from row to row."""
    steps = np.diff(column.known)
    return bool(len(steps) > 2 and (steps == 1).mean() > 0.99)


def _cells(cells: pa.Array, csv: Csv) -> tuple[str, Array, tuple[str, ...]]:
    """Return the kind of a column, its numbers (row,), and its words."""
    if pa.types.is_boolean(cells.type):
        return "boolean", values.numbers(cells).numbers, ()
    if pa.types.is_nested(cells.type) or pa.types.is_temporal(cells.type):
        return "text", np.full(len(cells), np.nan), ()
    if not (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)):
        numbers = values.numbers(cells).numbers
        return "number" if np.isfinite(numbers).any() else "empty", numbers, ()
    text = values.as_text(cells)
    words = pc.unique(text.drop_null())
    if not len(words):
        return "empty", np.full(len(cells), np.nan), ()
    if set(pc.utf8_lower(words).to_pylist()) <= {"true", "false"}:
        return "boolean", values.numbers(text).numbers, ()
    read = values.numbers(text, values.Marks(csv.decimal, csv.thousands))
    if len(read.positions) < 0.5 * (len(text) - text.null_count):
        return "number", read.numbers, tuple(dict.fromkeys(read.texts.to_pylist()))[:3]
    if len(words) > FEW:
        return "text", np.full(len(cells), np.nan), tuple(words.slice(0, 3).to_pylist())
    codes = pc.index_in(text, value_set=words).cast(pa.float64()).fill_null(float("nan"))
    return "category", codes.to_numpy(zero_copy_only=False), tuple(sorted(words.to_pylist()))


def _longest(absent: Array, segment: Array) -> int:
    """Return the length of the longest run of absent values inside a segment."""
    edges = np.append(True, (np.diff(absent) != 0) | (np.diff(segment) != 0))
    starts = np.flatnonzero(edges)
    lengths = np.diff(np.append(starts, len(absent)))
    return int(lengths[absent[starts]].max(initial=0))


def _variation(placed: Array, spans: Sequence[slice]) -> tuple[bool, bool, int]:
    """Return whether values vary, only between series, and not in the training of how many."""
    known = placed[np.isfinite(placed)]
    varies = bool(len(known) and known.min() < known.max())
    within = [_varies(placed[span]) for span in spans]
    training = [placed[span][: max(int(TRAINING * (span.stop - span.start)), 1)] for span in spans]
    stuck = sum(not _varies(own) for own in training)
    return varies, varies and not any(within), stuck


def _varies(own: Array) -> bool:
    known = own[np.isfinite(own)]
    return bool(len(known) and known.min() < known.max())


def limits(numbers: Array) -> tuple[Mapping[str, float], int]:
    """Return plausible limits where few values lie far beyond the others, and how many do."""
    known = numbers[np.isfinite(numbers)]
    if len(known) < 100:
        return {}, 0
    usual = known[~np.isin(known, [own for own in SENTINELS if _isolated(known, own)])]
    low, high = np.quantile(usual, [TAIL, 1 - TAIL])
    width = high - low
    found = {}
    if (width and known.min() < low - BEYOND * width) or known.min() < usual.min():
        found["min"] = _round(max(low - width, known.min() + width * 0.01), width)
    if (width and known.max() > high + BEYOND * width) or known.max() > usual.max():
        found["max"] = _round(min(high + width, known.max() - width * 0.01), width)
    inside = (known >= found.get("min", -np.inf)) & (known <= found.get("max", np.inf))
    outside = int((~inside).sum())
    return (found, outside) if outside <= 0.05 * len(known) else ({}, 0)


def _isolated(known: Array, sentinel: float) -> bool:
    """Return whether a value stands apart from all others by more than their range."""
    others = known[known != sentinel]
    if len(others) in (0, len(known)):
        return False
    low, high = np.quantile(others, [TAIL, 1 - TAIL])
    return bool(sentinel < low - (high - low) or sentinel > high + (high - low))


def _round(value: float, width: float) -> float:
    """Return the value with two digits of the width."""
    digits = 1 - int(np.floor(np.log10(width))) if width else 0
    return float(round(value, max(digits, 0)))


def skewness(known: Array) -> float:
    """Return the third standardized moment, 0 where nothing varies."""
    deviation = known.std()
    if not deviation > 0:
        return 0.0
    return float((((known - known.mean()) / deviation) ** 3).mean())
