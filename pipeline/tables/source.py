"""One CSV or Parquet file, or a folder of them, as batches of rows that fit in memory.

CSV has a header and is written as `data.csv` says; every value arrives as text, so that nothing is
guessed. Lines with more or fewer fields than the header are rejected, since all that follows in
such a line may belong to another column. Folders called `column=value` add a column to the files in
them. Everything that PyArrow and the file system may say against a file is an `InputError` here.
"""

import codecs
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from pipeline.config.data import Csv, Data
from pipeline.core.errors import InputError
from pipeline.tables.lines import Lines

ROWS_A_BATCH = 1 << 16  # of Parquet
BYTES_A_BATCH = 1 << 20  # of CSV
SUFFIXES = (".csv", ".parquet")
ABSENT = "__HIVE_DEFAULT_PARTITION__"  # how a folder's name says that there is no value
SEPARATORS = ";\t|,"


@dataclass(frozen=True)
class Origin:
    """What to do where the files are not as they should be: advice about the path and a column."""

    path: str = "correct data.path"
    column: str = "correct its name under `data` in params.yaml"


TABLE = Origin()


@dataclass(frozen=True)
class File:
    """One file, with the columns that the names of its folders add."""

    path: Path
    csv: Csv
    partitions: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def is_csv(self) -> bool:
        """Whether the file is CSV."""
        return self.path.suffix.lower() == ".csv"

    @cached_property
    def lines(self) -> Lines:
        """The lines of a CSV file."""
        return Lines(self.path, self.csv.separator, self.csv.encoding)

    def position(self, row: int) -> str:
        """Return how a person finds row `row`, counted from 0."""
        return f"line {self.lines.line(row + 1)}" if self.is_csv else f"row {row + 1}"

    def header(self) -> list[str]:
        """Return the names of the columns; raises `InputError` where they cannot be read."""
        with _readable(self):
            if not self.is_csv:
                names = pq.read_schema(self.path).names
            else:
                with self._open([], None) as reader:
                    names = reader.schema.names
        return [*names, *(name for name in self.partitions if name not in names)]

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows in the file's own order, `columns` only.

        Raises `InputError` where the file cannot be read.
        """
        inside = [name for name in columns if name not in self.partitions]
        rows = self._csv_batches(inside) if self.is_csv else self._parquet_batches(inside)
        while True:
            with _readable(self):
                batch = next(rows, None)
            if batch is None:
                return
            yield self._with_partitions(batch).select(list(columns))

    def _with_partitions(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        for name, value in self.partitions.items():
            if name not in batch.schema.names:
                values = pa.repeat(pa.scalar(value, pa.string()), batch.num_rows)
                batch = batch.append_column(name, values)
        return batch

    def _parquet_batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        # With pre_buffer, all that was read of the file would stay in memory until its end.
        with pq.ParquetFile(self.path, pre_buffer=False) as table:
            for batch in table.iter_batches(ROWS_A_BATCH, columns=list(columns)):
                batch.validate(full=True)  # a damaged file may hold text that is not UTF-8
                yield batch

    def _csv_batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        uneven: list[arrow_csv.InvalidRow] = []
        text = arrow_csv.ConvertOptions(
            include_columns=list(columns), column_types=dict.fromkeys(columns, pa.string())
        )
        with self._open(uneven, text) as reader:
            yield from reader
        if uneven:
            raise InputError(self._uneven(uneven[0], len(uneven)))

    def _uneven(self, first: arrow_csv.InvalidRow, count: int) -> str:
        return (
            f"{self.path}: lines with another number of fields than the header's "
            f"{first.expected_columns}: {count}, first line {self.lines.line(first.number - 1)} "
            f"with {first.actual_columns}: {first.text[:80]!r}; correct them, or data.csv "
            f"(separator {self.csv.separator!r}, which no number may hold)"
        )

    def _open(
        self, uneven: list[arrow_csv.InvalidRow], convert: arrow_csv.ConvertOptions | None
    ) -> arrow_csv.CSVStreamingReader:
        """Open a CSV file; lines with another number of fields are skipped, and noted."""

        def note(row: arrow_csv.InvalidRow) -> str:
            uneven.append(row)
            return "skip"

        # UTF-8 is decoded, too: PyArrow would print a traceback for a wrong byte in such a line.
        name = codecs.lookup(self.csv.encoding).name
        encoding = "utf-8-sig" if name == "utf-8" else name
        stream = pa.transcoding_input_stream(pa.OSFile(str(self.path)), encoding, "utf-8")
        # Only a single thread numbers the rows.
        read = arrow_csv.ReadOptions(use_threads=False, block_size=BYTES_A_BATCH)
        parse = arrow_csv.ParseOptions(
            delimiter=self.csv.separator, newlines_in_values=True, invalid_row_handler=note
        )
        return arrow_csv.open_csv(stream, read, parse, convert)


@dataclass(frozen=True)
class Source:
    """The files of a table, and their columns; columns that a file lacks stand in `findings`."""

    path: Path
    files: Sequence[File]
    required: Sequence[str]  # time and, where there is one, series
    measured: Sequence[str]  # what every file has of the measured columns
    findings: Sequence[str]
    origin: Origin


def files(path: Path, csv: Csv, origin: Origin) -> list[File]:
    """Return the file itself, or the CSV and Parquet files of a folder sorted by name.

    Raises `InputError` where there is none.
    """
    try:
        if path.is_dir():
            found = list(_inside(path, csv, {}))
            if found:
                return found
            raise InputError(f"{path}: the folder holds no .csv or .parquet file; {origin.path}")
        exists = path.exists()
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {_reason(error)}; {origin.path}") from None
    if not exists:
        raise InputError(f"{path}: no such file or folder was found; {origin.path}")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: is neither .csv nor .parquet; convert it, or {origin.path}")
    return [File(path, csv)]


def _inside(folder: Path, csv: Csv, partitions: Mapping[str, str | None]) -> Iterator[File]:
    """Yield the files of a folder, and of the partitions in it."""
    for path in sorted(folder.iterdir()):
        name, equals, value = path.name.partition("=")
        if equals and name and path.is_dir():
            shown = None if value == ABSENT else unquote(value)
            yield from _inside(path, csv, {**partitions, unquote(name): shown})
        elif path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            yield File(path, csv, partitions)


def find(data: Data, path: Path, origin: Origin = TABLE) -> Source:
    """Return the files of `path` and what they have of the columns that `data` names.

    Raises `InputError` with every finding where there is no file, one is unreadable, or one lacks
    the column of time or of series.
    """
    required = [*data.time, *([data.series_column] if data.series_column else [])]
    found = files(path, data.csv, origin)
    rejected: set[str] = set()
    findings: list[str] = []
    unreadable = False
    for file in found:
        try:
            names = file.header()
        except InputError as error:
            unreadable = True
            findings += error.findings
            continue
        for column in [*required, *data.columns]:
            if names.count(column) != 1:
                rejected.add(column)
                findings.append(_explain(file, column, names, origin))
    if unreadable or rejected.intersection(required):
        raise InputError(*findings)
    measured = [column for column in data.columns if column not in rejected]
    return Source(path, found, required, measured, findings, origin)


def _explain(file: File, column: str, names: list[str], origin: Origin) -> str:
    place = f"{file.path}: column {column!r}"
    if column in names:
        return f"{place} is duplicated ({names.count(column)} times); rename all but one"
    used = file.csv.separator
    others = [mark for mark in SEPARATORS if len(names) == 1 and mark in names[0]]
    if file.is_csv and others:
        return (
            f"{place} was not found: the header {names[0]!r} is not separated by {used!r}; "
            f"set data.csv.separator to {others[0]!r}"
        )
    close = get_close_matches(column, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"the file has {', '.join(names)}"
    return f"{place} was not found ({hint}); {origin.column}"


@contextmanager
def _readable(file: File) -> Iterator[None]:
    """Raise `InputError` in place of what PyArrow and the file system say against a file."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, OverflowError, LookupError) as error:
        written = (
            f"CSV in {file.csv.encoding} with {file.csv.separator!r} between the values and a "
            "header (data.csv)"
            if file.is_csv
            else "Parquet"
        )
        raise InputError(
            f"{file.path}: cannot be read: {_reason(error)}; it must be {written}"
        ) from None


def _reason(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
