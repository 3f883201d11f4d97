"""The first rows of a table, and how its CSV files are written."""

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from pipeline.config.data import Csv
from pipeline.core.errors import InputError
from pipeline.tables import source
from pipeline.tables.rows import Array
from pipeline.tables.source import File, Origin

Marks = tuple[Literal[".", ","], str | None]  # decimal, thousands
ROWS = 500_000  # of all files together
BYTES = 1 << 18  # of a file that its dialect is taken from
LINES = 500  # of those
SEPARATORS = ",;\t|"
MARKS: Mapping[str, Marks] = {  # what a number looks like
    r"[+-]?\d{1,3}(,\d{3})+\.\d+": (".", ","),
    r"[+-]?\d{1,3}(\.\d{3})+,\d+": (",", "."),
    r"[+-]?\d{1,3}( \d{3})+\.\d+": (".", " "),
    r"[+-]?\d{1,3}( \d{3})+,\d+": (",", " "),
    r"[+-]?\d{1,3}('\d{3})+\.\d+": (".", "'"),
    r"[+-]?\d*\.\d+": (".", None),
    r"[+-]?\d*,\d+": (",", None),
}


@dataclass(frozen=True)
class Sample:
    """The first rows of a table: text of CSV files, values of Parquet files."""

    path: Path
    files: Sequence[Path]
    csv: Csv
    columns: dict[str, pa.Array]  # each (row,)
    file: Array  # (row,) position of the row's file in `files`
    whole: bool  # the sample is the whole table
    notes: Sequence[str]  # what of the files could not be used

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.file)


def read(path: Path, rows: int = ROWS) -> Sample:
    """Read at most `rows` rows, as many of each file; raises `InputError` for unreadable files."""
    files, dialect = _files(path)
    names, notes = _common([file.header() for file in files])
    share = max(rows // len(files), 1)
    tables = [_first(file, names, share) for file in files]
    try:
        joined = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise InputError(f"{path}: its files hold columns of different types: {error}") from None
    if not joined.num_rows or len(names) < 2:
        raise InputError(
            f"{path}: has {joined.num_rows} rows and {len(names)} columns; a table needs rows, a"
            " time and a column to forecast"
        )
    return Sample(
        path,
        [file.path for file in files],
        dialect,
        {name: _array(joined.column(name)) for name in names},
        np.repeat(np.arange(len(files)), [table.num_rows for table in tables]),
        all(table.num_rows < share for table in tables),
        notes,
    )


def _files(path: Path) -> tuple[list[File], Csv]:
    """Return the files of a table, and how those that are CSV are written."""
    origin = Origin(path="name another table")
    found = source.files(path, Csv(), origin)
    written = [file.path for file in found if file.is_csv]
    try:
        dialect = sniff(written[0]) if written else Csv()
    except (OSError, UnicodeError, csv.Error) as error:
        raise InputError(f"{written[0]}: cannot be read: {error}") from None
    return source.files(path, dialect, origin), dialect


def sniff(file: Path) -> Csv:
    """Return how a CSV file is written, from its first lines."""
    with file.open("rb") as opened:
        start = opened.read(BYTES)
    encoding = _encoding(start)
    lines = start.decode(encoding, errors="ignore").lstrip("\ufeff").splitlines()
    lines = [line for line in lines if line.strip()][:LINES]
    separator = max(SEPARATORS, key=lambda mark: _fields(lines, mark))
    decimal, thousands = _marks(lines, separator)
    return Csv(separator=separator, decimal=decimal, thousands=thousands, encoding=encoding)


def _encoding(start: bytes) -> str:
    """Return the encoding: by its mark, or UTF-8 if the bytes allow it, or else cp1252."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        start[: -3 if len(start) == BYTES else None].decode("utf-8")
    except UnicodeDecodeError as error:
        return "utf-8" if error.start > len(start) - 7 and len(start) == BYTES else "cp1252"
    return "utf-8"


def _fields(lines: Sequence[str], separator: str) -> tuple[bool, int]:
    """Return whether nearly all lines have as many fields as the header, and how many."""
    counts = [len(row) for row in csv.reader(lines, delimiter=separator)]
    count = counts[0] if counts else 0
    return count > 1 and counts.count(count) >= 0.9 * len(counts), count


def _marks(lines: Sequence[str], separator: str) -> Marks:
    """Return the decimal mark and that of thousands which most numbers with marks have."""
    counts: Counter[Marks] = Counter()
    for row in csv.reader(lines[1:], delimiter=separator):
        for cell in row:
            text = cell.strip()
            found = (marks for form, marks in MARKS.items() if re.fullmatch(form, text))
            counts.update(list(found)[:1])
    grouped = [marks for marks in counts if marks[1]]
    if grouped:
        return max(grouped, key=lambda marks: counts[marks])
    return max(counts, key=lambda marks: counts[marks]) if counts else (".", None)


def _first(file: File, names: Sequence[str], rows: int) -> pa.Table:
    """Return the first `rows` rows of a file."""
    batches, count = [], 0
    for batch in file.batches(names):
        batches.append(batch.slice(0, rows - count))
        count += batches[-1].num_rows
        if count == rows:
            break
    return pa.Table.from_batches(batches) if batches else pa.table({})


def _common(headers: Sequence[Sequence[str]]) -> tuple[list[str], list[str]]:
    """Return the columns that every file has exactly once, and a note about each other one."""
    every = list(dict.fromkeys(name for header in headers for name in header))
    names, notes = [], []
    for name in every:
        counts = [header.count(name) for header in headers]
        if not name:
            notes.append("a column without a name is left out")
        elif set(counts) == {1}:
            names.append(name)
        elif max(counts) > 1:
            notes.append(f"{name} is left out: it is the name of {max(counts)} columns")
        else:
            notes.append(f"{name} is left out: {counts.count(0)} of {len(counts)} files lack it")
    return names, notes


def _array(column: pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece, without a dictionary."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    whole = column.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole
