"""The workflows are valid, ask for few rights, and run the commands that people run."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline import retrain

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".github" / "workflows"
CHECKOUT = f"actions/checkout@{40 * '0'}"  # what a step without an action counts as
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


def test_the_file_for_gitlab_fits_its_schema() -> None:
    tool = shutil.which("check-jsonschema") or str(ROOT / ".venv/bin/check-jsonschema")
    words = [tool, "--builtin-schema", "vendor.gitlab-ci", str(ROOT / ".gitlab-ci.yml")]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_only_the_job_that_opens_a_pull_request_may_write(file: Path) -> None:
    workflow = load(file.name)
    assert workflow["permissions"] in ({}, {"contents": "read"})
    writing = {"contents": "write", "pull-requests": "write"}
    rights = {name: job.get("permissions") for name, job in workflow["jobs"].items()}
    assert {name for name, own in rights.items() if own == writing} == {
        "retrain.yml": {"propose"},
        "retrain-schedule.yml": {"retrain"},  # it passes them on
        "ci.yml": set(),
    }[file.name]
    assert all(own in (None, writing, {"contents": "read"}) for own in rights.values())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_steps_are_commands_of_one_line_and_actions_pinned_to_a_commit(file: Path) -> None:
    steps = [step for job in load(file.name)["jobs"].values() for step in job.get("steps", ())]
    assert not [step["run"] for step in steps if "\n" in step.get("run", "").strip()]
    pinned = re.compile(r"actions/[\w/-]+@[0-9a-f]{40}")
    assert not [step["uses"] for step in steps if not pinned.fullmatch(step.get("uses", CHECKOUT))]
    assert not [step["run"] for step in steps if "${{" in step.get("run", "")]


def test_ci_runs_what_people_run() -> None:
    assert commands("ci.yml") == ["make test test-faults test-browser docs"]


def test_ci_runs_the_oldest_and_the_newest_python_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11,<3.14"
    matrix = load("ci.yml")["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == ["3.11", "3.13"]


def job(name: str) -> dict[str, Any]:
    found: dict[str, Any] = load("retrain.yml")["jobs"][name]
    return found


def runs(name: str) -> list[str]:
    return [step["run"] for step in job(name)["steps"] if "run" in step]


def test_retraining_checks_its_credentials_first_and_promotes_nothing() -> None:
    install, tracking, remote, fetch, update, retrain, push = runs("retrain")
    assert install == "make install"
    assert "MLFLOW_TRACKING_URI" in tracking
    assert "dvc remote default" in remote
    assert "dvc pull" in fetch
    assert "dvc update" in update
    assert "python -m pipeline.retrain --dry-run" in retrain
    assert push == ".venv/bin/dvc push --run-cache"


def test_what_was_trained_is_kept_after_a_failure_as_well() -> None:
    steps = job("retrain")["steps"]
    kept = [step for step in steps if step.get("if") == "always()"]
    assert [step.get("uses", step.get("run", "")).split("@")[0] for step in kept] == [
        "actions/cache/save",
        ".venv/bin/dvc push --run-cache",
        "actions/upload-artifact",
    ]
    (restored,) = (step for step in steps if "cache/restore" in step.get("uses", ""))
    assert kept[0]["with"]["key"] == restored["with"]["key"]


def test_retraining_is_off_until_a_variable_is_set_and_waits_for_the_tests() -> None:
    assert "vars.RETRAIN == 'on'" in job("test")["if"]
    assert "vars.RETRAIN == 'on'" in job("retrain")["if"]
    assert job("test")["uses"] == "./.github/workflows/ci.yml"
    assert job("retrain")["needs"] == "test"
    assert "!failure()" in job("retrain")["if"]


def test_a_promotion_waits_for_the_reviewers_of_an_environment() -> None:
    assert job("promote")["environment"] == "champion"
    assert runs("promote")[-1] == ".venv/bin/python -m pipeline.promote"
    others = [line for name in ("retrain", "propose") for line in runs(name)]
    assert not [line for line in others if "pipeline.promote" in line]


def test_retraining_starts_by_push_of_data_or_parameters_by_hand_and_by_call() -> None:
    triggers = load("retrain.yml")["on"]
    assert set(triggers) == {"push", "workflow_dispatch", "workflow_call", "repository_dispatch"}
    assert set(triggers["push"]["paths"]) == {"data/0_raw/**", "params.yaml", "catalogue/**"}
    options = triggers["workflow_dispatch"]["inputs"]["only_if"]["options"]
    assert set(options) == set(retrain.REASONS)
    assert set(triggers["repository_dispatch"]["types"]) <= set(retrain.REASONS)


def test_two_trainings_never_run_at_once_and_none_is_cut_off() -> None:
    workflow = load("retrain.yml")
    assert workflow["concurrency"] == {"group": "retrain", "cancel-in-progress": False}


def test_the_options_of_the_workflow_are_those_of_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.retrain", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    (line,) = (line for line in runs("retrain") if "pipeline.retrain" in line)
    used = {*re.findall(r"--[\w-]+", line + job("retrain")["env"]["ACCEPT_DRIFT"])}
    assert used == {"--dry-run", "--only-if", "--accept-drift", "--output"}
    assert not [option for option in used if option not in done.stdout]


def test_the_schedule_has_a_file_of_its_own_and_calls_the_retraining() -> None:
    assert [file.name for file in FILES if "schedule" in load(file.name)["on"]] == [
        "retrain-schedule.yml"
    ]
    workflow = load("retrain-schedule.yml")
    assert set(workflow["on"]) == {"schedule"}
    (called,) = workflow["jobs"].values()
    assert called["with"] == {"update": True, "only_if": "new-data"}
    assert (ROOT / called["uses"]).samefile(FOLDER / "retrain.yml")
