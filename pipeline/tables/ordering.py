"""The order of rows by series and time, found without holding the table in memory.

Series are grouped piece by piece, and sorted only where times go back.
"""

from itertools import pairwise

import numpy as np

from pipeline.tables.rows import Array

PIECE = 1 << 20  # rows that are looked at at a time


class Watch:
    """Looks at rows as they come; `sorted` says whether all were in order of name and time."""

    def __init__(self) -> None:
        self.sorted = True
        self.last: tuple[str, np.datetime64] | None = None

    def add(self, names: list[str], series: Array, times: Array) -> None:
        """Look at the next rows: positions (row,) in `names`, and times (row,)."""
        if not self.sorted or not len(series):
            return
        change = series[1:] != series[:-1]
        turns = [names[code] for code in [series[0], *series[1:][change]]]
        head = (turns[0], times[0])
        self.sorted = (
            bool((times[1:] >= times[:-1])[~change].all())
            and all(a < b for a, b in pairwise(turns))
            and (self.last is None or self.last <= head)
        )
        self.last = (turns[-1], times[-1])


def sort(series: Array, times: Array, counts: Array) -> tuple[Array, list[int]]:
    """Return the positions (row,) of the rows in order of series and time, equal ones as they came.

    `counts` (series,) are the rows of each series. Returned second is how many rows of each series
    were earlier than the row before them.
    """
    order = _grouped(series, counts)
    stops = np.cumsum(counts)
    late = []
    for start, stop in zip((stops - counts).tolist(), stops.tolist(), strict=True):
        own = order[start:stop]
        moments = np.asarray(times[own])
        late.append(int((moments[1:] < moments[:-1]).sum()))
        if late[-1]:
            own[:] = own[np.argsort(moments, kind="stable")]
    return order, late


def _grouped(series: Array, counts: Array) -> Array:
    """Return the positions (row,) of the rows of each series, in their present order."""
    order = np.empty(len(series), np.uint32 if len(series) < 1 << 32 else np.int64)
    ends = np.cumsum(counts) - counts  # (series,) where the next row of each goes
    for start in range(0, len(series), PIECE):
        piece = series[start : start + PIECE]
        inside = np.argsort(piece, kind="stable")
        codes = piece[inside]
        new = np.append(True, codes[1:] != codes[:-1])
        first = np.flatnonzero(new)
        since = np.arange(len(codes)) - first[np.cumsum(new) - 1]
        order[ends[codes] + since] = start + inside
        ends[codes[first]] += np.diff(np.append(first, len(codes)))
    return order
