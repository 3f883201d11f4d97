"""Retrain after a change of data or code: validate, train what is missing, promote, and report.

`python -m pipeline.retrain` writes its report as Markdown to stdout, and appends it to the file
that GITHUB_STEP_SUMMARY names. That the gate rejects a candidate is a normal outcome, and the exit
status is 0. If data is rejected or a stage fails, it is 1, and the report gives the reason.
"""

import json
import os
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

import pandas as pd

from pipeline.config import params, paths
from pipeline.config.paths import Paths
from pipeline.core import command
from pipeline.core.errors import InputError
from pipeline.core.files import read_json
from pipeline.serving import promotion
from pipeline.serving.process import without_startup_noise
from pipeline.serving.promotion import Decision

VARIANTS = 5  # rows of the leaderboard that the report shows besides the baselines
LAST_LINES = 30  # of a failed stage's output
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


def main() -> None:
    """Parse the arguments, retrain and report."""
    parser = command.parser(
        "Validate, train what is missing, promote the champion if it passes the gate, report.",
        prog="python -m pipeline.retrain",
    )
    path = parser.parse_args().params
    failed = False
    sections: list[str] = []
    try:
        for section in run(path):
            sections.append(section)
    except (Exception, KeyboardInterrupt) as error:
        failed = True
        sections.append(_failure(error))
    _publish("\n\n".join(["# Retraining", *sections]) + "\n")
    sys.exit(failed)


def run(path: Path) -> Iterator[str]:
    """Retrain and yield the report section by section; raises `InputError` if a step fails."""
    settings, places = params.read(path), paths.read()
    yield _changes()
    _reproduce("validate")
    yield _data(read_json(places.clean / "report.json"))
    _reproduce()
    yield _leaderboard(places)
    yield _decision(settings.promote.name, promotion.promote(settings, places))


def _changes() -> str:
    """List what has changed since the last run, according to `dvc status`."""
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--json"],
        env=_environment(),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise InputError("`dvc status` failed:", *done.stderr.splitlines()[-LAST_LINES:])
    stages = json.loads(done.stdout)
    lines = [f"- `{stage}`: {', '.join(_reasons(found))}" for stage, found in stages.items()]
    unchanged = "Nothing: the data, the code and the parameters are those of the last run."
    return "\n".join(["## What changed", "", *(lines or [unchanged])])


def _reasons(entries: Sequence[str | Mapping[str, Mapping[str, object]]]) -> Iterator[str]:
    """Yield `data/0_raw modified`, `params.yaml data.targets modified`, from nested entries."""
    for entry in entries:
        if isinstance(entry, str):
            yield entry
            continue
        for changes in entry.values():
            for name, state in changes.items():
                if isinstance(state, Mapping):
                    yield from (f"{name} {key} {change}" for key, change in state.items())
                else:
                    yield f"{name} {state}"


def _data(report: CleanReport) -> str:
    """Show what the table holds, and what was done to it."""
    rows = [
        [name, str(facts["rows"]), facts["first"], facts["last"], str(facts["segments"])]
        for name, facts in report["series"].items()
    ]
    left_out = [f"- `{name}` was left out: {why}" for name, why in report["left_out"].items()]
    sections = [
        "## Data",
        _table(["series", "rows", "first", "last", "segments"], rows),
        f"Cuts between segments: {len(report['cuts'])}.",
        _cells(report),
        "\n".join([*left_out, *(f"- {note}" for note in report["notes"])]),
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
        for name in columns
    ]
    return _table(["column", "filled", "masked", "outside of limits"], rows)


def _cell_count(cells: Mapping[str, int], stretches: Mapping[str, int], column: str) -> str:
    count = cells.get(column, 0)
    return f"{count:,} in {stretches[column]:,} stretches" if count else "0"


def _leaderboard(places: Paths) -> str:
    board = pd.read_csv(places.verdict / "leaderboard.csv")
    variants, baselines = board[board["kind"] == "variant"], board[board["kind"] == "baseline"]
    shown = pd.concat([variants.head(VARIANTS), baselines])[COLUMNS].sort_values("mse")
    rows = [[_cell(value) for value in row] for row in shown.itertuples(index=False)]
    return f"## Leaderboard: {len(variants)} variants\n\n{_table(COLUMNS, rows)}"


def _cell(value: object) -> str:
    """Return a value of the leaderboard as text; an empty text for None and NaN."""
    if value is None or value != value:  # only NaN differs from itself
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _decision(name: str, decision: Decision) -> str:
    rows = [[entry, f"{error:.6f}"] for entry, error in decision.errors.items()]
    reason = f"{decision.reason[:1].upper()}{decision.reason[1:]}."
    table = ["", _table(["entry", "test MSE"], rows)] if rows else []
    checks = [[check.name, state, check.figure] for check, state in decision.checks]
    table += ["", _table(["check", "state", "figure"], checks)] if checks else []
    champion = f"Champion of `{name}`: {decision.champion or 'none'}"
    return "\n".join([f"## Gate: {decision.outcome}", "", reason, *table, "", champion])


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _failure(error: BaseException) -> str:
    """Return why retraining failed; for an unexpected error, also where in the code."""
    if isinstance(error, InputError):
        return f"## Failed\n\nThe champion does not change.\n\n```\n{error}\n```"
    lines = "".join(traceback.format_exception(error)).splitlines()
    trace = "\n".join(lines[-LAST_LINES:])
    return (
        "## Failed\n\nAn unexpected error stopped the retraining. `python -m pipeline.forecast` "
        f"uses the champion that is registered in MLflow now.\n\n```\n{trace}\n```"
    )


def _reproduce(*stages: str) -> None:
    """Run `dvc repro` and pass its output on to stderr.

    Raises `InputError` with the last lines of the output if a stage fails.
    """
    arguments = [sys.executable, "-m", "dvc", "repro", *stages]
    with subprocess.Popen(
        arguments, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        output = ""
        for line in process.stdout or ():
            sys.stderr.write(line)
            output += line
    if process.returncode:
        last = without_startup_noise(output)[-LAST_LINES:]
        raise InputError(f"`dvc {' '.join(arguments[3:])}` failed:", *last)


def _environment() -> dict[str, str]:
    """Return an environment in which the stages' `python` is this one."""
    path = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    return {**os.environ, "PATH": os.pathsep.join(path)}


def _publish(report: str) -> None:
    sys.stdout.write(report)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a") as file:
            file.write(report)


if __name__ == "__main__":
    main()
