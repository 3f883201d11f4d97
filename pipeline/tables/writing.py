"""The clean table as it is written: its rows, its outline, and the report of every change."""

from pathlib import Path

import numpy as np

from pipeline.config.data import Data
from pipeline.config.validation import Validate
from pipeline.tables import rows, timestamps
from pipeline.tables.grid import Regular
from pipeline.tables.outline import Builder, Outline
from pipeline.tables.reading import RawTable
from pipeline.tables.report import Changes, Entry
from pipeline.tables.rows import Array, Rows


class CleanTable:
    """Writes `table.parquet` block by block, and in the end `report.json`."""

    def __init__(
        self, data: Data, rules: Validate, folder: Path, scratch: Path, moments: Array
    ) -> None:
        self.folder = folder
        self.file = rows.Writer(folder / "table.parquet")
        kinds = {"outside": list(rules.limits), "cuts": [""], "filled": data.columns}
        self.changes = Changes(scratch, kinds)
        self.head = _Head(data.rows)
        self.builder = Builder(moments)
        self.segment = -1  # of the newest row

    def __enter__(self) -> "CleanTable":
        self.file.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.file.__exit__(*error)

    def add(self, block: Regular, outside: list[Entry], filled: list[Entry]) -> None:
        """Add a complete block, and the changes to it; rows of its context were added before."""
        kept = self.head.take(block)
        for kind, entries in (("outside", outside), ("cuts", block.cuts), ("filled", filled)):
            self.changes.add(kind, self.head.reached(entries))
        if len(kept):
            part = self._rows(block, kept)
            self.builder.add(part)
            columns = {name: values[kept] for name, values in block.rows.columns.items()}
            self.file.add(part, columns)

    def _rows(self, block: Regular, kept: Array) -> Rows:
        """Return the `kept` rows of a block, their segments numbered through the table."""
        first = not block.rows.context[0]
        new = np.append(first, block.segment[1:] != block.segment[:-1])
        segment = self.segment + np.cumsum(new[kept])
        self.segment = int(segment[-1])
        codes, series = np.unique(block.rows.series[kept], return_inverse=True)
        names = tuple(block.rows.names[code] for code in codes)
        times = block.rows.times[kept]
        return Rows(names, series.astype(np.int32), times, segment.astype(np.int32))

    def finish(self, table: RawTable, frequency: str) -> Outline:
        """Write the report and return the outline of what was written."""
        outline = self.builder.outline()
        facts = {
            "rows": self.builder.rows,
            "series": _summary(outline),
            "frequency": frequency,
            "files": [file.name for file in table.numbering.files],
            "unsorted": table.unsorted,
        }
        self.changes.write(self.folder / "report.json", facts)
        return outline


class _Head:
    """Takes the first `count` rows of each series, or all of them."""

    def __init__(self, count: int | None) -> None:
        self.count = count
        self.taken: dict[str, int] = {}  # series -> rows
        self.last: dict[str, np.datetime64] = {}  # complete series -> time of the last row taken

    def take(self, block: Regular) -> Array:
        """Return the rows of a block that are taken; its context was taken before."""
        fresh = ~block.rows.context
        if self.count is None:
            return np.flatnonzero(fresh)
        kept = []
        for name, own in zip(block.rows.names, block.rows.slices(), strict=True):
            before = self.taken.get(name, 0)
            rows = own.start + np.flatnonzero(fresh[own])[: self.count - before]
            self.taken[name] = before + len(rows)
            if len(rows) and self.taken[name] == self.count:
                self.last[name] = block.rows.times[rows[-1]]
            kept.append(rows)
        return np.concatenate(kept)

    def reached(self, entries: list[Entry]) -> list[Entry]:
        """Return the changes without those after the last row that is taken."""
        return [
            entry
            for entry in entries
            if (last := self.last.get(str(entry["series"]))) is None
            or np.datetime64(str(entry["time"])[:-1]) <= last
        ]


def _summary(outline: Outline) -> dict[str, dict[str, object]]:
    """Return the report's facts about each series."""
    counts = outline.counts().tolist()
    segments = np.bincount(outline.series, minlength=len(outline.names)).tolist()
    return {
        name: {
            "rows": counts[code],
            "first": timestamps.label(outline.first_times[code]),
            "last": timestamps.label(outline.last_times[code]),
            "segments": segments[code],
        }
        for code, name in enumerate(outline.names)
    }
