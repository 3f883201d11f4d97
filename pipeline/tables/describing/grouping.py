"""Which column tells the series apart: without it times are repeated, with it they are not."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
import pyarrow as pa

from pipeline.tables import values
from pipeline.tables.describing.moments import Moments
from pipeline.tables.describing.sample import Sample
from pipeline.tables.rows import Array

NAMES = re.compile(r"series|unique_id|store|shop|station|site|origin|city|item|sku|name|id$", re.I)
REPEATED = 0.05  # the share of repeated times from which on there must be several series
UNIQUE = 0.98  # the share of times that are unique within the right series
ROWS = 5  # the least mean number of rows of a series


@dataclass(frozen=True)
class Grouping:
    """The series of every row, and where their names come from."""

    column: str | None
    by_file: bool
    codes: Array  # (row,) position in `names`
    names: tuple[str, ...]
    reason: str

    def rows(self) -> list[Array]:
        """Return the rows of each series, in the order of the table."""
        order = np.argsort(self.codes, kind="stable")
        stops = np.cumsum(np.bincount(self.codes, minlength=len(self.names)))
        return np.split(order, stops[:-1])


def find(sample: Sample, moments: Moments) -> Grouping:
    """Return the grouping of a table; one series where times are not repeated."""
    candidates = dict(_candidates(sample.columns, moments))
    repeated = 1 - moments.distinct / sample.rows
    if repeated <= REPEATED:
        return _unrepeated(sample, candidates)
    fitting = [
        name for name, codes in candidates.items() if _unique_times(moments.times, codes) >= UNIQUE
    ]
    if fitting:
        best = min(fitting, key=lambda name: (not NAMES.search(name), candidates[name].max()))
        return _by_column(sample, best, f"{repeated:.0%} of the times are repeated without it")
    if len(sample.files) > 1 and _unique_times(moments.times, sample.file) >= UNIQUE:
        names = tuple(file.stem for file in sample.files)
        reason = "times are repeated from file to file: one file per series"
        return Grouping(None, True, sample.file, names, reason)
    return _single(sample, _advice(moments.times, candidates, repeated))


def _unrepeated(sample: Sample, candidates: Mapping[str, Array]) -> Grouping:
    """Return one series, or that of a column of text with one value in a part of a table."""
    single = [name for name, codes in candidates.items() if codes.max() == 0]
    named = [name for name in single if NAMES.search(name)]
    if named and not sample.whole:
        return _by_column(sample, named[0], "one value in the sample; the rest may hold others")
    return _single(sample, "no time is repeated: one series")


def _candidates(columns: Mapping[str, pa.Array], moments: Moments) -> Iterable[tuple[str, Array]]:
    """Yield columns of names or whole numbers with few values, as codes (row,) of the values."""
    for name, column in columns.items():
        if name in moments.columns or pa.types.is_floating(column.type):
            continue
        if pa.types.is_nested(column.type) or pa.types.is_temporal(column.type):
            continue
        encoded = values.plain_text(column).dictionary_encode(null_encoding="encode")
        count = len(encoded.dictionary)
        decimal = any("." in (word or "") for word in encoded.dictionary.slice(0, 20).to_pylist())
        if count * ROWS <= len(column) and not decimal:
            yield name, encoded.indices.to_numpy(zero_copy_only=False)


def _unique_times(times: Array, codes: Array) -> float:
    """Return the share of rows that are the only ones of their time and series."""
    repeated = pd.DataFrame({"time": times, "series": codes}).duplicated(keep=False)
    return float(1 - repeated.mean())


def _by_column(sample: Sample, name: str, reason: str) -> Grouping:
    text = values.plain_text(sample.columns[name]).fill_null("").dictionary_encode()
    words = text.dictionary.to_pylist()
    order = np.argsort(words)
    codes = np.argsort(order)[text.indices.to_numpy(zero_copy_only=False)]
    return Grouping(name, False, codes, tuple(words[row] for row in order), reason)


def _single(sample: Sample, reason: str) -> Grouping:
    return Grouping(None, False, np.zeros(sample.rows, np.int64), ("all",), reason)


def _advice(times: Array, candidates: Mapping[str, Array], repeated: float) -> str:
    """Say that times are repeated whatever the series, and which two columns would explain it."""
    start = f"{repeated:.0%} of the times are repeated, and no column explains it"
    for first, second in combinations(candidates, 2):
        joint = candidates[first].astype(np.int64) * (candidates[second].max() + 1)
        if _unique_times(times, joint + candidates[second]) >= UNIQUE:
            return f"{start}, but {first} and {second} together do: join them into one column"
    return f"{start}: remove the repeated rows"
