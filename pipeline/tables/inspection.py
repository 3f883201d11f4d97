"""Everything that can be wrong with a table, collected block by block and told at once."""

from collections import Counter
from itertools import chain

from pandas.tseries.offsets import BaseOffset

from pipeline.config.sections import Data, Validate
from pipeline.core.errors import InputError
from pipeline.tables import checks, filling, frequency, grid
from pipeline.tables.blocks import Block
from pipeline.tables.faults import Tally
from pipeline.tables.grid import Regular
from pipeline.tables.reading import TIME, Scan


class Inspection:
    """The findings about a table, and its frequency. After a first finding, rows are looked at, but made regular no more than the other findings need."""

    def __init__(self, data: Data, rules: Validate, found: Scan) -> None:
        self.data, self.rules, self.found = data, rules, found
        self.cells, self.missing, self.times, self.holes = Tally(), Tally(), Tally(), Tally()
        self.regular: Counter[str] = Counter()  # series -> rows, those of filled gaps included
        self.constant = checks.Constant(data)
        self.spans = dict(zip(found.names, zip(*found.ends(), strict=True), strict=True))
        self.offset: BaseOffset | None = None
        self.unknown: tuple[str, ...] = ()  # why there is no frequency
        try:
            self.offset = frequency.read(data.frequency) if data.frequency else self._inferred()
        except InputError as refusal:
            self.unknown = refusal.findings

    def _inferred(self) -> BaseOffset:
        """The frequency of the longest series."""
        longest = int(self.found.counts.argmax())
        start = int(self.found.counts[:longest].sum())
        path, rows = self.found.origins.path, int(self.found.counts[longest])
        return frequency.infer(
            path,
            lambda first, stop: self.found.store.read(TIME, start + first, start + stop),
            rows,
            self.data.time_zone,
        )

    def see(self, block: Block) -> Regular | None:
        """Look at a block; return it regular, its first row included, if nothing was found so far."""
        self._see_cells(block)
        table = self._see_times(block, self.offset) if self.offset else None
        if table:
            self.holes.add(filling.faults(table, self.data, self.rules))
            self.regular.update(table.readings.part(block.again, len(table.segment)).totals())
        return None if self.cells or self.holes else table

    def _see_cells(self, block: Block) -> None:
        rows = (block.again, len(block.readings.times))
        fresh, limited = block.readings.part(*rows), block.limited.part(*rows)
        told = checks.limits(fresh, self.rules.limits)[1]
        self.cells.add(
            [
                checks.repeated(block.readings, self.data),
                *checks.text(fresh),
                *told,
                *checks.infinite(limited),
            ]
        )
        self.missing.add(checks.missing(limited, self.data, self.rules.mostly_missing))
        self.constant.see(limited)

    def _see_times(self, block: Block, offset: BaseOffset) -> Regular | None:
        """The block with its gaps filled or cut, where times are sound: what lies between unknown times is unknown."""
        readings, name = block.limited, self.data.time
        clocks = [
            frequency.clock(*self.spans[series], offset, self.data.time_zone)
            for series in readings.names
        ]
        positions = frequency.positions(readings, clocks)
        fresh = readings.part(block.again, len(positions))
        self.times.add(
            [
                frequency.off_clock(fresh, positions[block.again :], offset, name),
                frequency.far(readings, positions, offset, name),
            ]
        )
        return grid.regular(readings, clocks, positions, self.rules.gaps) if self._sound() else None

    def _sound(self) -> bool:
        return (
            self.found.whole and not self.cells.faults[0].counts and not self.times.faults[0].counts
        )

    def judge(self) -> str:
        """The frequency; raises `InputError` with every finding."""
        path, totals = self.found.origins.path, self.found.totals()
        hopeless = checks.mostly(self.missing.faults, totals, self.rules.mostly_missing)
        columns = [*hopeless, *self.constant.faults(self.found.strange)]
        findings = [
            *checks.idle(self.data, self.rules),
            *self.found.findings,
            *self.cells.told(path, totals),
        ]
        findings += chain.from_iterable(fault.told(path, totals) for fault in columns)
        findings += self.unknown or self._irregular({fault.column for fault in hopeless})
        if findings or not self.offset:
            raise InputError(*findings)
        return str(self.offset.freqstr)

    def _irregular(self, hopeless: set[str]) -> list[str]:
        """What is amiss with times; where nothing is, with missing values, but for `hopeless` columns, of which that is told already."""
        path, totals = self.found.origins.path, self.found.totals()
        off, far = self.times.faults
        if (
            told := off.told(path, totals)
            or frequency.often(far, totals).told(path, totals)
            or not self._sound()
        ):
            return told if isinstance(told, list) else []
        holes = (fault for fault in self.holes.faults if fault.column not in hopeless)
        return [finding for fault in holes for finding in fault.told(path, self.regular)]
