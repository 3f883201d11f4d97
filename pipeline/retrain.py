"""Retrain after new data: inspect it, decide whether it is worth it, train, promote, and report.

The steps of `python -m pipeline.retrain`:

1. MLflow is asked for the champion, so that a missing server is known before any training.
2. The table (or `--data FILE`, which then takes the place of `data.path`) is cleaned in a temporary
   folder. If it is rejected, the results of the last run and the table stay as they are.
3. Its new rows, those after the champion's last row, are compared with their past (see `drift`).
   What looks like a fault stops here, until a person says `--accept-drift`.
4. `--only-if new-data` and `--only-if drift` go on only if there are new rows, or if they have
   drifted. Where nothing has, retraining is not worth it: forecasts stay accurate, and stable.
5. `dvc repro` trains what is missing, and the gate decides. A shift goes through training, but
   needs `--accept-drift` to be promoted.

The report, Markdown of at most 60 lines with the decision first, goes to stdout, to `--output FILE`
and to the file that GITHUB_STEP_SUMMARY names. The file that GITHUB_OUTPUT names gets the outcome
of the gate as `outcome=...`. With `--dry-run`, all is done except for the promotion.

Exit status: 0 if the candidate was promoted, the champion stays or retraining is not worth it; 3 if
a person has to look at the drift; 1 if data was rejected or a step failed. Whatever it is, the same
command may be repeated: it goes on where it was.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.config import params, paths
from pipeline.config.params import Params
from pipeline.core import command
from pipeline.core.errors import InputError
from pipeline.core.files import new_file, read_json
from pipeline.serving import checks, promotion, retraining
from pipeline.serving.checks import Check
from pipeline.serving.drift import inspection
from pipeline.serving.drift import report as drift_report
from pipeline.serving.drift.report import Drift
from pipeline.serving.process import without_startup_noise
from pipeline.serving.promotion import Decision, Order
from pipeline.serving.retraining import Report
from pipeline.tracking.registry import Version

DONE, FAILED, PERSON = 0, 1, 3  # exit status
REASONS = ("always", "new-data", "drift")


@dataclass(frozen=True)
class Call:
    """How it was called; `data` replaces the present table, `accept` names checks of the gate."""

    params: Path
    data: Path | None = None
    only_if: str = "always"
    accept: Collection[str] = ()
    accept_drift: bool = False
    dry_run: bool = False


def main() -> None:
    """Parse the arguments, retrain and report."""
    arguments = _parser().parse_args()
    options = {name: value for name, value in vars(arguments).items() if name != "output"}
    called = Call(**options)
    report, status = Report(), FAILED
    try:
        status = run(called, report)
    except (Exception, KeyboardInterrupt) as error:
        report.decision = retraining.failure(error)
    report.publish(arguments.output)
    sys.exit(status)


def run(called: Call, report: Report) -> int:
    """Retrain, filling the report; returns the exit status.

    Raises `InputError` if a step fails.
    """
    settings, places = params.read(called.params), paths.read()
    champion = promotion.champion(settings, places)
    drift = inspection.inspect(settings, places, _table(called, settings), _since(champion))
    if drift:
        report.sections.append(drift_report.markdown(drift))
    if drift and drift.faults and not called.accept_drift:
        report.decision = _stopped(drift)
        return PERSON
    if champion and drift and not _worth(called.only_if, drift):
        report.decision = (
            f"## Retraining is not worth it\n\n`--only-if {called.only_if}`: there is none. The "
            f"champion stays: {champion}."
        )
        return DONE
    _take_over(called, settings)
    report.details["What changed"] = _changes()
    _reproduce()
    report.details["Leaderboard"] = retraining.leaderboard(places.verdict / "leaderboard.csv")
    report.details["Data"] = retraining.data(read_json(places.clean / "report.json"))
    decision = promotion.promote(settings, places, _order(called, drift))
    report.decision = retraining.decision(settings.promote.name, decision)
    report.outcome = decision.outcome
    report.details["Errors"] = retraining.errors(decision)
    return PERSON if _only_drift_objects(decision) else DONE


def _table(called: Call, settings: Params) -> Path | None:
    """Return the new table; raises `InputError` if it cannot take the place of the present one."""
    if called.data is None:
        return None
    present = Path(settings.data.path)
    if not called.data.is_file() or present.is_dir():
        raise InputError(
            f"--data {called.data}: must be a file that takes the place of {present}, which must "
            "be one as well; where the table is a folder, put files into it and leave --data out"
        )
    if called.data.suffix != present.suffix:
        raise InputError(
            f"--data {called.data}: must end in {present.suffix!r} as {present}, which it replaces"
        )
    return called.data


def _take_over(called: Call, settings: Params) -> None:
    """Put the new table, which was accepted, in the place of the present one."""
    if called.data is not None:
        with new_file(Path(settings.data.path)) as draft:
            shutil.copyfile(called.data, draft)


def _since(champion: Version | None) -> np.datetime64 | None:
    """Return the last time that the champion's table had; None if that is not known."""
    known = champion.until if champion else ""
    return np.datetime64(known.removesuffix("Z"), "ns") if known else None


