"""Retraining as CI runs it, with the real DVC.

The stages only write what the report reads, and the gate's decision is given.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline import retrain
from pipeline.core.errors import InputError
from pipeline.serving import promotion
from pipeline.serving.checks import Check
from pipeline.serving.promotion import Decision
from pipeline.tracking.registry import Version
from tests.workshop import CONTENT

PATHS = {
    "clean": "out/validate",
    "standardized": "out/standardize",
    "windows": "out/window",
    "models": "out/train",
    "errors": "out/evaluate",
    "verdict": "out/compare",
    "receipt": "mlruns/receipt.json",
    "store": ".fleets",
}
STAGE = """
import json, pathlib, sys
out = pathlib.Path(sys.argv[-1])
table = pathlib.Path("table.csv").read_text()
if "nonsense" in table and "{stage}" == table.split()[-1]:
    sys.exit("table.csv: column 'level': text where a number should be")
out.mkdir(parents=True, exist_ok=True)
facts = {{"rows": len(table), "first": "2020-01-01T00:00:00Z", "last": "2020-01-02T00:00:00Z"}}
masked = [{{"column": "level", "rows": 1}}, {{"column": "level", "rows": 4}}]
report = {{
    "series": {{"a": facts | {{"segments": 2}}}},
    "totals": {{"filled": {{}}, "masked": {{"level": 5}}, "outside": {{}}}},
    "filled": [],
    "masked": masked,
    "outside": [],
    "cuts": [{{"series": "a"}}],
    "left_out": {{"new": "has 10 rows, too few"}},
    "notes": ["column 'id': 3 whole numbers beyond 2^53 are rounded"],
}}
(out / "report.json").write_text(json.dumps(report))
(out / "leaderboard.csv").write_text('''name,kind,mse,mse_sd,skill,state
plain,variant,0.25,0.01,0.5,trained
last_value,baseline,0.5,,0,deterministic
''')
"""
PROMOTED = Decision(
    "promoted",
    "it passed the gate",
    Version("1", "ab", "plain", False),
    {"candidate plain": 0.25, "last_value": 0.5},
    ((Check("baseline", "MSE 0.25, last_value 0.5, margin 0.0%"), "passed"),),
)
REJECTED = Decision(
    "rejected",
    "its MSE 0.6 does not beat the best baseline, last_value, with 0.5",
    None,
    {"candidate plain": 0.6},
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DVC project that has run once."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "pipeline").mkdir()
    stages = {}
    for stage in ("validate", "standardize", "window", "train", "evaluate", "compare", "track"):
        (folder / "pipeline" / f"{stage}.py").write_text(STAGE.format(stage=stage))
        stages[stage] = {
            "cmd": f"python -m pipeline.{stage} --out out/{stage}",
            "deps": ["table.csv"],
            "outs": [f"out/{stage}"],
        }
    with (folder / "dvc.yaml").open("w") as file:
        YAML().dump({"vars": [{"paths": PATHS}], "stages": stages}, file)
    with (folder / "params.yaml").open("w") as file:
        YAML().dump(CONTENT, file)
    (folder / "table.csv").write_text("fine")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for words in (["init", "--no-scm", "--quiet"], ["repro", "--quiet"]):
        subprocess.run(
            [sys.executable, "-m", "dvc", *words], cwd=folder, env=environment, check=True
        )
    return folder


@pytest.fixture
def project(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(template, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return tmp_path / "project"


@pytest.fixture
def report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Retrain with a given decision of the gate; gives the exit status and the report."""

    def run(decision: Decision | BaseException = PROMOTED) -> tuple[int, str]:
        def promote(*rest: object) -> Decision:
            if isinstance(decision, BaseException):
                raise decision
            return decision

        monkeypatch.setattr(promotion, "promote", promote)
        monkeypatch.setattr(sys, "argv", ["retrain"])
        try:
            retrain.main()
        except SystemExit as stop:
            return int(stop.code or 0), capsys.readouterr().out
        return 0, capsys.readouterr().out

    return run


