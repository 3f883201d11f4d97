"""The whole pipeline on tiny data, as users and CI run it: by DVC, in a repository of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline.evaluation.baselines import BASELINES

ROOT = Path(__file__).parent.parent
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "SHELL": "/bin/sh",
}
AUTHOR = ("-c", "user.name=test", "-c", "user.email=test@example.org")
PARAMS = {
    "data": {
        "path": "data/0_raw/table.csv",
        "time": "time",
        "time_zone": "UTC",
        "series": "place",
        "frequency": "h",
        "targets": ["level"],
        "past_covariates": ["wind"],
        "future_covariates": ["plan"],
        "calendar": ["hour_of_day"],
    },
    "validate": {"max_gap": 0, "missing": {"level": {"policy": "mask"}}},
    "standardize": {"split": {"train": 0.7, "validation": 0.15, "test": 0.15}},
    "window": {"lookback": 8, "horizon": 2},
    "train": {"seeds": 2, "epochs": 2, "workers": 1},
    "forecast": {"limits": {"level": {"min": -1.5, "max": 2.5}}},
    "evaluate": {"season_length": 24},
    "track": {"experiment": "test"},
    "promote": {"name": "test"},
    "model": {"conv": {"filters": 2}, "recurrent": {"units": 3}},
    "smoke": False,
    "study": ["*"],
    "catalogue": "catalogue",
    "compare": {"margin": 0.05},
    "factors": {},
    "claims": {},
    "variants": {
        "conv_ln": {"family": "conv", "conv": {"filters": 4, "normalization": "layer"}},
    },
}


def write_table(path: Path, seed: int = 0) -> None:
    """Two places whose level follows a plan that is known ahead, and is not measured at night."""
    hours = pd.date_range("2020-01-01", periods=300, freq="h", tz="UTC")
    rng = np.random.default_rng(seed)
    wave = np.sin(np.arange(300) * 2 * np.pi / 24)
    places = []
    for place in "ab":
        plan = rng.integers(0, 2, 300)
        level = wave + plan + 0.1 * rng.standard_normal(300)
        level[hours.hour < 5] = np.nan
        columns = {"level": level, "wind": rng.random(300), "plan": plan}
        places.append(pd.DataFrame({"time": hours, "place": place, **columns}))
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.concat(places).to_csv(path, index=False)


class Project:
    """A repository with the pipeline in it, and the commands that users run there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def new(cls, folder: Path) -> "Project":
        """This pipeline, a small table and `PARAMS` in the empty `folder`; nothing has run."""
        project = cls(folder)
        shutil.copytree(
            ROOT / "pipeline", folder / "pipeline", ignore=shutil.ignore_patterns("__pycache__")
        )
        for name in ("dvc.yaml", ".gitignore"):
            shutil.copy(ROOT / name, folder / name)
        write_table(folder / "data/0_raw/table.csv")
        (folder / "catalogue").mkdir()
        (folder / "catalogue/plain.yaml").write_text("variants: {plain: {family: plain}}\n")
        project.write(PARAMS)
        project.run("git", "init", "-q")
        project.run("dvc", "init", "-q")
        shutil.copytree(ROOT / ".dvc/plots", folder / ".dvc/plots")
        return project

    def start(self, *command: str) -> "subprocess.Popen[str]":
        """Start a command in a session of its own, as in a terminal of its own."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(
            command, cwd=self.folder, env=ENVIRONMENT, text=True, start_new_session=True, **pipes
        )

    def run(self, *command: str) -> str:
        process = self.start(*command)
        output = process.communicate()[0]
        assert process.returncode == 0, output
        return output

    def commit(self) -> None:
        self.run("git", "add", "-A")
        self.run("git", *AUTHOR, "commit", "-qm", "a state")

    def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        params = YAML(typ="safe").load(self.folder / "params.yaml")
        change(params)
        self.write(params)

    def write(self, params: dict[str, Any]) -> None:
        with (self.folder / "params.yaml").open("w") as file:
            YAML().dump(params, file)

    def trained(self, output: str) -> int:
        """How many fleets a `dvc repro` trained."""
        lines = [
            line
            for line in output.splitlines()
            if line.startswith("train: ") and line.endswith("fleets to train")
        ]
        return sum(int(line.split()[1]) for line in lines)

    def copy(self, folder: Path) -> "Project":
        shutil.copytree(self.folder, folder)
        return Project(folder)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project after its first `dvc repro`."""
    project = Project.new(tmp_path_factory.mktemp("project"))
    assert project.trained(project.run("dvc", "repro")) == 2
    project.commit()
    return project


