"""A table's outline: where its runs of rows start and stop.

It is small however long the table is, and all that the split and the windows depend on.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np

from pipeline.tables.rows import Array, Rows

NO_MOMENTS = np.empty(0, "datetime64[ns]")


@dataclass(frozen=True)
class Outline:
    """Runs of rows of one segment and one split, in the order of the table."""

    names: tuple[str, ...]  # of the series
    first_times: Array  # (series,) datetime64[ns]
    last_times: Array  # (series,) datetime64[ns]
    earlier: Array  # (series, moment) rows before each of the moments that were asked for
    first: Array  # (run,) its first row
    stop: Array  # (run,) the row after its last one
    series: Array  # (run,) position in `names`
    segment: Array  # (run,)
    split: Array  # (run,) int8, a position in `split.SPLITS`, or `split.UNUSED`; 0 until split

    def counts(self) -> Array:
        """Return the rows of each series, (series,)."""
        counts = np.zeros(len(self.names), np.int64)
        np.add.at(counts, self.series, self.stop - self.first)
        return counts

    def only(self, names: Collection[str]) -> "Outline":
        """Return the outline of a table of these series alone; segments are numbered anew."""
        codes = [code for code, name in enumerate(self.names) if name in names]
        runs = np.flatnonzero(np.isin(self.series, codes))
        lengths = (self.stop - self.first)[runs]
        stop = np.cumsum(lengths)
        return Outline(
            names=tuple(self.names[code] for code in codes),
            first_times=self.first_times[codes],
            last_times=self.last_times[codes],
            earlier=self.earlier[codes],
            first=stop - lengths,
            stop=stop,
            series=np.searchsorted(codes, self.series[runs]),
            segment=np.unique(self.segment[runs], return_inverse=True)[1],
            split=self.split[runs],
        )

    def splits(self, start: int, stop: int) -> Array:
        """Return the split of the rows `start` to `stop` - 1, (row,) int8."""
        runs = slice(*np.searchsorted(self.first, [start, stop - 1], side="right") - [1, 0])
        edges = np.append(self.first[runs], stop).clip(start)
        return np.asarray(np.repeat(self.split[runs], np.diff(edges)))


@dataclass
class Builder:
    """Builds the outline of a table that passes by in parts."""

    moments: Array = field(default_factory=lambda: NO_MOMENTS)  # (moment,) datetime64[ns]
    rows: int = 0
    codes: dict[str, int] = field(default_factory=dict)
    first_times: list[np.datetime64] = field(default_factory=list)
    last_times: list[np.datetime64] = field(default_factory=list)
    earlier: list[Array] = field(default_factory=list)
    runs: list[Array] = field(default_factory=list)  # (4, run) first row, series, segment, split
    newest: tuple[int, int] = (-1, -1)  # segment and split of the newest row

    def add(self, rows: Rows, split: Array | None = None) -> None:
        """Add the next rows, and the split of each, (row,), where the table is split."""
        named = zip(rows.names, rows.slices(), strict=True)
        codes = np.array([self._code(name, rows.times[own]) for name, own in named])
        splits = np.zeros(len(rows.times), np.int8) if split is None else split
        last_segment, last_split = self.newest
        new_segment = rows.segment != np.append(last_segment, rows.segment[:-1])
        new_split = splits != np.append(last_split, splits[:-1])
        first = np.flatnonzero(new_segment | new_split)
        series = codes[rows.series[first]]
        self.runs.append(np.stack([first + self.rows, series, rows.segment[first], splits[first]]))
        self.newest = int(rows.segment[-1]), int(splits[-1])
        self.rows += len(rows.times)

    def _code(self, name: str, times: Array) -> int:
        """Return the number of a series, and note its next `times` (row,)."""
        if name not in self.codes:
            self.codes[name] = len(self.codes)
            self.first_times.append(times[0])
            self.last_times.append(times[0])
            self.earlier.append(np.zeros(len(self.moments), np.int64))
        code = self.codes[name]
        self.last_times[code] = times[-1]
        self.earlier[code] += np.searchsorted(times, self.moments)
        return code

    def outline(self) -> Outline:
        """Return the outline of what was added."""
        first, series, segment, split = np.concatenate(self.runs, axis=1)
        return Outline(
            names=tuple(self.codes),
            first_times=np.array(self.first_times, "datetime64[ns]"),
            last_times=np.array(self.last_times, "datetime64[ns]"),
            earlier=np.array(self.earlier),
            first=first,
            stop=np.append(first[1:], self.rows),
            series=series,
            segment=segment,
            split=split.astype(np.int8),
        )


def trace(parts: Iterable[tuple[Rows, Array | None]], moments: Array = NO_MOMENTS) -> Outline:
    """Return the outline of a table that passes by in parts.

    A part is its rows, and the split of each row where the table is split.
    """
    builder = Builder(moments)
    for rows, split in parts:
        builder.add(rows, split)
    return builder.outline()
