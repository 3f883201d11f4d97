"""The order of rows by series and time, found without holding the table: series by series, and sorted only where times go back."""

from itertools import pairwise

import numpy as np

from pipeline.tables.rows import Array

PIECE = 1 << 20  # rows that are looked at at a time


class Watch:
    """Looks at rows as they come, and knows whether all of them were in order of name and time."""

    def __init__(self) -> None:
        self.in_order = True
        self.last: tuple[str, np.datetime64] | None = None

    def see(self, names: list[str], series: Array, times: Array) -> None:
        """The next rows: positions (row,) in `names`, and times (row,)."""
        if not self.in_order or not len(series):
            return
        change = series[1:] != series[:-1]
        turns = [names[code] for code in [series[0], *series[1:][change]]]
        head = (turns[0], times[0])
        steady = bool((times[1:] >= times[:-1])[~change].all())
        self.in_order = (
            steady
            and all(a < b for a, b in pairwise(turns))
            and (self.last is None or self.last <= head)
        )
        self.last = (turns[-1], times[-1])


def grouped(series: Array, counts: Array) -> Array:
    """The places (row,) of the rows of each series, in their present order; `series` (row,) is read piece by piece, `counts` (series,) are its rows."""
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


def sort(order: Array, times: Array, counts: Array) -> Array:
    """Sort the rows of each series in `order` (row,), in place, by `times` (row,); return how many were earlier than the row before them, (series,)."""
    late = np.zeros(len(counts), np.int64)
    stops = np.cumsum(counts)
    for code, (start, stop) in enumerate(
        zip((stops - counts).tolist(), stops.tolist(), strict=True)
    ):
        own = order[start:stop]
        moments = np.asarray(times[own])
        late[code] = (moments[1:] < moments[:-1]).sum()
        if late[code]:
            own[:] = own[np.argsort(moments, kind="stable")]
    return late
