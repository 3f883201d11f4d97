"""Problems: what is wrong in a column, counted for each series.

The problems of two parts of a table add up to those of the whole, however the table was divided.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

SPELLED_OUT = 10  # series for which one and the same problem is described in full


class Place(Protocol):
    """The first row that a problem affects."""

    def words(self) -> tuple[Path, str]:
        """Return the file, and the value, time and place of the row in words."""


@dataclass(frozen=True)
class Problem:
    """One kind of problem of one column; it may affect no row at all.

    `first` is for the first `SPELLED_OUT` series: series -> the first affected row. `extra` is
    further advice that only some of the rows call for.
    """

    column: str
    fault: str
    advice: str
    counts: Mapping[str, int]  # series -> affected rows
    first: Mapping[str, Place]
    extra: frozenset[str] = frozenset()

    def __add__(self, later: "Problem") -> "Problem":
        """Return the same problem in these rows and in `later` ones."""
        counts = Counter(self.counts) + Counter(later.counts)
        first = {**later.first, **self.first}
        return replace(self, counts=counts, first=first, extra=self.extra | later.extra)

    def only(self, series: Collection[str]) -> "Problem":
        """Return what concerns these series."""
        counts = {name: count for name, count in self.counts.items() if name in series}
        return replace(self, counts=counts)

    def findings(self, path: Path, totals: Mapping[str, int]) -> list[str]:
        """Return one sentence per series: file, column, fault, count, first place, what to do.

        `totals` is series -> rows. Beyond `SPELLED_OUT` series, the others are only counted.
        """
        advice = self.advice + "".join(sorted(self.extra))
        names = sorted(self.counts)
        sentences = []
        for name in names[:SPELLED_OUT]:
            file, first = self.first[name].words()
            sentences.append(
                f"{file}: column {self.column!r}, series {name!r}: {self.fault}: "
                f"{self.counts[name]} of {totals[name]}, first {first}; {advice}"
            )
        if len(names) > SPELLED_OUT:
            sentences.append(
                f"{path}: column {self.column!r}: {self.fault}: "
                f"also in {len(names) - SPELLED_OUT} more series; {advice}"
            )
        return sentences


def findings(problems: Sequence[Problem], path: Path, totals: Mapping[str, int]) -> list[str]:
    """Return the sentences about all `problems`."""
    return [sentence for problem in problems for sentence in problem.findings(path, totals)]


class Sum:
    """The same problems, in the same order, summed over the parts of a table."""

    def __init__(self) -> None:
        self.problems: Sequence[Problem] = ()

    def add(self, problems: Sequence[Problem]) -> None:
        """Add those of the next part."""
        if self.problems:
            problems = [old + new for old, new in zip(self.problems, problems, strict=True)]
        self.problems = problems

    def __bool__(self) -> bool:
        """Return whether any row is affected."""
        return any(problem.counts for problem in self.problems)
