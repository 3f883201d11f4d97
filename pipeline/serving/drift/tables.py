"""The two tables, the clean one of the last run and the present one, and what is new in it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.config.data import Data
from pipeline.core.files import read_json
from pipeline.serving.drift.columns import Column
from pipeline.tables import rows, timestamps
from pipeline.tables.rows import Array
from pipeline.tables.writing import REPORT, TABLE

YEAR = np.timedelta64(31_556_952, "s")


@dataclass(frozen=True)
class Delta:
    """What is new in a series: its rows, with the first and last of them, and what has changed.

    `changed` counts the rows of the history that are gone or have another value now.
    """

    series: str
    old: int
    new: int
    first: str
    last: str
    changed: int


@dataclass(frozen=True)
class Table:
    """A clean table in memory: series -> times (row,), and column -> values (row,).

    Values that were missing are NaN, whether they were filled or masked.
    """

    times: Mapping[str, Array]
    values: Mapping[str, Mapping[str, Array]]

    @classmethod
    def read(cls, folder: Path, data: Data) -> "Table":
        """Read a folder that `validate` wrote; columns of text are left out."""
        index, report = rows.read(folder / TABLE), read_json(folder / REPORT)
        own = dict(zip(index.names, index.slices(), strict=True))
        times = {name: index.times[part] for name, part in own.items()}
        values: dict[str, dict[str, Array]] = {name: {} for name in own}
        for column in data.columns:
            if column not in data.categories:
                whole = rows.column(folder / TABLE, column).astype(np.float64)
                for name, part in own.items():
                    values[name][column] = whole[part].copy()
        for entry in (*report["filled"], *report["masked"]):
            if entry["column"] in values.get(entry["series"], {}):
                _remove(entry, times, values)
        return cls(times, values)


@dataclass(frozen=True)
class History:
    """The history of a series in the table of the last run, and its new rows in the present one.

    `old` and `new` are (row,), true for the rows of the history and for the new ones.
    """

    series: str
    old: Array
    new: Array

    def delta(self, before: Table, after: Table) -> Delta:
        """Count what is new, and what has changed."""
        fresh = after.times[self.series][self.new]
        ends = [timestamps.label(time) for time in fresh[[0, -1]]] if len(fresh) else ["", ""]
        changed = _changed(self.series, self.old, before, after)
        return Delta(self.series, int(self.old.sum()), len(fresh), ends[0], ends[1], changed)

    def columns(self, before: Table, after: Table) -> Iterator[Column]:
        """Yield each column, its history followed by its new rows."""
        times = before.times[self.series][self.old]
        step = np.median(np.diff(times)) if len(times) > 1 else YEAR
        year = max(1, round(YEAR / step))
        for name, values in before.values[self.series].items():
            joined = np.concatenate([values[self.old], after.values[self.series][name][self.new]])
            yield Column(self.series, name, joined, len(times), year)


def histories(before: Table, after: Table, since: np.datetime64 | None) -> Iterator[History]:
    """Yield each series that both tables have; its history ends at `since`, if that is given."""
    for name, times in before.times.items():
        if name not in after.times:
            continue
        old = np.ones(len(times), bool) if since is None else times <= since
        if old.any():
            yield History(name, old, after.times[name] > times[old][-1])


def _remove(
    entry: Mapping[str, str],
    times: Mapping[str, Array],
    values: Mapping[str, Mapping[str, Array]],
) -> None:
    """Set a stretch of the report to NaN again."""
    first, last = (np.datetime64(entry[key].removesuffix("Z"), "ns") for key in ("first", "last"))
    own = times[entry["series"]]
    start, stop = np.searchsorted(own, first), np.searchsorted(own, last, side="right")
    values[entry["series"]][entry["column"]][start:stop] = np.nan


def _changed(series: str, old: Array, before: Table, after: Table) -> int:
    """Count the rows of a history that the present table does not have as they were."""
    frames: Sequence[pd.DataFrame] = [
        pd.DataFrame(dict(table.values[series]), index=table.times[series])
        for table in (before, after)
    ]
    history, present = frames[0][old], frames[1].reindex(frames[0].index[old])
    same = (history == present) | (history.isna() & present.isna())
    gone = ~history.index.isin(frames[1].index)
    return int((~same.all(axis=1).to_numpy() | gone).sum())
