"""New data or new code: validate it, train what is missing, and let the best variant challenge the champion; a report tells all of it.

`python -m pipeline.retrain` writes the report as Markdown to stdout, and to the file that GITHUB_STEP_SUMMARY names. A challenger that the gate
refuses is a normal outcome, with exit status 0; broken data and a failed stage are not, and the report gives the reason.
"""

import argparse
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.config import params, paths
from pipeline.config.params import Params
from pipeline.config.paths import Paths
from pipeline.core.errors import InputError
from pipeline.core.files import read_json
from pipeline.serving import gate as champion
from pipeline.serving.gate import Decision

HEAD = 5  # rows of the leaderboard that the report shows, and baselines on top
TAIL = 30  # lines of a failed stage's output that the report shows
COLUMNS = ["name", "kind", "mse", "mse_sd", "skill", "state"]


def main() -> None:
    """Read the arguments, retrain, report."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.retrain",
        description="Validate, train, challenge the champion, report.",
    )
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    path = parser.parse_args().params
    failed = False
    sections: list[str] = []
    try:
        for section in run(path):
            sections.append(section)
    except (Exception, KeyboardInterrupt) as error:
        failed = True
        sections.append(_failure(error))
    _tell("\n\n".join(["# Retraining", *sections]) + "\n")
    sys.exit(failed)


def run(path: Path) -> Iterator[str]:
    """Do it, and yield the report section by section; raises `InputError` where it cannot go on."""
    settings, places = params.read(path), paths.read()
    yield _changes()
    _repro("validate")
    yield _data(read_json(places.clean / "report.json"))
    _repro()
    yield _leaderboard(places)
    yield _gate(settings, champion.challenge(settings, places))


def _changes() -> str:
    """What `dvc status` says has changed since the last run."""
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--json"],
        env=_environment(),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise InputError("`dvc status` failed:", *done.stderr.splitlines()[-TAIL:])
    stages = json.loads(done.stdout)
    lines = [f"- `{stage}`: {_reasons(entries)}" for stage, entries in stages.items()]
    return "\n".join(
        [
            "## What changed",
            "",
            *(lines or ["Nothing: data, code and parameters are those of the last run."]),
        ]
    )


def _reasons(entries: list[Any]) -> str:
    """`data/0_raw modified, params.yaml data.targets modified`, from the nested dictionaries of `dvc status`."""
    return ", ".join(
        reason
        for entry in entries
        for reason in (_flat(entry) if isinstance(entry, Mapping) else [str(entry)])
    )


def _flat(entry: Mapping[str, Any]) -> Iterator[str]:
    for changes in entry.values():
        for name, state in changes.items():
            if isinstance(state, Mapping):
                yield from (f"{name} {key} {how}" for key, how in state.items())
            else:
                yield f"{name} {state}"


def _data(report: Mapping[str, Any]) -> str:
    lines = [
        f"| {name} | {facts['rows']} | {facts['first']} | {facts['last']} |"
        for name, facts in report["series"].items()
    ]
    table = ["| series | rows | first | last |", "|---|---|---|---|", *lines]
    return "\n".join(
        [
            "## Data",
            "",
            f"{len(report['filled'])} cells filled, {len(report['cuts'])} cuts.",
            "",
            *table,
        ]
    )


def _leaderboard(places: Paths) -> str:
    board = pd.read_csv(places.verdict / "leaderboard.csv")
    variants, baselines = board[board["kind"] == "variant"], board[board["kind"] == "baseline"]
    shown = pd.concat([variants.head(HEAD), baselines])[COLUMNS].sort_values("mse")
    lines = [
        "| " + " | ".join(_cell(value) for value in row) + " |"
        for row in shown.itertuples(index=False)
    ]
    return "\n".join(
        [
            f"## Leaderboard: {len(variants)} variants",
            "",
            f"| {' | '.join(COLUMNS)} |",
            "|---" * len(COLUMNS) + "|",
            *lines,
        ]
    )


def _cell(value: Any) -> str:
    return "" if pd.isna(value) else f"{value:.4g}" if isinstance(value, float) else str(value)


def _gate(settings: Params, decision: Decision) -> str:
    lines = [f"| {who} | {error:.6f} |" for who, error in decision.errors.items()]
    figures = ["", "| who | test MSE |", "|---|---|", *lines] if lines else []
    champion = f"Champion of `{settings.promote.name}`: {decision.champion or 'none'}"
    return "\n".join(
        [
            f"## Gate: {decision.outcome}",
            "",
            f"{decision.reason[:1].upper()}{decision.reason[1:]}.",
            *figures,
            "",
            champion,
        ]
    )


def _failure(error: BaseException) -> str:
    """Why it stopped; of what nobody has foreseen, where in the code as well."""
    if isinstance(error, InputError):
        return f"## Failed\n\nThe champion stays as it is.\n\n{_block(str(error))}"
    lines = "".join(traceback.format_exception(error)).splitlines()
    return f"## Failed\n\nIt broke off; `python -m pipeline.forecast` uses the champion that MLflow names now.\n\n{_block(chr(10).join(lines[-TAIL:]))}"


def _repro(*stages: str) -> None:
    """`dvc repro`, its output passed on to stderr; raises `InputError` with the end of it where a stage fails."""
    command = [sys.executable, "-m", "dvc", "repro", *stages]
    with subprocess.Popen(
        command, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        output = ""
        for line in process.stdout or ():
            sys.stderr.write(line)
            output += line
    if process.returncode:
        raise InputError(
            f"`dvc {' '.join(command[3:])}` failed:", *champion.without_greetings(output)[-TAIL:]
        )


def _environment() -> dict[str, str]:
    """The stages' `python` is this one, whether its environment is activated or not."""
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }


def _block(text: str) -> str:
    return f"```\n{text}\n```"


def _tell(report: str) -> None:
    sys.stdout.write(report)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a") as file:
            file.write(report)


if __name__ == "__main__":
    main()
