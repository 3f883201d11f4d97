"""A table on disk while it is worked on: one file per column, read in parts."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from pipeline.tables.rows import Array

PIECE = 1 << 20  # rows that are reordered at a time


class Spool:
    """Columns (row,) of the types `kinds`, in a folder of its own."""

    def __init__(self, folder: Path, kinds: Sequence[DTypeLike]) -> None:
        self.kinds = [np.dtype(kind) for kind in kinds]
        self.files = [folder / f"{position}" for position in range(len(kinds))]
        self.rows = 0
        for file in self.files:
            file.touch()

    def append(self, columns: Sequence[Array]) -> None:
        """Add rows: one array (row,) for each column."""
        for file, kind, values in zip(self.files, self.kinds, columns, strict=True):
            with file.open("ab") as end:
                values.astype(kind, copy=False).tofile(end)
        self.rows += len(columns[0])

    def read(self, column: int, start: int, stop: int) -> Array:
        """Return a copy of the rows `start` to `stop` - 1."""
        kind = self.kinds[column]
        return np.fromfile(self.files[column], kind, stop - start, offset=start * kind.itemsize)

    def mapped(self, column: int) -> Array:
        """Return the whole column, memory-mapped: pages are loaded when they are looked at."""
        return np.memmap(self.files[column], self.kinds[column], "r", shape=(self.rows,))

    def translate(self, column: int, values: Array) -> None:
        """Replace each number of an integer column by `values[number]`."""
        if np.array_equal(values, np.arange(len(values))):
            return
        old, draft = self.mapped(column), self.files[column].with_suffix(".new")
        with draft.open("wb") as end:
            for start in range(0, self.rows, PIECE):
                values[old[start : start + PIECE]].tofile(end)
        draft.replace(self.files[column])

    def reorder(self, order: Array) -> None:
        """Put the rows in another order: `order` (row,) holds their present positions."""
        for column, file in enumerate(self.files):
            old, draft = self.mapped(column), file.with_suffix(".new")
            with draft.open("wb") as end:
                for start in range(0, self.rows, PIECE):
                    np.asarray(old[order[start : start + PIECE]]).tofile(end)
            del old
            draft.replace(file)