def test_new_data_is_validated_trained_on_and_reported(
    project: Path, report: Callable[..., tuple[int, str]]
) -> None:
    (project / "table.csv").write_text("fine and new")
    status, text = report()
    assert status == 0
    assert "- `validate`: table.csv modified" in text
    assert "| a | 12 | 2020-01-01T00:00:00Z | 2020-01-02T00:00:00Z | 2 |" in text
    assert "Cuts between segments: 1." in text
    assert "| level | 0 | 5 in 2 stretches | 0 |" in text
    assert "- `new` was left out: has 10 rows, too few" in text
    assert "- column 'id': 3 whole numbers beyond 2^53 are rounded" in text
    assert "| plain | variant | 0.25 | 0.01 | 0.5 | trained |" in text
    assert "## Gate: promoted\n\nIt passed the gate." in text
    assert "| candidate plain | 0.250000 |" in text
    assert "| baseline | passed | MSE 0.25, last_value 0.5, margin 0.0% |" in text
    assert "Champion of `forecaster`: version 1 (plain)" in text


def test_where_nothing_has_changed_the_report_says_so(
    project: Path, report: Callable[..., tuple[int, str]]
) -> None:
    status, text = report(
        Decision("unchanged", "plain with these weights is the champion already", PROMOTED.champion)
    )
    assert status == 0
    assert "Nothing: the data, the code and the parameters are those of the last run." in text
    assert "## Gate: unchanged" in text


def test_a_rejected_candidate_is_a_normal_outcome_that_the_workflow_summary_shows_as_well(
    project: Path, report: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "summary.md").write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project / "summary.md"))
    status, text = report(REJECTED)
    assert (project / "summary.md").read_text() == "before\n" + text
    assert status == 0
    assert "Its MSE 0.6 does not beat the best baseline, last_value, with 0.5." in text
    assert "Champion of `forecaster`: none" in text


@pytest.mark.parametrize(
    ("stage", "message"),
    [("validate", "`dvc repro validate` failed"), ("train", "`dvc repro` failed")],
)
def test_broken_data_and_failed_stages_end_with_status_1_and_the_reason(
    project: Path, report: Callable[..., tuple[int, str]], stage: str, message: str
) -> None:
    (project / "table.csv").write_text(f"nonsense {stage}")
    status, text = report(AssertionError("the gate must not be asked"))
    assert status == 1
    assert message in text
    assert "table.csv: column 'level': text where a number should be" in text
    assert "The champion does not change." in text


def test_a_tracking_server_that_is_down_at_the_gate_is_a_failure_with_its_reason(
    project: Path, report: Callable[..., tuple[int, str]]
) -> None:
    status, text = report(InputError("MLflow at http://127.0.0.1:9: no answer"))
    assert status == 1
    assert "MLflow at http://127.0.0.1:9: no answer" in text


def test_bad_parameters_are_reported(project: Path, report: Callable[..., tuple[int, str]]) -> None:
    (project / "params.yaml").write_text("data: 3")
    status, text = report()
    assert status == 1
    assert "## Failed" in text
    assert "params.yaml: data" in text


@pytest.mark.parametrize(
    "crash",
    [KeyError("no such key"), MemoryError("out of memory"), KeyboardInterrupt("cancelled")],
    ids=lambda crash: type(crash).__name__,
)
def test_an_unexpected_error_ends_with_status_1_and_a_report_that_says_where(
    project: Path,
    report: Callable[..., tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
    crash: BaseException,
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project / "summary.md"))
    status, text = report(crash)
    assert status == 1
    assert "## Failed" in text
    assert f"{type(crash).__name__}: " in text
    assert "in promote" in text
    assert (project / "summary.md").read_text() == text


@pytest.mark.parametrize(
    ("words", "status"), [(["--help"], 0), (["--no-such-flag"], 2), (["--params"], 2)]
)
def test_help_and_bad_arguments_leave_no_report(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    status: int,
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project / "summary.md"))
    monkeypatch.setattr(sys, "argv", ["retrain", *words])
    with pytest.raises(SystemExit) as stop:
        retrain.main()
    assert stop.value.code == status
    assert "# Retraining" not in capsys.readouterr().out
    assert not (project / "summary.md").exists()
