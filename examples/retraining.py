"""A year in a few minutes: the retraining commands on nine monthly deliveries, most of them bad.

    make demo-retraining        or: python -m examples.retraining [--figure FILE] [--log FILE]

In a copy of this repository with a Git, DVC and MLflow of its own, the table of `deliveries` is
delivered month by month to `python -m pipeline.retrain --data FILE --only-if drift`, with a small
network of two seeds. What looks faulty is corrected by the next month, except in July: that shift
is real, and a person accepts it. The check of the gate named `baseline` is accepted from the start,
as a baseline may have a lower error than so small a network. In October someone puts scrambled
weights forward.

Printed is the log of decisions. The errors in it are those of the champion that is in use in a
month, and of the first model, if it were still in use, on the true rows of that month.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import chdir
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from examples import deliveries, retraining_errors, retraining_figure
from pipeline.config import params, paths
from pipeline.serving import promotion

ROOT = Path(__file__).parent.parent
TABLE, DELIVERY, REPORT = "data/0_raw/nyc_departures.csv", "delivery.csv", "retraining.md"
WEIGHTS = "data/4_models/plain/weights.npz"
STATE = (TABLE, "dvc.lock", "data/1_clean/report.json", "data/6_verdict/metrics.json", WEIGHTS)
COMMAND = ("python", "-m", "pipeline.retrain", "--only-if", "drift", "--accept", "baseline")
PERSON = 3  # exit status
AUTHOR = ("-c", "user.name=demo", "-c", "user.email=demo@example.org")


@dataclass(frozen=True)
class Decision:
    """What a month has brought, and what was decided.

    `touched` says whether the table, the results, the lock file or Git have changed; `champion` is
    the number of the version that is the champion afterwards.
    """

    month: int
    event: str
    drift: str
    decision: str
    why: str
    status: int
    touched: bool
    champion: str


def main() -> None:
    """Parse the arguments, replay the year, and print the log."""
    parser = argparse.ArgumentParser(description="Replay a year of retraining.")
    parser.add_argument("--figure", type=Path, help="draw the year into this PNG file")
    parser.add_argument("--log", type=Path, help="write the log to this JSON file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        log = replay(Path(scratch) / "project")
    if arguments.log:
        arguments.log.write_text(log.to_json(orient="records", indent=1))
    if arguments.figure:
        retraining_figure.draw(log, arguments.figure)
    print(log.drop(columns=["status", "touched"]).to_string(index=False, max_colwidth=60))


def replay(folder: Path) -> pd.DataFrame:
    """Replay the year in the new `folder`; return a row for each decision, with both errors."""
    truth = deliveries.true_table(ROOT / TABLE)
    project = Project.new(folder, deliveries.delivered(truth, deliveries.FIRST))
    log = []
    for month in range(deliveries.FIRST, 13):
        log += project.month(month, deliveries.delivered(truth, month))
    table = pd.DataFrame([asdict(each) for each in log])
    with chdir(folder):
        return retraining_errors.join(table, truth, Path(TABLE))


@dataclass(frozen=True)
class Project:
    """A copy of this repository, in which the commands run."""

    folder: Path

    @classmethod
    def new(cls, folder: Path, table: str) -> "Project":
        """Copy the tracked files, with `table` in place of the embedded one."""
        project = cls(folder)
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
        for name in listed.stdout.splitlines():
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        (folder / TABLE).write_text(table)
        _small(folder / "params.yaml")
        with (folder / ".gitignore").open("a") as ignored:
            ignored.write(f"{DELIVERY}\n{REPORT}\n")
        project.run("git", "init", "-q")
        project.commit()
        return project

    def month(self, month: int, table: str) -> list[Decision]:
        """Deliver a table, let a person look where one is asked, and return the decisions."""
        words = ("--data", DELIVERY, "--output", REPORT)
        (self.folder / DELIVERY).write_text(table)
        log = [self.decide(month, *COMMAND, *words)]
        if log[-1].status == PERSON and month == deliveries.SHIFT:
            log.append(self.decide(month, *COMMAND, *words, "--accept-drift"))
        if month == deliveries.SCRAMBLED:
            log.append(self.scrambled(month))
        return log

    def decide(self, month: int, *command: str) -> Decision:
        """Run the retraining, commit what it has changed, and read its report."""
        before = self.state()
        status = self.run(*command, check=False)
        touched = self.state() != before
        self.commit()
        report = (self.folder / REPORT).read_text().splitlines()
        return self.decision(month, report, status, touched)

    def scrambled(self, month: int) -> Decision:
        """Put forward a network whose weights are those of the last one in another order."""
        weights = self.folder / WEIGHTS
        with np.load(weights) as file:
            arrays = dict(file)
        rng = np.random.default_rng(0)
        weights.unlink()  # it may be a link into the cache of DVC
        np.savez(weights, **{name: rng.permuted(values) for name, values in arrays.items()})
        before = self.state()
        done = self.start("python", "-m", "pipeline.promote", "--accept", "baseline")
        touched = self.state() != before
        self.run("dvc", "checkout", "-q", "--force")
        first = next(line for line in done.stderr.splitlines() if line.startswith("promote: "))
        heading, why = first.removeprefix("promote: ").split(": ", 1)
        report = [f"## Gate: {heading}", why]
        return self.decision(month, report, done.returncode, touched)

    def decision(self, month: int, report: list[str], status: int, touched: bool) -> Decision:
        """Read a report: its first heading is the decision, the line below it the reason."""
        headings = [line.removeprefix("## ") for line in report if line.startswith("## ")]
        drift = [line.split(": ", 1)[1] for line in headings if line.startswith("Drift: ")]
        after = report[report.index(f"## {headings[0]}") + 1 :]
        why = [line for line in after if line and not line.startswith(("```", "The champion"))]
        decision = Decision(
            month=month,
            event=deliveries.EVENTS[month],
            drift=drift[0] if drift else "",
            decision=headings[0],
            why=why[0],
            status=status,
            touched=touched,
            champion=self.champion(),
        )
        print(decision, file=sys.stderr)
        return decision

    def champion(self) -> str:
        """Return the number of the champion's version; empty if there is none."""
        with chdir(self.folder):
            champion = promotion.champion(params.read(Path("params.yaml")), paths.read())
        return champion.number if champion else ""

    def state(self) -> str:
        """Return a digest of the table and the results, and of what Git has to say."""
        files = [self.folder / name for name in STATE]
        found = [file.read_bytes() for file in files if file.is_file()]
        git = self.start("git", "status", "--porcelain").stdout.encode()
        head = self.start("git", "rev-parse", "HEAD").stdout.encode()
        return sha256(b"\0".join([*found, git, head])).hexdigest()

    def commit(self) -> None:
        """Commit the table, the lock file and the metrics, as the workflow does."""
        self.run("git", "add", "--all")
        self.run("git", *AUTHOR, "commit", "-qm", "a state", "--allow-empty")

    def run(self, *command: str, check: bool = True) -> int:
        """Run a command and return its exit status; its output is shown if it must not fail."""
        done = self.start(*command)
        if check and done.returncode:
            sys.exit(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
        return done.returncode

    def start(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in the project, away from the MLflow server of the caller."""
        own = {name: value for name, value in os.environ.items() if "MLFLOW_TRACKING" not in name}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        own |= {"PATH": path, "DVC_NO_ANALYTICS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        return subprocess.run(command, cwd=self.folder, env=own, capture_output=True, text=True)


def _small(file: Path) -> None:
    """Let the parameters be those of one small network, and of a split that moves with time."""
    yaml = YAML()
    content = yaml.load(file)
    content["data"]["past_covariates"].append("temp")
    content["validate"]["missing"]["temp"] = {"policy": "forward_fill", "max_run": 24}
    content["standardize"]["split"] = {"train": 0.94, "validation": 0.03, "test": 0.03}
    content["window"].update(lookback=12, horizon=3)
    content["train"].update(seeds=2, epochs=6, workers=1)
    content["model"]["head"].update(hidden=16)
    content["study"] = ["plain"]
    with file.open("w") as opened:
        yaml.dump(content, opened)


if __name__ == "__main__":
    main()
