"""A long table in blocks of rows that can be cleaned one by one.

A block ends after a row without a missing value, or with a series; the next one begins with that
row once more, as context, if its series goes on. So every gap and every stretch of missing values
lies in one block, with the values around it, and no result depends on where blocks end. Values
that are masked however many they are may be missing in that row.
"""

from collections.abc import Iterator

import numpy as np

from pipeline.config.validation import Validate
from pipeline.tables import checks
from pipeline.tables.raw import RawRows
from pipeline.tables.reading import RawTable

ROWS_A_BLOCK = 1 << 18


def split(table: RawTable, rules: Validate) -> Iterator[RawRows]:
    """Yield all rows in order, as they were read.

    A block is longer than `ROWS_A_BLOCK` where it takes so long for a row to be complete.
    """
    start, size = 0, ROWS_A_BLOCK
    while start < table.spool.rows:
        stop = min(start + size, table.spool.rows)
        rows = table.rows(max(start - 1, 0), stop)
        rows.context[: start > 0] = True
        if start and rows.series[1] != rows.series[0]:
            rows = rows.part(1, len(rows.times))
        end = len(rows.times) if stop == table.spool.rows else _end(rows, rules)
        added = int((~rows.context[:end]).sum())
        if added:
            yield rows.part(0, end)
        start, size = start + added, ROWS_A_BLOCK if added else 2 * size


def _end(rows: RawRows, rules: Validate) -> int:
    """Return where a block can end: after the last row that is complete, or its series' last one.

    It is 0 where there is none.
    """
    limited = checks.limit(rows, rules.limits)
    last = np.append(rows.series[1:] != rows.series[:-1], False)
    complete = np.ones(len(last), bool)
    for name, values in limited.columns.items():
        if rules.rule(name).policy != "mask":
            complete &= ~np.isnan(values)
    ends = np.flatnonzero(last | complete)
    return int(ends[-1]) + 1 if len(ends) else 0
