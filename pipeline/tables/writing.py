"""The clean table as it is written: its rows, its outline, and the report of every change."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.config.data import Data
from pipeline.config.validation import Validate
from pipeline.tables import rows, timestamps
from pipeline.tables.filling import Filled
from pipeline.tables.grid import Regular
from pipeline.tables.outline import Builder, Outline
from pipeline.tables.raw import RawRows
from pipeline.tables.reading import RawTable
from pipeline.tables.report import Cells, Changes, Entry
from pipeline.tables.rows import Array, Rows

TABLE = "table.parquet"
REPORT = "report.json"


class CleanTable:
    """Writes `table.parquet` block by block, and in the end `report.json`."""

    def __init__(
        self, data: Data, rules: Validate, folder: Path, scratch: Path, moments: Array
    ) -> None:
        self.folder, self.scratch = folder, scratch
        self.data, self.rules = data, rules
        self.file = rows.Writer(folder / TABLE, data.categories)
        kinds = {"outside": list(rules.limits), "filled": data.columns, "masked": data.columns}
        self.changes = Changes(scratch, kinds)
        self.head = _Head(data.rows)
        self.builder = Builder(moments)
        self.segment = -1  # of the newest row
        self.raw_rows = 0  # rows of the raw table before the next block
        self.cuts = 0

    def __enter__(self) -> "CleanTable":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what waits to be written of the table; nothing is added afterwards."""
        self.file.close()

    def add(self, raw: RawRows, block: Filled) -> None:
        """Add a block and the changes to it; rows of its context were added before.

        `raw` are its rows after their limits, before it was made regular.
        """
        regular = block.regular
        kept = self.head.take(regular)
        cuts = self.head.reached(regular.cuts)
        self.cuts += len(cuts)
        self.changes.add_cuts(cuts)
        self._add_outside(raw)
        if not len(kept):
            return
        part = self._part(regular, kept)
        self._add_cells(block, part, kept)
        self.builder.add(part)
        self.file.add(part, self._columns(regular, kept))

    def _columns(self, block: Regular, kept: Array) -> dict[str, Array]:
        """Return the values of the `kept` rows, those of categories as text."""
        columns = {name: values[kept] for name, values in block.rows.columns.items()}
        for name, texts in block.rows.categories.items():
            if name in columns:
                missing = np.isnan(columns[name])
                codes = pa.array(np.where(missing, 0, columns[name]).astype(np.int32), mask=missing)
                columns[name] = pa.array(texts, pa.string()).take(codes)
        return columns

    def _add_outside(self, raw: RawRows) -> None:
        """Report the values that limits turned into missing ones, wherever they were."""
        reached = ~raw.context & self.head.within(raw)
        before = int(raw.context.sum())
        positions = self.raw_rows - before + np.arange(len(raw.times)) + _turns(raw.series)
        for column, values in raw.outside.items():
            changed = np.flatnonzero(~np.isnan(values) & reached)
            names = [raw.names[code] for code in raw.series[changed].tolist()]
            times, found = raw.times[changed], values[changed]
            self.changes.add(
                "outside", Cells(column, positions[changed], names, times, values=found)
            )
        self.raw_rows += len(raw.times) - before

    def _add_cells(self, block: Filled, part: Rows, kept: Array) -> None:
        """Report the filled and the masked cells of a part of the clean table."""
        positions = self.builder.rows + np.arange(len(part.times)) + part.segment
        for kind, masks in (("filled", block.filled), ("masked", block.masked)):
            for column, mask in masks.items():
                changed = np.flatnonzero(mask[kept])
                how = self.rules.rule(column).policy if kind == "filled" else "mask"
                names = [part.names[code] for code in part.series[changed].tolist()]
                times = part.times[changed]
                self.changes.add(kind, Cells(column, positions[changed], names, times, how))

    def _part(self, block: Regular, kept: Array) -> Rows:
        """Return the `kept` rows of a block, their segments numbered through the table."""
        first = not block.rows.context[0]
        new = np.append(first, block.segment[1:] != block.segment[:-1])
        segment = self.segment + np.cumsum(new[kept])
        self.segment = int(segment[-1])
        codes, series = np.unique(block.rows.series[kept], return_inverse=True)
        names = tuple(block.rows.names[code] for code in codes)
        times = block.rows.times[kept]
        return Rows(names, series.astype(np.int32), times, segment.astype(np.int32))

    def outline(self) -> Outline:
        """Return the outline of what was written."""
        return self.builder.outline()

    def leave_out(self, outline: Outline, names: Sequence[str]) -> Outline:
        """Write the table anew without the series `names`; return the outline of the others."""
        old = self.scratch / TABLE
        (self.folder / TABLE).rename(old)
        left = outline.only(set(outline.names) - set(names))
        with rows.Writer(self.folder / TABLE, self.data.categories) as file:
            for part, columns in _others(old, self.data.columns, names):
                file.add(part, columns)
        return left

    def report(
        self, table: RawTable, outline: Outline, frequency: str, left_out: Mapping[str, str]
    ) -> None:
        """Write the report about what was written."""
        folder = table.numbering.path
        facts = {
            "rows": int(outline.stop[-1]),
            "series": _summary(outline),
            "frequency": frequency,
            "files": [_name(file.path, folder) for file in table.numbering.files],
            "left_out": dict(left_out),
            "notes": list(table.notes),
            "unsorted": table.unsorted,
        }
        self.changes.write(self.folder / REPORT, facts, left_out)


