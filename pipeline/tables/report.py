"""The report of what was done to a table: every changed cell, in stretches, and totals per column.

Changes are kept on disk, not in memory, until the report is written.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from pipeline.core import files
from pipeline.tables.rows import Array
from pipeline.tables.timestamps import label

Entry = dict[str, object]  # one change: series, time and what was done
CUTS = "cuts"


@dataclass(frozen=True)
class Cells:
    """Changed cells (cell,) of one column, in order of the table.

    Cells whose `positions` follow one another are one stretch. `how` says what was done to them,
    or else `values` holds what they were.
    """

    column: str
    positions: Array
    series: Sequence[str]
    times: Array
    how: str = ""
    values: Array | None = None

    def stretches(self) -> Iterator[tuple[int, int, Entry]]:
        """Yield the stretches: first and last position, and the report's entry."""
        new = np.append(True, np.diff(self.positions) != 1)
        starts = np.flatnonzero(new).tolist()
        for start, stop in zip(starts, [*starts[1:], len(self.positions)], strict=True):
            entry: Entry = {
                "series": self.series[start],
                "column": self.column,
                "first": label(self.times[start]),
                "last": label(self.times[stop - 1]),
                "rows": stop - start,
            }
            if self.values is None:
                entry["how"] = self.how
            else:
                values = self.values[start:stop]
                entry |= {"min": float(values.min()), "max": float(values.max())}
            yield int(self.positions[start]), int(self.positions[stop - 1]), entry


class Changes:
    """Changes of several kinds, each for several columns, in files of an empty folder."""

    def __init__(self, folder: Path, kinds: Mapping[str, Sequence[str]]) -> None:
        self.paths = {
            kind: {column: folder / f"{kind}.{position}" for position, column in enumerate(columns)}
            for kind, columns in kinds.items()
        }
        self.cuts = folder / CUTS
        self.rows: Counter[tuple[str, str, str]] = Counter()  # kind, column and series -> cells
        self.open: dict[tuple[str, str], tuple[int, Entry]] = {}  # stretches that may go on
        for path in self._files():
            path.touch()

    def _files(self) -> Iterator[Path]:
        yield self.cuts
        for paths in self.paths.values():
            yield from paths.values()

    def add_cuts(self, entries: Iterable[Entry]) -> None:
        """Add the next cuts."""
        with self.cuts.open("a") as file:
            file.writelines(f"{json.dumps(entry)}\n" for entry in entries)

    def add(self, kind: str, cells: Cells) -> None:
        """Add the next changed cells of one kind and column."""
        if not len(cells.positions):
            return
        key = (kind, cells.column)
        with self.paths[kind][cells.column].open("a") as file:
            for first, last, entry in cells.stretches():
                self.rows[kind, cells.column, str(entry["series"])] += int(str(entry["rows"]))
                before, opened = self.open.get(key, (-1, {}))
                if opened and before + 1 == first and _goes_on(opened, entry):
                    entry = _joined(opened, entry)
                elif opened:
                    file.write(f"{json.dumps(opened)}\n")
                self.open[key] = (last, entry)

    def _close(self) -> None:
        """Write the stretches that nothing follows."""
        for (kind, column), (_, entry) in self.open.items():
            with self.paths[kind][column].open("a") as file:
                file.write(f"{json.dumps(entry)}\n")
        self.open.clear()

    def count(self, kind: str) -> int:
        """Return the number of cells of a kind."""
        return sum(count for (own, _, _), count in self.rows.items() if own == kind)

    def write(
        self, path: Path, facts: Mapping[str, object], left_out: Collection[str] = ()
    ) -> None:
        """Write `facts`, all changes and their totals as `files.write_json` would.

        What concerns series that are `left_out` is not written.
        """
        self._close()
        facts = {**facts, "totals": self._totals(left_out)}
        lists = {kind: list(paths.values()) for kind, paths in self.paths.items()}
        lists[CUTS] = [self.cuts]
        with files.new_file(path) as draft, draft.open("w") as file:
            for position, key in enumerate(sorted([*facts, *lists])):
                file.write(f"{',' if position else '{'}\n {json.dumps(key)}: ")
                if key in lists:
                    _write_list(file, _entries(lists[key], left_out))
                else:
                    file.write(_indented(facts[key], 1))
            file.write("\n}\n")

    def _totals(self, left_out: Collection[str]) -> dict[str, dict[str, int]]:
        totals: dict[str, dict[str, int]] = {kind: {} for kind in self.paths}
        for (kind, column, series), count in self.rows.items():
            if series not in left_out:
                totals[kind][column] = totals[kind].get(column, 0) + count
        return totals


def _goes_on(opened: Entry, entry: Entry) -> bool:
    return all(opened.get(key) == entry.get(key) for key in ("series", "how"))


def _joined(opened: Entry, entry: Entry) -> Entry:
    """Return one entry for two stretches that follow one another."""
    rows = int(str(opened["rows"])) + int(str(entry["rows"]))
    joined = {**opened, "last": entry["last"], "rows": rows}
    for key, choose in (("min", min), ("max", max)):
        if key in entry:
            joined[key] = choose(float(str(opened[key])), float(str(entry[key])))
    return joined


def _entries(paths: Sequence[Path], left_out: Collection[str]) -> Iterator[Entry]:
    """Yield the changes, column by column, in the order of the table; infinities become text."""
    for path in paths:
        with path.open() as file:
            for entry in map(json.loads, file):
                if entry["series"] not in left_out:
                    yield {key: _finite(value) for key, value in entry.items()}


def _finite(value: object) -> object:
    return str(value) if isinstance(value, float) and not np.isfinite(value) else value


def _write_list(file: TextIO, entries: Iterator[Entry]) -> None:
    position = -1
    for position, entry in enumerate(entries):
        file.write(f"{',' if position else '['}\n  {_indented(entry, 2)}")
    file.write("[]" if position < 0 else "\n ]")


def _indented(value: object, depth: int) -> str:
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False)
    return text.replace("\n", "\n" + " " * depth)