def test_a_first_repro_ends_in_a_leaderboard_of_variants_and_baselines(finished: Project) -> None:
    board = pd.read_csv(finished.folder / "data/6_verdict/leaderboard.csv")
    assert {"plain", "conv_ln", *BASELINES} == set(board["name"])
    assert np.isfinite(board["mse"]).all()


def test_a_second_repro_does_nothing(finished: Project) -> None:
    assert "Data and pipelines are up to date" in finished.run("dvc", "repro")


def test_adding_a_variant_to_the_catalogue_trains_only_that_one_and_prints_its_warnings(
    finished: Project, tmp_path: Path
) -> None:
    project = finished.copy(tmp_path / "more")
    before = {
        path: path.read_bytes() for path in project.folder.glob("data/4_models/*/weights.npz")
    }
    more = "variants: {conv_bn: {family: conv, conv: {normalization: batch}}}\n"
    (project.folder / "catalogue/more.yaml").write_text(more)
    output = project.run("dvc", "repro", "train")
    assert all(f"Stage '{name}' didn't change" in output for name in ("validate", "window"))
    assert project.trained(output) == 1
    assert {path: path.read_bytes() for path in before} == before
    (warning,) = [line for line in output.splitlines() if "[R5]" in line]
    assert warning.startswith("train: warning: conv_bn: ")


def test_noise_in_the_test_part_leaves_scaler_windows_and_weights_bit_identical(
    finished: Project, tmp_path: Path
) -> None:
    project = finished.copy(tmp_path / "noise")
    kept = [
        "data/2_standardized/scaler.json",
        "data/3_windows/train.npy",
        "data/3_windows/test.npy",
        "data/4_models/plain/weights.npz",
    ]
    before = {
        name: (project.folder / name).read_bytes()
        for name in [*kept, "data/2_standardized/standardized.npy"]
    }
    path = project.folder / "data/0_raw/table.csv"
    table = pd.read_csv(path)
    test = table.groupby("place").cumcount() >= 255  # of 300 rows
    noise = np.random.default_rng(1).standard_normal((len(table), 2)) * 5
    for column, values in zip(["level", "wind"], noise.T, strict=True):
        table[column] = table[column].mask(test & table[column].notna(), values)
    table.to_csv(path, index=False)
    assert project.trained(project.run("dvc", "repro", "train")) == 2
    changed = {
        name for name, content in before.items() if (project.folder / name).read_bytes() != content
    }
    assert changed == {"data/2_standardized/standardized.npy"}


def test_more_seeds_train_only_the_new_ones_and_leave_the_others_as_they_are(
    finished: Project, tmp_path: Path
) -> None:
    project = finished.copy(tmp_path / "seeds")
    before = np.load(project.folder / "data/4_models/plain/weights.npz")
    project.edit(
        lambda params: (params["train"].update(seeds=3, workers=2), params.update(study=["plain"]))
    )
    assert project.trained(project.run("dvc", "repro", "train")) == 1
    after = np.load(project.folder / "data/4_models/plain/weights.npz")
    assert all(
        np.array_equal(after[name][:2], before[name]) and len(after[name]) == 3
        for name in before.files
    )


