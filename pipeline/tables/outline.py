"""A table's outline: where its stretches of rows begin and end. It is small however long the table is, and all that split and windows hang on."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from pipeline.tables.rows import Array, Rows

MOMENTS = np.empty(0, "datetime64[ns]")


@dataclass(frozen=True)
class Outline:
    """Stretches: rows of one segment and one part of the split, in the table's order."""

    names: tuple[str, ...]  # of the series
    opens: Array  # (series,) datetime64[ns], first time
    closes: Array  # (series,) datetime64[ns], last time
    earlier: Array  # (series, moment) rows before each of the moments that were asked for
    first: Array  # (stretch,) its first row
    stop: Array  # (stretch,) the row behind its last one
    series: Array  # (stretch,) position in `names`
    segment: Array  # (stretch,)
    part: Array  # (stretch,) int8, a part of `split.SPLITS` or `split.UNUSED`; 0 where nothing was split yet

    def counts(self) -> Array:
        """Rows of each series, (series,)."""
        counts = np.zeros(len(self.names), np.int64)
        np.add.at(counts, self.series, self.stop - self.first)
        return counts

    def parts(self, start: int, stop: int) -> Array:
        """The part of the rows `start` to `stop` - 1, (row,) int8."""
        stretches = slice(*np.searchsorted(self.first, [start, stop - 1], side="right") - [1, 0])
        edges = np.append(self.first[stretches], stop).clip(start)
        parts: Array = np.repeat(self.part[stretches], np.diff(edges))
        return parts


@dataclass
class Tracer:
    """Traces the outline of a table that passes by in parts."""

    moments: Array = field(default_factory=lambda: MOMENTS)  # (moment,) datetime64[ns]
    rows: int = 0
    codes: dict[str, int] = field(default_factory=dict)
    opens: list[np.datetime64] = field(default_factory=list)
    closes: list[np.datetime64] = field(default_factory=list)
    earlier: list[Array] = field(default_factory=list)
    stretches: list[Array] = field(
        default_factory=list
    )  # (4, stretch) first, series, segment, part
    last: tuple[int, int] = (-1, -1)  # segment and part of the newest row

    def add(self, rows: Rows, part: Array | None = None) -> None:
        """The next rows, and their parts where the table is split."""
        codes = np.array(
            [
                self._see(name, rows.times[own])
                for name, own in zip(rows.names, rows.slices(), strict=True)
            ]
        )
        parts = np.zeros(len(rows.times), np.int8) if part is None else part
        before = [
            np.append(last, values[:-1])
            for last, values in zip(self.last, (rows.segment, parts), strict=True)
        ]
        first = np.flatnonzero((rows.segment != before[0]) | (parts != before[1]))
        self.stretches.append(
            np.stack(
                [first + self.rows, codes[rows.series[first]], rows.segment[first], parts[first]]
            )
        )
        self.last = int(rows.segment[-1]), int(parts[-1])
        self.rows += len(rows.times)

    def _see(self, name: str, times: Array) -> int:
        if name not in self.codes:
            self.codes[name] = len(self.codes)
            self.opens.append(times[0])
            self.closes.append(times[0])
            self.earlier.append(np.zeros(len(self.moments), np.int64))
        code = self.codes[name]
        self.closes[code] = times[-1]
        self.earlier[code] += np.searchsorted(times, self.moments)
        return code

    def outline(self) -> Outline:
        """What was traced."""
        first, series, segment, part = np.concatenate(self.stretches, axis=1)
        opens, closes = (np.array(times, "datetime64[ns]") for times in (self.opens, self.closes))
        stop, earlier = np.append(first[1:], self.rows), np.array(self.earlier)
        return Outline(
            tuple(self.codes),
            opens,
            closes,
            earlier,
            first,
            stop,
            series,
            segment,
            part.astype(np.int8),
        )


def trace(parts: Iterable[tuple[Rows, Array | None]], moments: Array = MOMENTS) -> Outline:
    """The outline of a table that passes by in parts: rows, and the part of the split of each row where there is a split."""
    tracer = Tracer(moments)
    for rows, split in parts:
        tracer.add(rows, split)
    return tracer.outline()
