"""What is new in a table, and what is unusual about it: as JSON, and as a section of a report."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from pipeline.config.data import Data
from pipeline.serving.drift.columns import ALARM, Finding, findings
from pipeline.serving.drift.tables import Delta, Table, histories

SHOWN = 8  # lines of findings in the report; the JSON has all
FAULTS = ("unit", "stuck", "shuffled", "missing")  # the others are what a model can learn


@dataclass(frozen=True)
class Drift:
    """What is new in each series, and what is unusual about it.

    `appeared` and `disappeared` are series of only one of the two tables. `judged` columns of all
    series were judged, `unjudged` ones have too few rows for it.
    """

    deltas: tuple[Delta, ...]
    findings: tuple[Finding, ...]
    appeared: tuple[str, ...]
    disappeared: tuple[str, ...]
    judged: int
    unjudged: int

    @property
    def new_rows(self) -> int:
        """The number of new rows of all series."""
        return sum(delta.new for delta in self.deltas)

    @property
    def has_new_data(self) -> bool:
        """Whether there is any new, changed, added or removed row."""
        changed = sum(delta.changed for delta in self.deltas)
        return bool(self.new_rows or changed or self.appeared or self.disappeared)

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that look like a fault of the data."""
        return tuple(each for each in self.findings if each.kind in FAULTS)

    @property
    def state(self) -> str:
        """`none`, `shift`, or `fault` if any finding looks like one."""
        if self.faults:
            return "fault"
        return "shift" if self.findings else "none"

    @property
    def summary(self) -> str:
        """The findings in one line, such as `unit: temp, wind; shift: delay`."""
        columns: dict[str, dict[str, None]] = {}
        for each in self.findings:
            columns.setdefault(each.kind, {})[each.column] = None
        return "; ".join(f"{kind}: {', '.join(names)}" for kind, names in columns.items()) or "none"

    def json(self) -> dict[str, object]:
        """Return all of it for a file."""
        return {"state": self.state, "new_rows": self.new_rows, **asdict(self)}


def compare(before: Path, after: Path, data: Data, since: np.datetime64 | None = None) -> Drift:
    """Compare two folders that `validate` wrote: of the last run, and of the present table.

    What comes after a series' history, the rows of the last run (up to `since`), is new.
    """
    old, new = Table.read(before, data), Table.read(after, data)
    found = list(histories(old, new, since))
    columns = [column for history in found for column in history.columns(old, new)]
    judged = [column for column in columns if column.judged]
    unusual = [each for column in judged for each in findings(column, len(judged))]
    return Drift(
        deltas=tuple(history.delta(old, new) for history in found),
        findings=tuple(_confirmed(unusual, Counter(column.name for column in judged))),
        appeared=tuple(sorted(set(new.times) - set(old.times))),
        disappeared=tuple(sorted(set(old.times) - set(new.times))),
        judged=len(judged),
        unjudged=len(columns) - len(judged),
    )


def _confirmed(found: Sequence[Finding], series: Mapping[str, int]) -> Iterator[Finding]:
    """Yield the findings without the changes of unit that may be chance in a few series.

    One that is not significant by itself counts if more than half of the judged `series` of its
    column have it, as they do where the source of a column has changed.
    """
    alike = Counter(each.column for each in found if each.kind == "unit")
    for each in found:
        certain = each.probability < ALARM / sum(series.values())
        if each.kind != "unit" or certain or 2 * alike[each.column] > series[each.column]:
            yield each


def markdown(drift: Drift) -> str:
    """Return a section of a report: the outcome, the new rows, the findings."""
    parts = [f"## Drift: {drift.state}", _rows(drift), _table(drift.findings), _notes(drift)]
    return "\n\n".join(part for part in parts if part)


def _rows(drift: Drift) -> str:
    fresh = [delta for delta in drift.deltas if delta.new]
    changed = sum(delta.changed for delta in drift.deltas)
    earlier = f" {changed:,} earlier rows have changed or are gone." if changed else ""
    if not fresh:
        return f"No new rows.{earlier}"
    first, last = min(each.first for each in fresh), max(each.last for each in fresh)
    return (
        f"{drift.new_rows:,} new rows in {len(fresh)} of {len(drift.deltas)} series, from {first} "
        f"to {last}.{earlier}"
    )


def _table(found: Sequence[Finding]) -> str:
    """Return one line for each column and kind of finding, with the series that have it."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for each in found:
        groups.setdefault((each.kind, each.column), []).append(each)
    if not groups:
        return ""
    lines = ["| finding | column | series | what |", "| --- | --- | --- | --- |"]
    for (kind, column), members in list(groups.items())[:SHOWN]:
        worst = min(members, key=lambda each: each.probability)
        others = f" and {len(members) - 1} more" if len(members) > 1 else ""
        lines.append(f"| {kind} | `{column}` | {worst.series}{others} | {worst.words} |")
    if len(groups) > SHOWN:
        lines.append(f"| | | | {len(groups) - SHOWN} more lines are in the JSON |")
    return "\n".join(lines)


def _notes(drift: Drift) -> str:
    notes = [f"- new series: {name}" for name in drift.appeared]
    notes += [f"- series that are gone: {name}" for name in drift.disappeared]
    if drift.new_rows and drift.unjudged:
        notes.append(
            f"- {drift.unjudged} of {drift.judged + drift.unjudged} columns of a series have too "
            "few rows, old or new, for a judgement"
        )
    return "\n".join(notes[:SHOWN])
