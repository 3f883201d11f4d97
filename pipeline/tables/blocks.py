"""A long table in blocks that can be judged one by one.

A block ends behind a row without a missing value, or with a series; the next one begins with that row once more if its series goes on. So
every gap and every stretch of missing values lies in one block, with the values around it, and nothing hangs on where blocks end.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.config.sections import Limits
from pipeline.tables import checks
from pipeline.tables.reading import Scan
from pipeline.tables.readings import Readings

ROWS_A_BLOCK = 1 << 18


@dataclass(frozen=True)
class Block:
    """Neighbouring rows, as they were read and with NaN for values outside of limits that say `missing`."""

    readings: Readings
    limited: Readings
    again: int  # 1 if the first row was the last one of the block before, else 0


def blocks(found: Scan, limits: Mapping[str, Limits]) -> Iterator[Block]:
    """All rows in order; a block is longer than `ROWS_A_BLOCK` where it takes so long for a row to be complete."""
    start, size = 0, ROWS_A_BLOCK
    while start < found.store.rows:
        block = _block(found, limits, start, min(start + size, found.store.rows))
        rows = len(block.readings.times) - block.again
        if rows:
            yield block
        start, size = start + rows, ROWS_A_BLOCK if rows else 2 * size


def _block(found: Scan, limits: Mapping[str, Limits], start: int, stop: int) -> Block:
    again = int(start > 0)
    readings = found.readings(start - again, stop)
    if again and readings.series[1] != readings.series[0]:
        readings, again = readings.part(1, len(readings.times)), 0
    limited = checks.limits(readings, limits)[0]
    end = len(readings.times) if stop == found.store.rows else max(_end(limited), again)
    return Block(readings.part(0, end), limited.part(0, end), again)


def _end(readings: Readings) -> int:
    """Where a block can end: behind the last row that is complete, or that is its series' last; 0 where there is none."""
    able = np.append(readings.series[1:] != readings.series[:-1], False)
    complete = np.ones(len(able), bool)
    for values in readings.columns.values():
        complete &= ~np.isnan(values)
    ends = np.flatnonzero(able | complete)
    return int(ends[-1]) + 1 if len(ends) else 0
