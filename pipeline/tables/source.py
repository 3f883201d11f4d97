"""One CSV or Parquet file, or a folder of them, as batches of rows that fit in memory.

CSV is UTF-8, separated by commas, with a header; every value arrives as text, so that nothing is
guessed. Lines with more or fewer fields than the header are rejected, since all that follows in
such a line may belong to another column.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from pipeline.config.data import Data
from pipeline.core.errors import InputError

ROWS_A_BATCH = 1 << 16  # of Parquet
BYTES_A_BATCH = 1 << 20  # of CSV
FIRST_ROW = {".csv": 2, ".parquet": 1}  # a CSV row is named by its line, and the header is line 1
Result = TypeVar("Result")


@dataclass(frozen=True)
class Source:
    """The files of a table, and their columns; columns that a file lacks stand in `findings`."""

    path: Path
    files: Sequence[Path]
    required: Sequence[str]  # time and, where there is one, series
    measured: Sequence[str]  # what every file has of the measured columns
    findings: Sequence[str]


def files(path: Path) -> list[Path]:
    """Return the file itself, or the CSV and Parquet files of a folder sorted by name.

    Raises `InputError` where there is none.
    """
    if path.is_dir():
        found = sorted(
            file
            for file in path.iterdir()
            if file.suffix.lower() in FIRST_ROW and not file.name.startswith(".")
        )
        if not found:
            raise InputError(
                f"{path}: the folder holds no .csv and no .parquet file; correct data.path"
            )
        return found
    if not path.exists():
        raise InputError(f"{path}: no such file or folder was found; correct data.path")
    if path.suffix.lower() not in FIRST_ROW:
        raise InputError(f"{path}: is neither .csv nor .parquet; convert it, or correct data.path")
    return [path]


def position(file: Path, row: int) -> str:
    """Return how a person finds row `row`, counted from 0, of `file`."""
    suffix = file.suffix.lower()
    return f"{'line' if suffix == '.csv' else 'row'} {row + FIRST_ROW[suffix]}"


def find(data: Data, path: Path) -> Source:
    """Return the files of `path` and what they have of the columns that `data` names.

    Raises `InputError` with every finding where there is no file, one is unreadable, or one lacks
    the column of time or of series.
    """
    required = [*data.time, *([data.series_column] if data.series_column else [])]
    found = files(path)
    rejected: set[str] = set()
    findings: list[str] = []
    unreadable = False
    for file in found:
        try:
            names = _readable(file, _header)
        except InputError as error:
            unreadable = True
            findings += error.findings
            continue
        for column in [*required, *data.columns]:
            if names.count(column) != 1:
                rejected.add(column)
                findings.append(_explain(file, column, names))
    if unreadable or rejected.intersection(required):
        raise InputError(*findings)
    measured = [column for column in data.columns if column not in rejected]
    return Source(path, found, required, measured, findings)


def _explain(file: Path, column: str, names: list[str]) -> str:
    place = f"{file}: column {column!r}"
    if column in names:
        return f"{place} is duplicated ({names.count(column)} times); rename all but one"
    if len(names) == 1 and any(separator in names[0] for separator in ";\t|"):
        return (
            f"{place} was not found: the header {names[0]!r} is not separated by commas; "
            "write the file with commas"
        )
    close = get_close_matches(column, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"the file has {', '.join(names)}"
    return f"{place} was not found ({hint}); correct its name under `data` in params.yaml"


def batches(file: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of `file` in its own order, `columns` only.

    Raises `InputError` where the file cannot be read.
    """
    reader = _csv_batches if file.suffix.lower() == ".csv" else _parquet_batches
    rows = _readable(file, lambda file: reader(file, columns))
    while (batch := _readable(file, lambda _: next(rows, None))) is not None:
        yield batch


def _readable(file: Path, read: Callable[[Path], Result]) -> Result:
    try:
        return read(file)
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{file}: cannot be read: {reason}; "
            "it must be UTF-8 CSV with commas and a header, or Parquet"
        ) from None


def _header(file: Path) -> list[str]:
    if file.suffix.lower() == ".parquet":
        return list(pq.read_schema(file).names)
    options = arrow_csv.ParseOptions(
        newlines_in_values=True, invalid_row_handler=lambda row: "skip"
    )
    with arrow_csv.open_csv(file, parse_options=options) as reader:
        return list(reader.schema.names)


def _parquet_batches(file: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    # With pre_buffer, all that was read of the file would stay in memory until its end.
    with pq.ParquetFile(file, pre_buffer=False) as table:
        for batch in table.iter_batches(ROWS_A_BATCH, columns=list(columns)):
            yield batch.select(list(columns))


def _csv_batches(file: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    uneven: list[arrow_csv.InvalidRow] = []

    def note(row: arrow_csv.InvalidRow) -> str:
        uneven.append(row)
        return "skip"

    # Only a single thread numbers the rows.
    with arrow_csv.open_csv(
        file,
        arrow_csv.ReadOptions(use_threads=False, block_size=BYTES_A_BATCH),
        arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
        arrow_csv.ConvertOptions(
            include_columns=list(columns), column_types=dict.fromkeys(columns, pa.string())
        ),
    ) as reader:
        yield from reader
    if uneven:
        first = uneven[0]
        raise InputError(
            f"{file}: lines with another number of fields than the header's "
            f"{first.expected_columns}: {len(uneven)}, first line {first.number} with "
            f"{first.actual_columns}: {first.text[:80]!r}; correct them "
            "(a decimal comma counts as a separator)"
        )