def test_a_clone_that_pulls_trains_nothing_and_still_fills_mlflow(
    finished: Project, tmp_path: Path
) -> None:
    origin = finished.copy(tmp_path / "origin")
    origin.run("dvc", "remote", "add", "-d", "store", str(tmp_path / "remote"))
    origin.run("dvc", "push", "-q")
    origin.commit()
    origin.run("git", "clone", "-q", ".", str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    clone.run("dvc", "pull", "-q")
    output = clone.run("dvc", "repro")
    assert clone.trained(output) == 0
    assert "Running stage 'train'" not in output
    assert (clone.folder / "mlruns/mlflow.db").exists()


def test_the_commands_that_users_of_dvc_know_work(finished: Project, tmp_path: Path) -> None:
    project = finished.copy(tmp_path / "commands")
    shutil.rmtree(project.folder / "mlruns")  # MLflow's store cannot be copied
    assert "baseline_mse" in project.run("dvc", "metrics", "show", "--md")
    project.run("dvc", "exp", "run", "-S", "evaluate.season_length=12", "-n", "half_days")
    assert "evaluate.season_length" in project.run("dvc", "params", "diff", "--md")
    assert "half_days" in project.run("dvc", "exp", "show", "--md")
    assert "baseline_mse" in project.run("dvc", "metrics", "diff", "--all", "--md")
    page = project.run("dvc", "plots", "show").strip().splitlines()[-1].removeprefix("file://")
    shown = Path(page).read_text()
    assert all(name in shown for name in ("leaderboard.csv", "horizon.csv", "curves.csv"))


def test_the_workflow_s_commands_retrain_in_a_fresh_clone_with_a_remote(
    finished: Project, tmp_path: Path
) -> None:
    origin = finished.copy(tmp_path / "origin")
    origin.run("dvc", "remote", "add", "-d", "store", str(tmp_path / "remote"))
    origin.run("dvc", "push", "-q", "--run-cache")
    origin.commit()
    origin.run("git", "clone", "-q", ".", str(tmp_path / "clone"))
    clone = Project(tmp_path / "clone")
    (clone.folder / ".venv").symlink_to(sys.prefix)
    install, *commands = workflow_commands("retrain")
    assert install == "make install"  # what this test runs in is what it installs
    write_table(clone.folder / "data/0_raw/table.csv", seed=1)
    summary, remote = clone.folder / "summary.md", tmp_path / "remote"
    stored = set(remote.rglob("*"))
    (clone.folder / "mlruns").mkdir(exist_ok=True)
    settings = {
        "GITHUB_STEP_SUMMARY": summary,
        "MLFLOW_TRACKING_URI": f"sqlite:///{clone.folder}/mlruns/mlflow.db",
        "ONLY_IF": "new-data",
        "ACCEPT_DRIFT": "",
    }
    words = [f"{name}={value}" for name, value in settings.items()]
    output = "".join(clone.run("env", *words, "bash", "-ec", command) for command in commands)
    assert clone.trained(output) == 2
    report = summary.read_text()
    assert "plain" in report and "conv_ln" in report and "seasonal_naive" in report
    assert "does not beat the best baseline" in report  # two epochs of three units do not
    assert set(remote.rglob("*")) > stored


def workflow_commands(name: str) -> list[str]:
    jobs = YAML(typ="safe").load(ROOT / f".github/workflows/{name}.yml")["jobs"]
    return [step["run"] for step in jobs[name]["steps"] if "run" in step]


def test_a_variant_that_beats_the_baseline_becomes_champion_and_forecasts(
    finished: Project, tmp_path: Path
) -> None:
    project = finished.copy(tmp_path / "champion")
    shutil.rmtree(project.folder / "mlruns")  # MLflow's store cannot be copied
    project.edit(
        lambda params: (
            params["train"].update(epochs=30, patience=30, learning_rate=0.02),
            params["model"]["recurrent"].update(units=8),
        )
    )
    project.edit(
        lambda params: (
            params.update(study=["plain"]),
            params["validate"]["missing"].update(wind={"policy": "forward_fill", "max_run": 3}),
        )
    )
    project.run("dvc", "repro", "evaluate")
    promoted = python(project, "promote")
    assert "promote: promoted: it passed the gate" in promoted
    assert "champion of test: version 1 (plain)" in promoted
    table = pd.read_csv(project.folder / "data/0_raw/table.csv")
    truth = table.groupby("place").tail(2)
    table.loc[truth.index, "level"] = None  # future rows, where the plan is known
    table.loc[table.groupby("place").tail(4).index, "wind"] = None
    table.groupby("place").tail(20).to_csv(project.folder / "recent.csv", index=False)
    output = python(project, "forecast", "--input", "recent.csv", "--output", "forecasts.csv")
    assert "forecast: series 'a', 'b': the forecast starts after 2020-01-13T09:00:00Z" in output
    assert "forecast: 4 missing values were filled (wind 4)" in output
    assert "forecast: 6 missing values were masked (level 6)" in output
    forecasts = pd.read_csv(project.folder / "forecasts.csv")
    assert list(forecasts.columns) == ["place", "time", "level"]
    assert len(forecasts) == 4
    assert (forecasts["level"] - truth["level"].to_numpy()).abs().max() < 1.5
    future = table.loc[truth.index, ["time", "place", "plan"]]
    future.to_csv(project.folder / "future.csv", index=False)
    measured = table.drop(index=truth.index).groupby("place").tail(20)
    measured.to_csv(project.folder / "measured.csv", index=False)
    again = python(project, "forecast", "--input", "measured.csv", "--future", "future.csv")
    assert (project.folder / "forecasts.csv").read_text() in again
    assert "promote: unchanged" in python(project, "promote")
    assert (
        "test has no previous champion to return to, other than those that were rolled back; the "
        "champion is version 1 (plain)" in python(project, "promote", "--rollback", status=1)
    )


def python(project: Project, module: str, *words: str, status: int = 0) -> str:
    """Return what a command of the project writes to stdout and stderr."""
    process = project.start("python", "-m", f"pipeline.{module}", *words)
    output = process.communicate()[0]
    assert process.returncode == status, output
    return output