def _worth(only_if: str, drift: Drift) -> bool:
    """Return whether there is what `--only-if` asks for."""
    worth = {"always": True, "new-data": drift.has_new_data, "drift": drift.state != "none"}
    return worth[only_if]


def _order(called: Call, drift: Drift | None) -> Order:
    """Return the order for the gate, with the check of the drift if there was any history."""
    if drift is None:
        return Order(called.accept, called.dry_run)
    check: Check = checks.drift(drift.state, drift.summary)
    accepted = [*called.accept, *(["drift"] if called.accept_drift else [])]
    return Order(accepted, called.dry_run, (check,))


def _only_drift_objects(decision: Decision) -> bool:
    failed = {check.name for check, state in decision.checks if state == "failed"}
    return failed == {"drift"}


def _stopped(drift: Drift) -> str:
    return (
        f"## Stopped: the new rows look faulty\n\n{drift.summary}. Nothing was trained, and the "
        "champion does not change. Correct the data; if they are right, run `python -m "
        "pipeline.retrain --accept-drift`."
    )


def _changes() -> str:
    """List what has changed since the last run, according to `dvc status`."""
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--json"],
        env=_environment(),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise InputError(
            "`dvc status` failed:", *done.stderr.splitlines()[-retraining.LAST_LINES :]
        )
    stages = json.loads(done.stdout)
    lines = [f"- `{stage}`: {', '.join(_reasons(found))}" for stage, found in stages.items()]
    unchanged = "Nothing: the data, the code and the parameters are those of the last run."
    return "\n".join(lines or [unchanged])


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


def _reproduce() -> None:
    """Run `dvc repro` and pass its output on to stderr.

    Raises `InputError` with the last lines of the output if a stage fails.
    """
    arguments = [sys.executable, "-m", "dvc", "repro"]
    with subprocess.Popen(
        arguments, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        output = ""
        for line in process.stdout or ():
            sys.stderr.write(line)
            output += line
    if process.returncode:
        raise InputError(
            "`dvc repro` failed:", *without_startup_noise(output)[-retraining.LAST_LINES :]
        )


def _environment() -> dict[str, str]:
    """Return an environment in which the stages' `python` is this one."""
    path = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    return {**os.environ, "PATH": os.pathsep.join(path)}


def _parser() -> argparse.ArgumentParser:
    parser = command.parser(
        "Inspect the data, train what is missing, promote what passes the gate, report.",
        prog="python -m pipeline.retrain",
    )
    parser.add_argument("--data", type=Path, help="a table that takes the place of data.path")
    parser.add_argument("--only-if", choices=REASONS, default=REASONS[0], help="default: always")
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        choices=checks.ACCEPTABLE,
        help="promote although this check objects; may be repeated",
    )
    parser.add_argument("--accept-drift", action="store_true", help="the new rows are right")
    parser.add_argument("--dry-run", action="store_true", help="train, and promote nothing")
    parser.add_argument("--output", type=Path, help="write the report to this file as well")
    return parser


if __name__ == "__main__":
    main()
