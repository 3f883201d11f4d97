"""Stretches of missing values that end a segment, as a gap of rows does."""

from dataclasses import replace

import numpy as np

from pipeline.config.validation import Validate
from pipeline.tables.grid import Regular
from pipeline.tables.report import Entry
from pipeline.tables.rows import Array
from pipeline.tables.stretches import stretches
from pipeline.tables.timestamps import label


def cut(regular: Regular, rules: Validate) -> Regular:
    """Return the rows without those that a policy cuts out; what follows is a new segment.

    A cut can leave other columns without a value to fill from, so that their policies cut, too. A
    row of the context is only cut where its series has no other row before the rest.
    """
    dropped = np.zeros(len(regular.segment), bool)
    kept = regular
    while True:
        bad = np.zeros(len(kept.segment), bool)
        for column in kept.rows.columns:
            rule = rules.rule(column)
            if "cut" in (rule.policy, rule.beyond):
                found = stretches(kept.rows.missing(column), kept.segment)
                bad |= found.mask(found.cut(rule))
        if not bad.any():
            break
        dropped[np.flatnonzero(~dropped)[bad]] = True
        kept = _without(regular, dropped)
    if kept is regular:
        return regular
    return replace(kept, cuts=[*regular.cuts, *_entries(regular, dropped)])


def _without(regular: Regular, dropped: Array) -> Regular:
    """Return the rows that are not `dropped` (row,); segments are numbered anew."""
    rows = np.flatnonzero(~dropped)
    own = regular.segment[rows]
    new = np.append(False, (own[1:] != own[:-1]) | (np.diff(rows) > 1))[: len(rows)]
    return Regular(regular.rows.take(rows), np.cumsum(new).astype(np.int32), regular.cuts)


def _entries(regular: Regular, dropped: Array) -> list[Entry]:
    """Return the report's entries about the rows that were cut out, a stretch in each."""
    rows = regular.rows
    series = np.asarray(rows.series)
    found = stretches(dropped, series)
    entries: list[Entry] = []
    for start, stop, before, after in zip(
        found.start.tolist(),
        found.stop.tolist(),
        found.before.tolist(),
        found.after.tolist(),
        strict=True,
    ):
        columns = [name for name in rows.columns if rows.missing(name)[start:stop].any()]
        entries.append(
            {
                "series": rows.names[series[start]],
                "last": label(rows.times[start - 1]) if before else None,
                "time": label(rows.times[stop]) if after else None,
                "missing_rows": stop - start,
                "columns": columns,
            }
        )
    return entries
