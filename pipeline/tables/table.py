"""The clean table: regular, typed, complete, with a report of all that was done to get there; or one refusal with every finding."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from pipeline.config.sections import Data, Validate
from pipeline.core.errors import InputError
from pipeline.tables import checks, filling, reading, rows, timestamps
from pipeline.tables.blocks import blocks
from pipeline.tables.grid import Regular
from pipeline.tables.inspection import Inspection
from pipeline.tables.outline import MOMENTS, Outline, Tracer
from pipeline.tables.report import Changes, Entry
from pipeline.tables.rows import Array, Rows


def clean(
    data: Data, rules: Validate, raw: Path, folder: Path, moments: Array = MOMENTS
) -> tuple[Outline, dict[str, int]]:
    """Write `table.parquet` and `report.json` about `raw` (a file or a folder) into `folder`; raises `InputError` with every finding.

    Returns the outline, with what a split at `moments` must know, and how many cells were filled and gaps cut.
    """
    if double := checks.roles(data):
        raise InputError(*double, *checks.idle(data, rules))
    with TemporaryDirectory(dir=folder) as scratch, rows.Writer(folder / "table.parquet") as table:
        found = reading.scan(data, raw, _new(scratch, "scan"))
        changes = Changes(
            _new(scratch, "changes"),
            {"outside": list(rules.limits), "cuts": [""], "filled": data.columns},
        )
        inspection, head, tracer = Inspection(data, rules, found), _Head(data.rows), Tracer(moments)
        for block in blocks(found, rules.limits):
            if regular := inspection.see(block):
                whole, filled = filling.fill(regular, rules)
                kept = head.take(whole, block.again)
                outside = checks.limits(
                    block.readings.part(block.again, len(block.readings.times)), rules.limits
                )[2]
                for kind, entries in (
                    ("outside", outside),
                    ("cuts", whole.cuts),
                    ("filled", filled),
                ):
                    changes.add(kind, head.reached(entries))
                if len(kept):
                    part = head.rows(whole, kept, block.again)
                    tracer.add(part)
                    table.add(
                        part,
                        {column: values[kept] for column, values in whole.readings.columns.items()},
                    )
        about = {
            "frequency": inspection.judge(),
            "files": [file.name for file in found.origins.files],
            "unsorted": found.late,
        }
        outline = tracer.outline()
        changes.write(
            folder / "report.json", {"rows": tracer.rows, "series": _summary(outline), **about}
        )
    return outline, changes.counts


def _new(folder: str, name: str) -> Path:
    path = Path(folder) / name
    path.mkdir()
    return path


class _Head:
    """The first `count` rows of each series, or all; and the running number of their segments."""

    def __init__(self, count: int | None) -> None:
        self.count = count
        self.taken: dict[str, int] = {}
        self.last: dict[str, np.datetime64] = {}  # series of which all was taken -> the last time
        self.segment = -1  # of the newest row

    def take(self, table: Regular, again: int) -> Array:
        """The rows of a block that are taken; the first `again` of it were in the block before."""
        if self.count is None:
            return np.arange(again, len(table.segment))
        taken = [
            self._take(name, own, table.readings.times, again)
            for name, own in zip(table.readings.names, table.readings.slices(), strict=True)
        ]
        return np.concatenate(taken)

    def _take(self, name: str, own: slice, times: Array, again: int) -> Array:
        start = max(own.start, again)
        before = self.taken.get(name, 0)
        stop = min(own.stop, start + (self.count or 0) - before)
        self.taken[name] = before + stop - start
        if self.taken[name] == self.count and stop > start:
            self.last[name] = times[stop - 1]
        return np.arange(start, stop)

    def reached(self, entries: list[Entry]) -> list[Entry]:
        """The changes without those behind the last row that is taken."""
        return [
            entry
            for entry in entries
            if entry["series"] not in self.last
            or np.datetime64(entry["time"][:-1]) <= self.last[entry["series"]]
        ]

    def rows(self, table: Regular, kept: Array, again: int) -> Rows:
        """What the `kept` rows of a block are."""
        new = np.append(not again, table.segment[1:] != table.segment[:-1])
        segment = self.segment + np.cumsum(new[kept])
        self.segment = int(segment[-1])
        codes, series = np.unique(table.readings.series[kept], return_inverse=True)
        names = tuple(table.readings.names[code] for code in codes)
        return Rows(
            names, series.astype(np.int32), table.readings.times[kept], segment.astype(np.int32)
        )


def _summary(outline: Outline) -> Mapping[str, Any]:
    segments = np.bincount(outline.series, minlength=len(outline.names)).tolist()
    facts = zip(
        outline.names,
        outline.counts().tolist(),
        outline.opens,
        outline.closes,
        segments,
        strict=True,
    )
    return {
        name: {
            "rows": count,
            "first": timestamps.label(first),
            "last": timestamps.label(last),
            "segments": number,
        }
        for name, count, first, last, number in facts
    }
