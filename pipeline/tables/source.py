"""The raw files as they are: one CSV or Parquet file, or a folder of them, in batches of rows that fit in memory.

CSV is UTF-8, separated by commas, with a header; every value arrives as text, so that nothing is guessed. Lines that have more or
fewer fields than the header are refused, since all that follows in such a line may stand in the wrong column.
"""

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from pipeline.core.errors import InputError

ROWS_A_BATCH = 1 << 16  # of Parquet
BYTES_A_BATCH = 1 << 20  # of CSV
FIRST_ROW = {
    ".csv": 2,
    ".parquet": 1,
}  # a CSV's rows are named by the file's line, and its header is line 1


def files(path: Path) -> list[Path]:
    """The file itself, or the CSV and Parquet files of a folder by name; raises `InputError` where there is none."""
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
        raise InputError(f"{path}: there is no such file or folder; correct data.path")
    if path.suffix.lower() not in FIRST_ROW:
        raise InputError(f"{path}: is neither .csv nor .parquet; convert it, or correct data.path")
    return [path]


def line(file: Path, row: int) -> str:
    """How a person finds row `row` (from 0) of `file`."""
    suffix = file.suffix.lower()
    return f"{'line' if suffix == '.csv' else 'row'} {row + FIRST_ROW[suffix]}"


def lacking(file: Path, columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """The `columns` that `file` does not have exactly once, and a finding for each; raises `InputError` for an unreadable file."""
    names = _readable(file, _header)
    amiss = [column for column in columns if names.count(column) != 1]
    return amiss, [_explain(file, column, names) for column in amiss]


def _explain(file: Path, column: str, names: list[str]) -> str:
    if column in names:
        return f"{file}: column {column!r} is there {names.count(column)} times; rename all but one"
    if len(names) == 1 and any(separator in names[0] for separator in ";\t|"):
        return f"{file}: column {column!r} is not there; the header {names[0]!r} is not separated by commas: write the file with commas"
    close = get_close_matches(column, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names)}"
    return f"{file}: column {column!r} is not there ({hint}); correct its name under `data` in params.yaml"


def batches(file: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows of `file` in its own order, `columns` only; raises `InputError` where the file cannot be read."""
    reader = _csv_batches if file.suffix.lower() == ".csv" else _parquet_batches
    rows = _readable(file, lambda file: reader(file, columns))
    while (batch := _readable(file, lambda _: next(rows, None))) is not None:
        yield batch


def _readable(file: Path, read: Callable[[Path], Any]) -> Any:
    try:
        return read(file)
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{file}: cannot be read: {reason}; it must be UTF-8 CSV with commas and a header, or Parquet"
        ) from None


def _header(file: Path) -> list[str]:
    if file.suffix.lower() == ".parquet":
        return list(pq.read_schema(file).names)
    with arrow_csv.open_csv(
        file,
        parse_options=arrow_csv.ParseOptions(
            newlines_in_values=True, invalid_row_handler=lambda row: "skip"
        ),
    ) as reader:
        return list(reader.schema.names)


def _parquet_batches(file: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(
        file, pre_buffer=False
    ) as table:  # else all that was read of the file stays in memory until its end
        yield from (
            batch.select(list(columns))
            for batch in table.iter_batches(ROWS_A_BATCH, columns=list(columns))
        )


def _csv_batches(file: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    uneven: list[arrow_csv.InvalidRow] = []

    def note(row: arrow_csv.InvalidRow) -> str:
        uneven.append(row)
        return "skip"

    with arrow_csv.open_csv(
        file,
        arrow_csv.ReadOptions(
            use_threads=False, block_size=BYTES_A_BATCH
        ),  # rows are numbered only then
        arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
        arrow_csv.ConvertOptions(
            include_columns=list(columns), column_types=dict.fromkeys(columns, pa.string())
        ),
    ) as reader:
        yield from reader
    if uneven:
        raise InputError(_uneven(file, uneven))


def _uneven(file: Path, rows: list[arrow_csv.InvalidRow]) -> str:
    first = rows[0]
    return (
        f"{file}: lines with another number of fields than the header's {first.expected_columns}: {len(rows)}, "
        f"first line {first.number} with {first.actual_columns}: {first.text[:80]!r}; correct them (a decimal comma counts as a separator)"
    )
