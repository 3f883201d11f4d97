"""Everything that is found of a table, in the order in which one finding needs another."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from pipeline.core.errors import InputError
from pipeline.tables.describing import columns, grouping, moments, sample, steps, zones
from pipeline.tables.describing.columns import Column, Layout
from pipeline.tables.describing.grouping import Grouping
from pipeline.tables.describing.moments import Moments
from pipeline.tables.describing.sample import Sample
from pipeline.tables.describing.steps import Steps
from pipeline.tables.describing.zones import Zone
from pipeline.tables.rows import Array

MAX_GAP = 2  # consecutive missing rows that are proposed to be filled


@dataclass(frozen=True)
class Survey:
    """What was found of a table."""

    sample: Sample
    moments: Moments
    grouping: Grouping
    zone: Zone
    times: Array  # (row,) datetime64[ns] in UTC
    steps: Steps
    grid: Layout
    columns: Sequence[Column]  # all but time and series

    @cached_property
    def lengths(self) -> Array:
        """The number of rows of each series on the grid, (series,)."""
        return np.bincount(self.grid.series, minlength=len(self.grouping.names))

    def notes(self) -> list[str]:
        """Return what is to be said of the table as a whole."""
        seen, files = self.sample, len(self.sample.files)
        extent = "" if seen.whole else "the first "
        first, last = np.nanmin(self.times), np.nanmax(self.times)
        about = (
            f"{seen.path}: {extent}{seen.rows} rows in {files} file{'s' * (files > 1)},"
            f" {len(self.grouping.names)} series, from {str(first)[:16]} to {str(last)[:16]} UTC"
        )
        sampled = "what follows them was not looked at: other series, holes and values may come"
        return [about, *([] if seen.whole else [sampled]), *seen.notes]


def look(path: Path) -> Survey:
    """Look at a table; raises `InputError` where it has no readable file, time or frequency."""
    table = sample.read(path)
    written = moments.find(table)
    groups = grouping.find(table, written)
    zone, times = _zone(written, groups)
    found = steps.find([times[rows] for rows in groups.rows()], zone.name)
    if found.frequency is None:
        raise InputError(
            f"{path}: the times of column {' and '.join(written.columns)} are not regular: no step"
            f" between two of them is usual ({groups.reason}); a forecast needs regular steps"
        )
    grid = columns.layout(groups.rows(), found.positions, MAX_GAP)
    named = {groups.column, *written.columns, *written.rivals}
    profiles = [
        columns.read(name, cells, table.csv, grid)
        for name, cells in table.columns.items()
        if name not in named
    ]
    return Survey(table, written, groups, zone, times, found, grid, profiles)


def _zone(written: Moments, groups: Grouping) -> tuple[Zone, Array]:
    """Return the zone, and the times in UTC."""
    if written.aware:
        return zones.by_offsets(written.times, written.offsets), written.times
    rows = groups.rows()
    zone = zones.by_clock_changes(written.times[max(rows, key=len)])
    times = np.full(len(written.times), "NaT", "datetime64[ns]")
    for own in rows:
        times[own] = zones.to_utc(written.times[own], zone)
    return zone, times
