"""Faults: what is wrong in a column, counted for each series. Those of two parts of a table add up to those of the whole, however it was parted."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

MOST = 10  # series for which one and the same fault is spelled out


@dataclass(frozen=True)
class Fault:
    """One kind of fault of one column. There may be no row that has it."""

    column: str
    fault: str
    advice: str
    counts: Mapping[str, int]  # series -> rows at fault
    first: Mapping[
        str, tuple[Path, str]
    ]  # series -> file, and words for value, time and place, of its first row at fault; for the first `MOST` series
    also: frozenset[str] = frozenset()  # further advice, that some of the rows ask for

    def __add__(self, later: "Fault") -> "Fault":
        """The same fault in these rows and in `later` ones."""
        counts = Counter(self.counts) + Counter(later.counts)
        return replace(
            self, counts=counts, first={**later.first, **self.first}, also=self.also | later.also
        )

    def only(self, series: Collection[str]) -> "Fault":
        """What concerns these series."""
        return replace(
            self, counts={name: count for name, count in self.counts.items() if name in series}
        )

    def told(self, path: Path, totals: Mapping[str, int]) -> list[str]:
        """One finding for each series: file, column, series, fault, count, first value and time, what to do. `totals` are the rows of each series."""
        names, advice = sorted(self.counts), self.advice + "".join(sorted(self.also))
        findings = [self._tell(name, totals[name], advice) for name in names[:MOST]]
        if len(names) > MOST:
            findings.append(
                f"{path}: column {self.column!r}: {self.fault}: also in {len(names) - MOST} more series; {advice}"
            )
        return findings

    def _tell(self, name: str, total: int, advice: str) -> str:
        file, first = self.first[name]
        return f"{file}: column {self.column!r}, series {name!r}: {self.fault}: {self.counts[name]} of {total}, first {first}; {advice}"


class Tally:
    """The same faults, in the same order, summed over the parts of a table."""

    def __init__(self) -> None:
        self.faults: Sequence[Fault] = ()

    def add(self, faults: Sequence[Fault]) -> None:
        """Add those of the next part."""
        self.faults = (
            [so_far + new for so_far, new in zip(self.faults, faults, strict=True)]
            if self.faults
            else faults
        )

    def __bool__(self) -> bool:
        """Whether any row is at fault."""
        return any(fault.counts for fault in self.faults)

    def told(self, path: Path, totals: Mapping[str, int]) -> list[str]:
        """The findings."""
        return [finding for fault in self.faults for finding in fault.told(path, totals)]
