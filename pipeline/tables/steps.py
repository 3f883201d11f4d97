"""The checks of a block and its regular grid, the same for training and for recent rows.

`check` is a pure function of a block; `Inspection` adds up what it finds in all blocks of a
table, so that everything is reported at once.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pandas.tseries.offsets import BaseOffset, Tick

from pipeline.config.data import Data
from pipeline.config.validation import Validate
from pipeline.core.errors import InputError
from pipeline.tables import (
    checks,
    clocks,
    columns,
    cutting,
    declarations,
    filling,
    frequency,
    grid,
    problems,
)
from pipeline.tables.clocks import Clock
from pipeline.tables.grid import Regular
from pipeline.tables.problems import Problem, Sum
from pipeline.tables.raw import RawRows
from pipeline.tables.reading import RawTable
from pipeline.tables.rows import Array

MOST = 0.9  # of the times off the frequency


@dataclass(frozen=True)
class Checked:
    """What was found in some rows, and the rows on their regular grid if their times allow one."""

    duplicated: Problem
    cells: list[Problem]
    off: Problem | None = None  # times off the frequency; None where it is unknown
    far: Problem | None = None  # times more than one step after the time before
    regular: Regular | None = None


def check(
    rows: RawRows,
    data: Data,
    rules: Validate,
    offset: BaseOffset | None,
    series_clocks: Sequence[Clock],
) -> Checked:
    """Check rows after their limits, and make them regular where no time is duplicated or off.

    `series_clocks` has one clock of the frequency `offset` for each series. What policies cut out
    is cut out.
    """
    duplicated = checks.duplicated(rows, data)
    cells = checks.cells(rows, data, rules)
    if not offset:
        return Checked(duplicated, cells)
    positions = clocks.positions(rows, series_clocks)
    bad = positions == clocks.OFF
    off = rows.problem(
        bad,
        data.time_name,
        f"times off the frequency {offset.freqstr!r}, counted from the first time of the series",
        "correct them, or data.frequency",
        extra=_advice_on_zone(rows, data, offset, bad),
    )
    far = rows.problem(
        rows.later() & (np.diff(positions, prepend=positions[0]) > 1),
        data.time_name,
        f"times more than one step of the frequency {offset.freqstr!r} after the time before",
        "correct data.frequency",
    )
    if duplicated.counts or off.counts:
        return Checked(duplicated, cells, off, far)
    regular = grid.regular(rows, series_clocks, positions, rules.max_gap)
    return Checked(duplicated, cells, off, far, cutting.cut(regular, rules))


def _advice_on_zone(rows: RawRows, data: Data, offset: BaseOffset, bad: Array) -> frozenset[str]:
    """Return what helps where days begin an hour earlier or later than the first day did."""
    if isinstance(offset, Tick) or not bad.any():
        return frozenset()
    day = rows.times.astype("datetime64[D]")
    clock = (rows.times - day).astype("timedelta64[m]").astype(int)
    first = np.array([clock[own.start] for own in rows.slices()])
    shift = np.abs(clock - first[rows.series])[bad]
    by_an_hour = np.isin(np.minimum(shift, 24 * 60 - shift), (30, 60, 120))
    if by_an_hour.mean() < MOST:
        return frozenset()
    return frozenset(
        [
            f", or set data.time_zone (now {data.time_zone}) to the zone whose days these are: "
            "they begin an hour earlier or later in a part of the year, as where clocks change"
        ]
    )


class Inspection:
    """Everything that is wrong with a table, collected block by block."""

    def __init__(self, data: Data, rules: Validate, table: RawTable) -> None:
        self.data, self.rules, self.table = data, rules, table
        self.cells, self.missing, self.times, self.unfilled = Sum(), Sum(), Sum(), Sum()
        self.constant = columns.Constant(data)
        self.misfit = columns.Misfit(rules.limits)
        self.regular: Counter[str] = Counter()  # series -> rows, those of filled gaps included
        self.spans = table.spans()
        self.offset: BaseOffset | None = None
        self.no_offset: tuple[str, ...] = ()  # why the frequency is unknown
        try:
            self.offset = (
                frequency.read(data.frequency)
                if data.frequency
                else frequency.infer(table.numbering.path, table.longest(), data.time_zone)
            )
        except InputError as error:
            self.no_offset = error.findings

    def check(self, read: RawRows, block: RawRows) -> Regular | None:
        """Check a block as it was read, and after its limits.

        Returns it as regular rows if nothing was found so far.
        """
        self.misfit.add(read)
        checked = check(block, self.data, self.rules, self.offset, self._clocks(block))
        self.cells.add([checked.duplicated, *checked.cells])
        self.missing.add(checks.missing(block, self.data, self.rules.max_missing_fraction))
        self.constant.add(block)
        if checked.off and checked.far:
            self.times.add([checked.off, checked.far])
        if checked.regular and len(checked.regular.segment):
            self.unfilled.add(filling.problems(checked.regular, self.data, self.rules))
            self.regular.update(checked.regular.rows.totals())
        return None if self.cells or self.unfilled else checked.regular

    def _clocks(self, block: RawRows) -> list[Clock]:
        if not self.offset:
            return []
        zone = self.data.time_zone
        return [clocks.clock(*self.spans[name], self.offset, zone) for name in block.names]

    def frequency(self) -> str:
        """Return the frequency; raises `InputError` with every finding about the table."""
        path, totals = self.table.numbering.path, self.table.totals()
        mostly = checks.mostly(self.missing.problems, totals, self.rules.max_missing_fraction)
        constant = self.constant.problems(self.table)
        misfit = self.misfit.columns()
        cells = [fault for fault in self.cells.problems if fault.column not in misfit]
        mostly = [fault for fault in mostly if fault.column not in misfit]
        hidden = self.cells.problems[0].counts and not self.data.frequency  # by duplicated times
        unknown = () if hidden else self.no_offset
        reported = {*misfit, *(problem.column for problem in mostly)}
        found = [
            *declarations.unused(self.data, self.rules),
            *self.misfit.findings(),
            *self.table.findings,
            *problems.findings([*cells, *mostly, *constant], path, totals),
            *(self._irregular(reported) if self.offset else unknown),
        ]
        if found or not self.offset:
            raise InputError(*found)
        return str(self.offset.freqstr)

    def _irregular(self, reported: set[str]) -> list[str]:
        """Return what is wrong with times; where nothing is, what cannot be filled.

        Missing values of the columns `reported` are left out. Where times are unknown, so is what
        lies between them.
        """
        path, totals = self.table.numbering.path, self.table.totals()
        off, far = self.times.problems
        for problem in (off, *checks.mostly([far], totals, 0.5)):
            if problem.counts:
                return problem.findings(path, totals)
        if not self.table.whole or self.cells.problems[0].counts:
            return []
        unfilled = [fault for fault in self.unfilled.problems if fault.column not in reported]
        return problems.findings(unfilled, path, self.regular)
