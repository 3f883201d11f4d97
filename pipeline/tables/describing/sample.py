"""The first rows of a table, and how its CSV files are written."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from pipeline.config.data import Csv
from pipeline.core.errors import InputError
from pipeline.tables import source
from pipeline.tables.rows import Array

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
    files = source.files(path)
    written = [file for file in files if file.suffix.lower() == ".csv"]
    share = max(rows // len(files), 1)
    try:
        dialect = sniff(written[0]) if written else Csv()
        tables = [_first(file, dialect, share) for file in files]
    except (pa.ArrowException, OSError, UnicodeError, LookupError, csv.Error) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: cannot be read as a table: {reason}") from None
    names, notes = _common(tables)
    joined = pa.concat_tables([table.select(names) for table in tables], promote_options="default")
    if not joined.num_rows or len(names) < 2:
        raise InputError(
            f"{path}: has {joined.num_rows} rows and {len(names)} columns; a table needs rows, a"
            " time and a column to forecast"
        )
    return Sample(
        path,
        files,
        dialect,
        {name: _array(joined.column(name)) for name in names},
        np.repeat(np.arange(len(files)), [table.num_rows for table in tables]),
        all(table.num_rows < share for table in tables),
        notes,
    )


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


def _first(file: Path, dialect: Csv, rows: int) -> pa.Table:
    """Return the first `rows` rows of a file."""
    reader = _parquet if file.suffix.lower() == ".parquet" else _csv
    batches, count = [], 0
    for batch in reader(file, dialect):
        batches.append(batch.slice(0, rows - count))
        count += batches[-1].num_rows
        if count == rows:
            break
    return pa.Table.from_batches(batches) if batches else pa.table({})


def _parquet(file: Path, _: Csv) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(file, pre_buffer=False) as table:
        yield from table.iter_batches(source.ROWS_A_BATCH)


def _csv(file: Path, dialect: Csv) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a CSV file as text; lines of another length are left to `validate`."""
    parse = arrow_csv.ParseOptions(
        delimiter=dialect.separator,
        newlines_in_values=True,
        invalid_row_handler=lambda row: "skip",
    )
    read = arrow_csv.ReadOptions(encoding=dialect.encoding, use_threads=False)
    with arrow_csv.open_csv(file, read, parse) as header:
        names = header.schema.names
    convert = arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    with arrow_csv.open_csv(file, read, parse, convert) as reader:
        yield from reader


def _common(tables: Sequence[pa.Table]) -> tuple[list[str], list[str]]:
    """Return the columns that every file has exactly once, and a note about each other one."""
    every = list(dict.fromkeys(name for table in tables for name in table.column_names))
    names, notes = [], []
    for name in every:
        counts = [table.column_names.count(name) for table in tables]
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
