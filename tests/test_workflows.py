"""The workflows are valid, ask for few rights, and run the commands that people run."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))


def load(name: str) -> dict[str, Any]:
    workflow: dict[str, Any] = YAML(typ="safe").load(FOLDER / name)  # YAML 1.2: `on` stays a word
    return workflow


def commands(name: str) -> list[str]:
    return [
        step["run"]
        for job in load(name)["jobs"].values()
        for step in job.get("steps", ())
        if "run" in step
    ]


def test_workflows_fit_the_schema_of_github() -> None:
    tool = shutil.which("check-jsonschema") or str(ROOT / ".venv/bin/check-jsonschema")
    done = subprocess.run(
        [tool, "--builtin-schema", "vendor.github-workflows", *map(str, FILES)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_workflows_may_read_the_contents_and_nothing_else(file: Path) -> None:
    workflow = load(file.name)
    assert workflow["permissions"] == {"contents": "read"}
    assert not [job for job in workflow["jobs"].values() if "permissions" in job]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_steps_are_commands_of_one_line_and_actions_with_a_version(file: Path) -> None:
    steps = [step for job in load(file.name)["jobs"].values() for step in job.get("steps", ())]
    assert not [step["run"] for step in steps if "\n" in step.get("run", "").strip()]
    assert not [
        step["uses"]
        for step in steps
        if "uses" in step and not re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])
    ]


def test_ci_runs_what_people_run() -> None:
    assert commands("ci.yml") == ["make test test-faults test-browser docs"]


def test_ci_runs_the_oldest_and_the_newest_python_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11,<3.14"
    matrix = load("ci.yml")["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == ["3.11", "3.13"]


def test_retraining_installs_fetches_retrains_and_keeps() -> None:
    install, fetch, retrain, keep = commands("retrain.yml")
    assert install == "make install"
    assert "dvc pull" in fetch
    assert retrain == ".venv/bin/python -m pipeline.retrain"
    assert "dvc push" in keep


def test_retraining_starts_by_push_of_data_parameters_or_code_by_hand_and_by_call() -> None:
    triggers = load("retrain.yml")["on"]
    assert set(triggers) == {"push", "workflow_dispatch", "workflow_call"}
    assert set(triggers["push"]["paths"]) == {
        "data/0_raw/**",
        "params.yaml",
        "catalogue/**",
        "pipeline/**",
        "dvc.yaml",
    }


def test_two_trainings_never_run_at_once_and_none_is_cut_off() -> None:
    (job,) = load("retrain.yml")["jobs"].values()
    assert job["concurrency"] == {"group": "retrain", "cancel-in-progress": False}


def test_the_schedule_has_a_file_of_its_own_and_calls_the_retraining() -> None:
    assert [file.name for file in FILES if "schedule" in load(file.name)["on"]] == [
        "retrain-schedule.yml"
    ]
    workflow = load("retrain-schedule.yml")
    assert set(workflow["on"]) == {"schedule"}
    (job,) = workflow["jobs"].values()
    assert (ROOT / job["uses"]).samefile(FOLDER / "retrain.yml")