def _name(file: Path, folder: Path) -> str:
    """Return the name of a file in its folder, or that of a file that is the whole table."""
    return file.name if file == folder else file.relative_to(folder).as_posix()


def _turns(series: Array) -> Array:
    """Return (row,) how often the series has changed, so that positions jump there."""
    return np.append(0, np.cumsum(series[1:] != series[:-1]))


def _others(
    path: Path, columns: Sequence[str], names: Sequence[str]
) -> Iterator[tuple[Rows, dict[str, Array]]]:
    """Yield the parts of a clean table without the series `names`, segments numbered anew."""
    newest, segment = -1, -1
    for part, values in rows.parts(path, columns):
        wanted = [code for code, name in enumerate(part.names) if name not in names]
        kept = np.flatnonzero(np.isin(part.series, wanted))
        if not len(kept):
            continue
        old = part.segment[kept]
        new = segment + np.cumsum(old != np.append(newest, old[:-1]))
        newest, segment = int(old[-1]), int(new[-1])
        series = np.searchsorted(wanted, part.series[kept]).astype(np.int32)
        others = tuple(part.names[code] for code in wanted)
        left = Rows(others, series, part.times[kept], new.astype(np.int32))
        yield left, {name: array[kept] for name, array in values.items()}


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
        kept = [np.empty(0, np.int64)]
        for name, own in zip(block.rows.names, block.rows.slices(), strict=True):
            before = self.taken.get(name, 0)
            rows = own.start + np.flatnonzero(fresh[own])[: self.count - before]
            self.taken[name] = before + len(rows)
            if len(rows) and self.taken[name] == self.count:
                self.last[name] = block.rows.times[rows[-1]]
            kept.append(rows)
        return np.concatenate(kept)

    def within(self, raw: RawRows) -> Array:
        """Return (row,) true up to the last row of its series that is taken."""
        latest = np.datetime64(np.iinfo(np.int64).max, "ns")
        ends = np.array([self.last.get(name, latest) for name in raw.names], "datetime64[ns]")
        return np.asarray(raw.times <= ends[raw.series])

    def reached(self, cuts: Sequence[Entry]) -> list[Entry]:
        """Return the cuts before the last row that is taken."""
        return [
            cut
            for cut in cuts
            if (last := self.last.get(str(cut["series"]))) is None
            or (cut["time"] is not None and np.datetime64(str(cut["time"])[:-1]) <= last)
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
