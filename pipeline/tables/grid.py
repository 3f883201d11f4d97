"""The regular grid: short gaps become rows without values, longer ones cut the series."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.tables import timestamps
from pipeline.tables.clocks import Clock
from pipeline.tables.raw import INSERTED, RawRows
from pipeline.tables.report import Entry
from pipeline.tables.rows import Array


@dataclass(frozen=True)
class Regular:
    """Rows whose times are regular inside each segment; those of filled gaps hold NaN."""

    rows: RawRows
    segment: Array  # (row,) int32, a running number, new at every series and every cut
    cuts: list[Entry]

    @property
    def inserted(self) -> Array:
        """Return (row,) true for rows of filled gaps."""
        return np.asarray(self.rows.numbers == INSERTED)

    def cut(self) -> Array:
        """Return (row,) true where the row is the first one after a gap that cuts its series."""
        new = np.append(False, self.segment[1:] != self.segment[:-1])[: len(self.segment)]
        return np.asarray(self.rows.later() & new)


def regular(rows: RawRows, clocks: Sequence[Clock], positions: Array, gaps: int) -> Regular:
    """Insert the rows of gaps of up to `gaps` rows, cut at longer ones.

    `positions` (row,) are those of the rows on the clock of their series.
    """
    later = rows.later()[1:]
    lacking = np.where(later, np.diff(positions) - 1, 0)  # (row - 1,) rows between two rows
    cut = lacking > gaps
    repeats = np.append(np.where(cut, 0, lacking), 0) + 1
    old = np.repeat(np.arange(len(repeats)), repeats)  # (new row,) this row, or the last before it
    since = np.arange(len(old)) - np.repeat(np.cumsum(repeats) - repeats, repeats)  # steps
    inserted = since > 0
    segment = np.concatenate([[0], np.cumsum(cut | ~later)]).astype(np.int32)
    whole = rows.take(old)
    places = positions[old] + since
    times = [clock.times(places[own]) for clock, own in zip(clocks, whole.slices(), strict=True)]
    whole = replace(
        whole,
        times=np.where(inserted, np.concatenate(times), whole.times),
        columns={name: np.where(inserted, np.nan, old) for name, old in whole.columns.items()},
        outside={name: np.where(inserted, np.nan, old) for name, old in whole.outside.items()},
        numbers=np.where(inserted, INSERTED, whole.numbers),
        context=whole.context & ~inserted,
    )
    cuts = [_cut(rows, row, int(lacking[row])) for row in np.flatnonzero(cut).tolist()]
    return Regular(whole, segment[old], cuts)


def _cut(rows: RawRows, row: int, lacking: int) -> Entry:
    """Return the report's entry about a cut after `row`."""
    return {
        "series": rows.names[rows.series[row]],
        "last": timestamps.label(rows.times[row]),
        "time": timestamps.label(rows.times[row + 1]),
        "missing_rows": lacking,
    }
