"""From files to `Readings`: find the columns, read every cell, sort. Sorting is the one thing that is done for the user, and reported."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.params import Data
from pipeline.refusal import Refusal
from pipeline.series import cells, source, timestamps
from pipeline.series.readings import Origins, Readings, Strange
from pipeline.series.rows import Array

ONLY = "all"  # the name of the series of a table that has just one


@dataclass(frozen=True)
class Found:
    """What the files hold. Columns that a file lacks, and rows without a usable time or series, are told and left out."""

    readings: Readings  # in order of series and time
    late: dict[str, int]  # series -> rows that were earlier than the row before them, where there are such
    findings: list[str]
    whole: bool  # no row was left out


def read(data: Data, path: Path) -> Found:
    """Read every cell that `data` names; raises `Refusal` where a file is unreadable or lacks the column of time or of series."""
    files = source.files(path)
    columns, findings = _columns(data, files)
    parts, starts = _parts(data, files, columns)
    readings = _join(parts, columns, Origins(path, files, starts))
    findings += _nameless(readings, data)
    named = readings.take(np.flatnonzero(readings.series >= 0))
    findings += _untimed(named, parts, data)
    usable = named.take(np.flatnonzero(~np.isnat(named.times)))
    if not len(usable.times):
        raise Refusal(*findings)
    ordered, late = _sort(_with_rows(usable))
    return Found(ordered, late, findings, len(usable.times) == len(readings.times))


@dataclass(frozen=True)
class _Part:
    """One batch, read."""

    series: pa.DictionaryArray
    times: Array
    faults: Array  # of the times
    faulty: pa.Array  # what stands where a time is at fault
    columns: Mapping[str, tuple[Array, Array, pa.Array]]  # name -> numbers, positions of text, the texts


def _vital(data: Data) -> list[str]:
    return [data.time, *([data.series] if data.series else [])]


def _columns(data: Data, files: list[Path]) -> tuple[list[str], list[str]]:
    """The measured columns that every file has, and what is amiss."""
    amiss: set[str] = set()
    findings: list[str] = []
    unreadable = False
    for file in files:
        try:
            lacking, told = source.lacking(file, [*_vital(data), *data.columns])
            amiss.update(lacking)
            findings += told
        except Refusal as refusal:
            unreadable = True
            findings += refusal.findings
    if unreadable or amiss.intersection(_vital(data)):
        raise Refusal(*findings)
    return [column for column in data.columns if column not in amiss], findings


def _parts(data: Data, files: list[Path], columns: list[str]) -> tuple[list[_Part], list[int]]:
    """Every batch of every file, and the number of each file's first row; raises with the findings of all files."""
    parts: list[_Part] = []
    starts: list[int] = []
    findings: list[str] = []
    for file in files:
        starts.append(sum(len(part.times) for part in parts))
        try:
            parts += (_part(data, columns, batch) for batch in source.batches(file, [*_vital(data), *columns]))
        except Refusal as refusal:
            findings += refusal.findings
        else:
            if starts[-1] == sum(len(part.times) for part in parts):
                findings.append(f"{file}: holds no rows; remove it, or correct data.path")
    if findings:
        raise Refusal(*findings)
    return parts, starts


def _part(data: Data, columns: list[str], batch: pa.RecordBatch) -> _Part:
    written = batch.column(data.time)
    times, faults = timestamps.parse(written, data.time_zone, data.time_format)
    series = cells.plain_text(batch.column(data.series)) if data.series else pa.array([ONLY] * len(times), pa.string())
    faulty = cells.plain_text(written.take(pa.array(np.flatnonzero(faults))))
    return _Part(series.dictionary_encode(), times, faults, faulty, {column: cells.numbers(batch.column(column)) for column in columns})


def _join(parts: list[_Part], columns: list[str], origins: Origins) -> Readings:
    """All rows in the files' order; a row without a name of series has -1 for it."""
    names, series = _series(parts)
    times = np.concatenate([part.times for part in parts])
    numbers = {column: np.concatenate([part.columns[column][0] for part in parts]) for column in columns}
    strange = {column: _strange(parts, column) for column in columns}
    return Readings(names, series, times, numbers, np.arange(len(times)), origins, strange)


def _series(parts: list[_Part]) -> tuple[tuple[str, ...], Array]:
    named: Any = pa.chunked_array([part.series for part in parts]).unify_dictionaries().combine_chunks()
    found = named.dictionary.to_pylist()
    names = sorted(name for name in found if name)
    ranks = {name: rank for rank, name in enumerate(names)}
    codes = np.array([ranks.get(name, -1) for name in [*found, None]], np.int32)
    return tuple(names), codes[named.indices.fill_null(len(found)).to_numpy()]


def _strange(parts: list[_Part], column: str) -> Strange:
    starts = np.cumsum([0] + [len(part.times) for part in parts])
    rows = [start + part.columns[column][1] for start, part in zip(starts, parts, strict=False)]
    return Strange(np.concatenate(rows), pa.chunked_array([part.columns[column][2] for part in parts], pa.string()))


def _nameless(readings: Readings, data: Data) -> list[str]:
    rows = np.flatnonzero(readings.series < 0)
    if not len(rows):
        return []
    file, line = readings.origins.place(int(rows[0]))
    return [f"{file}: column {data.series!r}: rows without a series: {len(rows)} of {len(readings.series)}, first ({line}); give each row its series"]


def _untimed(readings: Readings, parts: list[_Part], data: Data) -> list[str]:
    faults = np.concatenate([part.faults for part in parts])
    faulty = np.flatnonzero(faults)
    written = Strange(faulty, pa.chunked_array([part.faulty for part in parts], pa.string()))
    findings: list[str] = []
    for kind, (fault, advice) in timestamps.FAULTS.items():
        bad = faults[readings.origin] == kind
        findings += readings.tell(bad, data.time, fault, advice, readings.written(written))
    return findings


def _with_rows(readings: Readings) -> Readings:
    """Without the names of series that have no row left."""
    left, series = np.unique(readings.series, return_inverse=True)
    return replace(readings, names=tuple(readings.names[code] for code in left), series=series.astype(np.int32))


def _sort(readings: Readings) -> tuple[Readings, dict[str, int]]:
    """The rows by series and time, and for each series that was not in order, how many rows were earlier than the one before them."""
    grouped = np.argsort(readings.series, kind="stable")
    series, times = readings.series[grouped], readings.times[grouped]
    late = np.bincount(series[1:][(series[1:] == series[:-1]) & (times[1:] < times[:-1])], minlength=len(readings.names))
    order = np.lexsort((readings.times, readings.series))
    return readings.take(order), {name: int(count) for name, count in zip(readings.names, late, strict=True) if count}
