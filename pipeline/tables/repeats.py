"""Local times that a clock change repeats, told apart by the order of rows (`ambiguous: infer`).

The rows of a series go on in time. Where its local times step back within the repeated hour, the
second pass through that hour has begun. A series that shows one pass only says nothing about which
of the two it is, unless it ends there: then it is the first.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.tables.rows import Array
from pipeline.tables.timestamps import Times

PASSAGE = np.timedelta64(1, "D")  # repeated times of one clock change lie closer together


@dataclass
class Passage:
    """The repeated hour that a series is in."""

    rows: list[int]  # their numbers
    newest: np.datetime64  # the first meaning of the newest row's time
    again: bool = False  # the series has begun its second pass
    sound: bool = True  # it came from an earlier time


class Order:
    """Follows each series through its repeated hours; `unclear` are the rows without a meaning."""

    def __init__(self) -> None:
        self.unclear: list[tuple[int, int]] = []  # series and number of rows
        self.newest = np.empty(0, "datetime64[ns]")  # (series,) time of the newest row
        self.open: dict[int, Passage] = {}  # series -> where it is

    def resolve(self, found: Times, series: Array, numbers: Array) -> Array:
        """Return the times (row,) of the next rows; those without a series or a time do not count.

        `series` (row,) are their codes, and `numbers` (row,) count all rows of the files.
        """
        times = found.times.copy()
        usable = np.flatnonzero((series >= 0) & ~np.isnat(times))
        if not len(usable):
            return times
        missing = int(series.max()) + 1 - len(self.newest)
        self.newest = np.append(self.newest, np.full(max(missing, 0), "NaT", self.newest.dtype))
        repeated = ~np.isnat(found.later)
        concerned = {*series[usable][repeated[usable]].tolist(), *self.open}
        for code in sorted(concerned):
            own = usable[series[usable] == code]
            self._follow(code, own, found, times, numbers)
        self.newest[series[usable]] = times[usable]
        return times

    def _follow(self, code: int, own: Array, found: Times, times: Array, numbers: Array) -> None:
        """Resolve the rows `own` of one series; only those in and after a repeated hour matter."""
        repeated = ~np.isnat(found.later[own])
        after = np.append(code in self.open, repeated[:-1])
        for place in np.flatnonzero(repeated | after).tolist():
            row = int(own[place])
            before = times[own[place - 1]] if place else self.newest[code]
            passage = self.open.get(code)
            if passage and (not repeated[place] or found.times[row] > passage.newest + PASSAGE):
                self._close(code, self.open.pop(code), before, times[row])
                passage = None
            if repeated[place]:
                times[row] = self._step(code, passage, before, found, row, int(numbers[row]))

    def _step(
        self,
        code: int,
        passage: Passage | None,
        before: np.datetime64,
        found: Times,
        row: int,
        number: int,
    ) -> np.datetime64:
        """Return the time of a row within a repeated hour."""
        first, later = found.times[row], found.later[row]
        if passage is None:
            passage = Passage([], first, sound=bool(np.isnat(before) or before < first))
            self.open[code] = passage
        elif first <= passage.newest:
            passage.again = True
        passage.newest = first
        passage.rows.append(number)
        return np.datetime64(later if passage.again else first)

    def _close(
        self, code: int, passage: Passage, last: np.datetime64, after: np.datetime64
    ) -> None:
        """Leave a repeated hour for the time `after`; note its rows if their order is unclear."""
        if not (passage.sound and passage.again and after > last):
            self.unclear += [(code, number) for number in passage.rows]
