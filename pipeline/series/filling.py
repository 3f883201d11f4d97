"""Masked cells of the inputs: each takes the last measured value before it in its segment.

Never a later value, and never one from before a cut. What follows no measured value stays missing;
numbers become the training mean there (`features`).
"""

from dataclasses import dataclass, field

import numpy as np

from pipeline.tables.rows import Array


@dataclass
class ForwardFill:
    """Fills a table that passes by in parts, and remembers the end of the last one."""

    segment: int = -1
    newest: Array = field(default_factory=lambda: np.empty(0))  # (column,) of that segment so far

    def fill(self, values: Array, measured: Array, segment: Array) -> Array:
        """Return `values` (row, column) with the cells filled that are not `measured`.

        `segment` is (row,), as in the table. Cells that no measured one precedes are unchanged.
        """
        rows = np.arange(len(values))
        first = np.searchsorted(segment, segment)  # the row of this part where a segment starts
        last = np.maximum.accumulate(np.where(measured, rows[:, None], -1), axis=0)
        inside = last >= first[:, None]
        filled = np.where(inside, np.take_along_axis(values, last.clip(0), axis=0), values)
        if len(self.newest):
            earlier = ~inside & (segment == self.segment)[:, None]
            filled = np.where(earlier, self.newest, filled)
        self.segment, self.newest = int(segment[-1]), filled[-1]
        return filled
