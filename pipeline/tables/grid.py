"""The regular table: short gaps become rows without values, long ones cut the series into segments that no window crosses."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.tables import timestamps
from pipeline.tables.frequency import Clock
from pipeline.tables.readings import INSERTED, Readings
from pipeline.tables.rows import Array


@dataclass(frozen=True)
class Regular:
    """Readings whose times are regular inside each segment; rows of filled gaps hold NaN."""

    readings: Readings
    segment: Array  # (row,) int32, a running number over the whole table, new at every series and every cut
    inserted: Array  # (row,) bool
    cuts: list[dict[str, Any]]


def regular(readings: Readings, clocks: list[Clock], positions: Array, gaps: int) -> Regular:
    """Insert the rows of gaps of up to `gaps` rows, cut at longer ones; `positions` (row,) are those of the rows on their clocks."""
    same = readings.series[1:] == readings.series[:-1]
    absent = np.where(
        same, np.diff(positions) - 1, 0
    )  # (row - 1,) rows that are not there between two rows
    cut = absent > gaps
    repeats = np.append(np.where(cut, 0, absent), 0) + 1
    rows = np.repeat(
        np.arange(len(repeats)), repeats
    )  # (new row,) the row that stands here or was the last before
    ahead = np.arange(len(rows)) - np.repeat(
        np.cumsum(repeats) - repeats, repeats
    )  # (new row,) steps since that row
    segment = np.concatenate([[0], np.cumsum(cut | ~same)]).astype(np.int32)
    whole = _whole(readings.take(rows), ahead > 0, positions[rows] + ahead, clocks)
    return Regular(
        whole,
        segment[rows],
        ahead > 0,
        [_cut(readings, row, int(absent[row])) for row in np.flatnonzero(cut)],
    )


def _whole(readings: Readings, inserted: Array, positions: Array, clocks: list[Clock]) -> Readings:
    columns = {
        column: np.where(inserted, np.nan, values) for column, values in readings.columns.items()
    }
    times = np.concatenate(
        [
            clock.times(positions[rows])
            for clock, rows in zip(clocks, readings.slices(), strict=True)
        ]
    )
    return replace(
        readings, columns=columns, times=times, origin=np.where(inserted, INSERTED, readings.origin)
    )


def _cut(readings: Readings, row: int | np.integer[Any], absent: int) -> dict[str, Any]:
    last, first = (timestamps.label(time) for time in readings.times[row : row + 2])
    return {
        "series": readings.names[readings.series[row]],
        "last": last,
        "time": first,
        "missing_rows": absent,
    }
