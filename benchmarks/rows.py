"""Measure the rows per second and the memory of the three data stages, each in its own process.

    python benchmarks/rows.py 50000000 [--format parquet|csv] [--order series|time|none]
        [--series 50] [--scaler standard] [--folder PATH]

The table has eight columns by the minute, one value in ten thousand missing and a few gaps. It is
made chunk by chunk in a temporary folder, which needs about 250 bytes a row (CSV: 330) and is
removed at the end. Memory is the kernel's `ru_maxrss` of the process: everything that was ever
resident at the same time, mapped pages of files included.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
COLUMNS = [f"x{number}" for number in range(8)]
MISSING = 1e-4  # share of all values
GAP = 100_000  # rows of a series between two gaps
CHUNK = 1 << 20  # rows


def rows(start: int, stop: int, series: int, length: int, order: str) -> Any:
    """The rows `start` to `stop` - 1 of the table: series one after the other, or time by time."""
    import numpy as np
    import pyarrow as pa

    random = np.random.default_rng(start)
    number = np.arange(start, stop)
    code, step = (
        (number % series, number // series)
        if order == "time"
        else (number // length, number % length)
    )
    minute = step + 90 * (step // GAP)
    times = np.datetime64("1930-01-01", "m") + minute
    names = pa.DictionaryArray.from_arrays(
        pa.array(code.astype(np.int32)), [f"site{code:05}" for code in range(series)]
    )
    columns = {}
    for position, column in enumerate(COLUMNS):
        values = (
            20
            + code
            + 5 * np.sin(2 * np.pi * minute / 1440 + position)
            + random.normal(size=len(number))
        )
        columns[column] = pa.array(
            values.round(3), mask=random.random(len(number)) < np.where(step % GAP == 0, 0, MISSING)
        )
    table = pa.table(
        {
            "site": names.cast(pa.string()),
            "when": pa.array(times.astype("datetime64[s]")),
            **columns,
        }
    )
    return table.take(random.permutation(len(number))) if order == "none" else table


def make(folder: Path, chosen: argparse.Namespace) -> None:
    """Write the raw table and a params.yaml about it."""
    import pyarrow.csv as arrow_csv
    import pyarrow.parquet as pq
    from ruamel.yaml import YAML

    length = chosen.rows // chosen.series
    total = length * chosen.series
    path = folder / f"raw.{chosen.format}"
    chunks: Iterator[Any] = (
        rows(start, min(start + CHUNK, total), chosen.series, length, chosen.order)
        for start in range(0, total, CHUNK)
    )
    first = next(chunks)
    with (
        pq.ParquetWriter(path, first.schema)
        if chosen.format == "parquet"
        else arrow_csv.CSVWriter(path, first.schema) as writer
    ):
        writer.write(first)
        for chunk in chunks:
            writer.write(chunk)
    params = YAML(typ="safe").load(ROOT / "params.yaml")
    params["data"] |= {
        "path": str(path),
        "time": "when",
        "time_zone": "UTC",
        "series": "site",
        "frequency": "min",
        "targets": COLUMNS[:1],
        "past_covariates": COLUMNS[1:],
        "future_covariates": [],
        "calendar": ["hour_of_day", "day_of_year"],
        "holidays": None,
    }
    params["validate"] = {
        "max_gap": 2,
        "missing": {"default": {"policy": "forward_fill", "max_run": 10}},
    }
    params["standardize"] = {
        "scaler": chosen.scaler,
        "scope": "series",
        "split": {"train": 0.7, "validation": 0.15, "test": 0.15},
    }
    (folder / "params.yaml").write_text(json.dumps(params))


def run(*command: str) -> tuple[float, float]:
    """Seconds and peak memory in GB of a process."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(process.returncode)
    return time.perf_counter() - start, usage.ru_maxrss * 1024 / 1e9


def stages(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Name and arguments of each stage."""
    yield "validate", ["--out", str(folder / "clean")]
    yield "standardize", ["--clean", str(folder / "clean"), "--out", str(folder / "standardized")]
    yield (
        "window",
        ["--standardized", str(folder / "standardized"), "--out", str(folder / "windows")],
    )


def main() -> None:
    """Make the table, run the stages, print a line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", type=int)
    parser.add_argument("--format", choices=["parquet", "csv"], default="parquet")
    parser.add_argument(
        "--order",
        choices=["series", "time", "none"],
        default="series",
        help="sorted by series and time; by time; shuffled in chunks",
    )
    parser.add_argument("--series", type=int, default=50)
    parser.add_argument(
        "--scaler", choices=["standard", "minmax", "robust", "none"], default="standard"
    )
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    # In a process of its own: a child's ru_maxrss starts at its parent's.
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.make:
        return make(chosen.make, chosen)
    with tempfile.TemporaryDirectory(prefix="rows-", dir=chosen.folder) as name:
        folder = Path(name)
        run(__file__, *sys.argv[1:], "--make", str(folder))
        raw = folder / f"raw.{chosen.format}"
        print(
            f"{chosen.rows:,} rows x {len(COLUMNS)} columns, "
            f"{chosen.format} of {raw.stat().st_size / 1e9:.2f} GB, order: {chosen.order}",
            flush=True,
        )
        for stage, arguments in stages(folder):
            seconds, memory = run(
                "-m", f"pipeline.{stage}", "--params", str(folder / "params.yaml"), *arguments
            )
            print(
                f"{stage:12} {seconds:8.1f} s {chosen.rows / seconds:12,.0f} rows/s "
                f"{memory:6.2f} GB at most",
                flush=True,
            )


if __name__ == "__main__":
    main()
