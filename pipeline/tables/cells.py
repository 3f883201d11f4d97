"""The measured columns of a table as they are read: numbers, categories, and what is neither."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.config.data import Data
from pipeline.tables import values
from pipeline.tables.raw import Texts
from pipeline.tables.rows import Array
from pipeline.tables.source import File
from pipeline.tables.values import Marks

MOST_CATEGORIES = 1000  # different values of a column; each becomes a channel


class Columns:
    """Reads the columns `names` batch by batch, and remembers what is to be said of them."""

    def __init__(self, data: Data, names: Sequence[str]) -> None:
        self.names = names
        self.csv = Marks(data.csv.decimal, data.csv.thousands)
        self._texts: dict[str, list[tuple[Array, pa.Array]]] = {name: [] for name in names}
        self._codes: dict[str, dict[str | None, int]] = {
            name: {} for name in names if name in data.categories
        }
        self.rounded = dict.fromkeys(names, 0)  # whole numbers beyond 2^53

    def read(self, file: File, batch: pa.RecordBatch, first: Array) -> list[Array]:
        """Return each column's values, (row,) float64; `first` (1,) is the first row's number."""
        marks = self.csv if file.is_csv else values.PLAIN
        columns = []
        for name in self.names:
            if name in self._codes:
                columns.append(self._category(name, batch.column(name)))
                continue
            found = values.numbers(batch.column(name), marks)
            if len(found.positions):
                self._texts[name].append((found.positions + first, found.texts))
            self.rounded[name] += found.rounded
            columns.append(found.numbers)
        return columns

    def _category(self, name: str, column: pa.Array) -> Array:
        """Return a number for each text of a category, NaN where it is missing."""
        encoded = values.as_text(column).dictionary_encode()
        known = self._codes[name]
        codes = [known.setdefault(text, len(known)) for text in encoded.dictionary.to_pylist()]
        indices = encoded.indices.fill_null(len(codes)).to_numpy(zero_copy_only=False)
        return np.asarray(np.array([*codes, np.nan], float)[indices])

    def findings(self, path: Path) -> list[str]:
        """Return what is wrong with categories."""
        return [
            f"{path}: column {name!r}: has {len(codes)} different values; a category has at most "
            f"{MOST_CATEGORIES}, since each of them becomes a channel; drop it from `data`"
            for name, codes in self._codes.items()
            if len(codes) > MOST_CATEGORIES
        ]

    def notes(self) -> list[str]:
        """Return what the report says about the numbers."""
        return [
            f"column {name!r}: {count} whole numbers beyond 2^53 are rounded, as are all numbers "
            "of more than 15 digits"
            for name, count in self.rounded.items()
            if count
        ]

    def texts(self) -> dict[str, Texts]:
        """Return the texts that stand where numbers should be."""
        return {name: _joined(parts) for name, parts in self._texts.items()}

    def categories(self) -> Mapping[str, Sequence[str]]:
        """Return the texts that the numbers of categories stand for."""
        return {name: [str(text) for text in codes] for name, codes in self._codes.items()}


def _joined(parts: list[tuple[Array, pa.Array]]) -> Texts:
    numbers = np.concatenate([np.empty(0, np.int64), *(numbers for numbers, _ in parts)])
    return Texts(numbers, pa.chunked_array([texts for _, texts in parts], pa.string()))
