"""The report of a retraining, in Markdown: the decision first, details folded, 60 lines at most."""

import os
import sys
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypedDict

import pandas as pd

from pipeline.core.errors import InputError
from pipeline.serving.promotion import Decision

LINES = 60  # of a report
LAST_LINES = 30  # of a failed stage's output
VARIANTS = 5  # rows of the leaderboard that the report shows besides the baselines
ROWS = 6  # of every other list
COLUMNS = ["name", "kind", "mse", "mse_sd", "skill", "state"]


class SeriesFacts(TypedDict):
    """What the report of `validate` says about a series."""

    rows: int
    first: str
    last: str
    segments: int


class Stretch(TypedDict):
    """Changed cells of a column, one after another."""

    column: str


class CleanReport(TypedDict):
    """The part of the report of `validate` that is shown.

    `totals` is kind of change -> column -> cells, and `left_out` is series -> why.
    """

    series: Mapping[str, SeriesFacts]
    totals: Mapping[str, Mapping[str, int]]
    filled: Sequence[Stretch]
    masked: Sequence[Stretch]
    outside: Sequence[Stretch]
    cuts: Sequence[object]
    left_out: Mapping[str, str]
    notes: Sequence[str]


@dataclass
class Report:
    """What has happened so far: the `decision`, sections that are shown, and folded `details`.

    `outcome` is that of the gate, empty if it was not reached.
    """

    decision: str = ""
    outcome: str = ""
    sections: list[str] = field(default_factory=list)
    details: dict[str, str] = field(default_factory=dict)

    def markdown(self) -> str:
        """Return the report; what exceeds its length is left out of the details at its end."""
        folded = [
            f"<details><summary>{name}</summary>\n\n{text}\n\n</details>"
            for name, text in self.details.items()
        ]
        parts = ["# Retraining", self.decision, *self.sections]
        for each in folded:
            if "\n\n".join([*parts, each]).count("\n") < LINES:
                parts.append(each)
        return "\n\n".join(part for part in parts if part) + "\n"

    def publish(self, output: Path | None) -> None:
        """Write the report to stdout, to `output`, and to the files that GitHub's runners name."""
        text = self.markdown()
        sys.stdout.write(text)
        if output:
            output.write_text(text)
        written = {"GITHUB_STEP_SUMMARY": text, "GITHUB_OUTPUT": f"outcome={self.outcome}\n"}
        for name, content in written.items():
            if file := os.environ.get(name):
                with Path(file).open("a") as opened:
                    opened.write(content)


def decision(name: str, made: Decision) -> str:
    """Return the gate's decision, with its reason, its checks and the champion of model `name`."""
    rows = [[check.name, state, check.figure] for check, state in made.checks]
    table = ["", _table(["check", "state", "figure"], rows)] if rows else []
    reason = f"{made.reason[:1].upper()}{made.reason[1:]}."
    champion = f"Champion of `{name}`: {made.champion or 'none'}"
    return "\n".join([f"## Gate: {made.outcome}", "", reason, "", champion, *table])


def errors(made: Decision) -> str:
    """Return the test MSE of each entry that the gate compared."""
    rows = [[entry, f"{error:.6f}"] for entry, error in made.errors.items()]
    return _table(["entry", "test MSE"], rows)


def data(report: CleanReport) -> str:
    """Show what the table holds, and what was done to it."""
    rows = [
        [name, str(facts["rows"]), facts["first"], facts["last"], str(facts["segments"])]
        for name, facts in islice(report["series"].items(), ROWS)
    ]
    left_out = [f"- `{name}` was left out: {why}" for name, why in report["left_out"].items()]
    notes = [*left_out, *(f"- {note}" for note in report["notes"])]
    more = f"{len(report['series']) - ROWS} more series. " if len(report["series"]) > ROWS else ""
    sections = [
        _table(["series", "rows", "first", "last", "segments"], rows),
        f"{more}Cuts between segments: {len(report['cuts'])}.",
        _cells(report),
        "\n".join(notes[:ROWS]),
    ]
    return "\n\n".join(section for section in sections if section)


def _cells(report: CleanReport) -> str:
    """Return a table of the changed cells of each column, and of the stretches that they form."""
    kinds = {
        "filled": report["filled"],
        "masked": report["masked"],
        "outside": report["outside"],
    }
    stretches = {kind: Counter(entry["column"] for entry in found) for kind, found in kinds.items()}
    columns = dict.fromkeys(name for counts in report["totals"].values() for name in counts)
    if not columns:
        return "No cell was filled, masked or outside of its limits."
    rows = [
        [name, *(_cell_count(report["totals"][kind], stretches[kind], name) for kind in kinds)]
        for name in islice(columns, ROWS)
    ]
    return _table(["column", "filled", "masked", "outside of limits"], rows)


def _cell_count(cells: Mapping[str, int], stretches: Mapping[str, int], column: str) -> str:
    count = cells.get(column, 0)
    return f"{count:,} in {stretches[column]:,} stretches" if count else "0"


def leaderboard(file: Path) -> str:
    """Return the first variants of a leaderboard, and the baselines."""
    board = pd.read_csv(file)
    variants, baselines = board[board["kind"] == "variant"], board[board["kind"] == "baseline"]
    shown = pd.concat([variants.head(VARIANTS), baselines.head(ROWS)])[COLUMNS].sort_values("mse")
    rows = [[_cell(value) for value in row] for row in shown.itertuples(index=False)]
    return f"{len(variants)} variants.\n\n{_table(COLUMNS, rows)}"


def _cell(value: object) -> str:
    """Return a value of the leaderboard as text; an empty text for None and NaN."""
    if value is None or value != value:  # only NaN differs from itself
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def failure(error: BaseException) -> str:
    """Return why retraining failed; for an unexpected error, also where in the code."""
    if isinstance(error, InputError):
        last = "\n".join(str(error).splitlines()[-LAST_LINES:])
        return f"## Failed\n\nThe champion does not change.\n\n```\n{last}\n```"
    lines = "".join(traceback.format_exception(error)).splitlines()
    trace = "\n".join(lines[-LAST_LINES:])
    return (
        "## Failed\n\nAn unexpected error stopped the retraining. `python -m pipeline.forecast` "
        f"uses the champion that is registered in MLflow now.\n\n```\n{trace}\n```"
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
