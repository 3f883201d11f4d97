"""Checks of whole columns: those that never vary, and limits for another unit."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from pipeline.config.data import Data
from pipeline.config.validation import Limits
from pipeline.tables.checks import ends, outside
from pipeline.tables.declarations import drop
from pipeline.tables.problems import Problem
from pipeline.tables.raw import RawRows
from pipeline.tables.reading import RawTable
from pipeline.tables.values import EXACT

MISFIT = 0.9  # the share of a column's values outside of limits that are for another unit


class Misfit:
    """Counts how many values of each column lie within its limits."""

    def __init__(self, rules: Mapping[str, Limits]) -> None:
        self.rules = rules
        self.present: Counter[str] = Counter()  # column -> finite values
        self.beyond: Counter[str] = Counter()  # column -> those outside of the limits

    def add(self, rows: RawRows) -> None:
        """Look at the next rows, as they are before `checks.limit`."""
        for column, rule in self.rules.items():
            if column in rows.columns:
                values = rows.columns[column][~rows.context]
                values = values[np.isfinite(values)]
                self.present[column] += len(values)
                self.beyond[column] += int(outside(values, rule).sum())

    def columns(self) -> list[str]:
        """Return the columns (almost) nothing of which fits their limits."""
        return [
            column for column, count in self.beyond.items() if count > MISFIT * self.present[column]
        ]

    def findings(self) -> list[str]:
        """Return a sentence about each of those."""
        found = []
        for column in self.columns():
            low, high = ends(self.rules[column])
            found.append(
                f"params.yaml: validate.limits.{column}: {self.beyond[column]} of "
                f"{self.present[column]} values lie outside of {low:g} to {high:g}; the limits are "
                "probably for another unit or another table; correct or remove them"
            )
        return found


class Constant:
    """Columns that hold one and the same number in all series, as far as has been seen."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.varying: set[str] = set()
        self.single: dict[str, tuple[float, Problem]] = {}  # column -> its number, and where

    def add(self, rows: RawRows) -> None:
        """Look at the next rows."""
        for column, values in rows.columns.items():
            if column in self.varying or np.isnan(values).all():
                continue
            low, high = float(np.nanmin(values)), float(np.nanmax(values))
            value, before = self.single.pop(column, (low, None))
            if not low == value == high:
                self.varying.add(column)
                continue
            fault = f"the same value {self._shown(rows, column, value)} everywhere"
            if abs(value) >= EXACT:
                fault += " (whole numbers beyond 2^53 are rounded, so small differences vanish)"
            advice = f"nothing can be learned from it: {drop(self.data, column)}"
            here = rows.problem(~np.isnan(values), column, fault, advice)
            self.single[column] = value, before + here if before else here

    @staticmethod
    def _shown(rows: RawRows, column: str, value: float) -> str:
        names = rows.categories.get(column)
        return repr(names[int(value)]) if names else f"{value:.10g}"

    def problems(self, table: RawTable) -> list[Problem]:
        """Return those of columns with at least two values and no text."""
        found = []
        for column in self.data.columns:
            if column in self.single and not len(table.texts[column].numbers):
                _, problem = self.single[column]
                if sum(problem.counts.values()) > 1:
                    found.append(problem)
        return found
