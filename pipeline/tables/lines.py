"""Which line of a CSV file holds a row, as an editor counts lines.

Blank lines hold no row, and a quoted value may go on over several lines.
"""

import csv
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path


class Lines:
    """The lines of one file, which is read once, when the first line is asked for."""

    def __init__(self, path: Path, separator: str = ",", encoding: str = "utf-8") -> None:
        self.path, self.separator, self.encoding = path, separator, encoding

    def line(self, record: int) -> int:
        """Return the line, counted from 1, at which a record starts; record 0 is the header."""
        records, shifts = self._shifts
        return record + 1 + int(shifts[bisect_right(records, record) - 1])

    @cached_property
    def _shifts(self) -> "tuple[array[int], array[int]]":
        """Return the records from which on lines and records differ by another number."""
        records, shifts = array("q", [0]), array("q", [0])
        for record, line in enumerate(self._starts()):
            if line - record - 1 != shifts[-1]:
                records.append(record)
                shifts.append(line - record - 1)
        return records, shifts

    def _starts(self) -> Iterator[int]:
        """Yield the line at which each record starts, up to what is no CSV."""
        with self.path.open(encoding=self.encoding, errors="replace", newline="") as file:
            records = csv.reader(file, delimiter=self.separator)
            start = 1
            with suppress(csv.Error):
                for fields in records:
                    if fields:
                        yield start
                    start = records.line_num + 1
