"""Retraining as CI runs it, with the real DVC.

The stages only write what the report reads, and the gate's decision is given. The inspection of the
table is real where a test does not say what it finds.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from pipeline import retrain
from pipeline.core.errors import InputError
from pipeline.serving import promotion
from pipeline.serving.checks import Check
from pipeline.serving.drift import inspection
from pipeline.serving.drift.columns import Finding
from pipeline.serving.drift.report import Drift
from pipeline.serving.drift.tables import Delta
from pipeline.serving.promotion import Decision, Order
from pipeline.tracking.registry import Version
from tests.workshop import CONTENT, raw

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
broken = pathlib.Path("broken")
if broken.exists() and broken.read_text() == "{stage}":
    sys.exit("{stage}: the disk is full")
out.mkdir(parents=True, exist_ok=True)
facts = {{"rows": 12, "first": "2020-01-01T00:00:00Z", "last": "2020-01-02T00:00:00Z"}}
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
    raw(100).to_csv(folder / "table.csv", index=False)
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
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "project"


@pytest.fixture
def report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Retrain with a given decision of the gate and champion; gives the status and the report."""

    def run(
        decision: Decision | BaseException = PROMOTED,
        *words: str,
        champion: Version | None = PROMOTED.champion,
        asked: list[Order] | None = None,
    ) -> tuple[int, str]:
        def promote(params: object, paths: object, order: Order) -> Decision:
            if isinstance(decision, BaseException):
                raise decision
            if asked is not None:
                asked.append(order)
            objections = [check for check in order.checks if check.name not in order.accepted]
            if any(check.objection for check in objections):
                states = tuple((check, check.state()) for check in objections)
                return replace(REJECTED, checks=states)
            return decision

        monkeypatch.setattr(promotion, "promote", promote)
        monkeypatch.setattr(promotion, "champion", lambda params, paths: champion)
        monkeypatch.setattr(sys, "argv", ["retrain", *words])
        try:
            retrain.main()
        except SystemExit as stop:
            return int(stop.code or 0), capsys.readouterr().out
        return 0, capsys.readouterr().out

    return run


@pytest.fixture
def drifting(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets what the inspection of the table finds: so many new rows, with one kind of finding."""

    def find(new: int, kind: str | None = None) -> None:
        delta = Delta("a", 100, new, "2020-01-05T04:00:00Z", "2020-01-06T00:00:00Z", 0)
        findings = (Finding("a", "wind", kind, "mean 200, before 20"),) if kind else ()
        found = Drift((delta,), findings, (), (), 2, 0)
        monkeypatch.setattr(inspection, "inspect", lambda *rest: found)

    return find


def test_new_data_is_validated_trained_on_and_reported(
    project: Path, report: Callable[..., tuple[int, str]]
) -> None:
    raw(110).to_csv(project / "table.csv", index=False)
    status, text = report()
    assert status == 0
    assert "- `validate`: table.csv modified" in text
    assert text.startswith("# Retraining\n\n## Gate: promoted\n\nIt passed the gate.")
    assert "| a | 12 | 2020-01-01T00:00:00Z | 2020-01-02T00:00:00Z | 2 |" in text
    assert "Cuts between segments: 1." in text
    assert "| level | 0 | 5 in 2 stretches | 0 |" in text
    assert "- `new` was left out: has 10 rows, too few" in text
    assert "- column 'id': 3 whole numbers beyond 2^53 are rounded" in text
    assert "| plain | variant | 0.25 | 0.01 | 0.5 | trained |" in text
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


@pytest.mark.parametrize("stage", ["validate", "train"])
def test_a_failed_stage_ends_with_status_1_and_the_reason(
    project: Path, report: Callable[..., tuple[int, str]], stage: str
) -> None:
    raw(110).to_csv(project / "table.csv", index=False)
    (project / "broken").write_text(stage)
    status, text = report(AssertionError("the gate must not be asked"))
    assert status == 1
    assert "`dvc repro` failed" in text
    assert f"{stage}: the disk is full" in text
    assert "The champion does not change." in text


@pytest.mark.parametrize("words", [[], ["--data", "new.csv"]], ids=["in place", "a file"])
def test_rejected_data_leaves_the_results_of_the_last_run_as_they_were(
    project: Path, report: Callable[..., tuple[int, str]], words: list[str]
) -> None:
    name = words[-1] if words else "table.csv"
    raw(110).assign(level="high").to_csv(project / name, index=False)
    before = {file: file.read_bytes() for file in project.glob("out/*/*")}
    table = (project / "table.csv").read_bytes()
    status, text = report(AssertionError("the gate must not be asked"), *words)
    assert status == 1
    assert f"{name}: column 'level'" in text
    assert {file: file.read_bytes() for file in project.glob("out/*/*")} == before
    assert (project / "table.csv").read_bytes() == table


def test_accepted_data_takes_the_place_of_the_table(
    project: Path, report: Callable[..., tuple[int, str]]
) -> None:
    raw(110).to_csv(project / "new.csv", index=False)
    status, text = report(PROMOTED, "--data", "new.csv")
    assert status == 0
    assert "- `validate`: table.csv modified" in text
    assert (project / "table.csv").read_bytes() == (project / "new.csv").read_bytes()


@pytest.mark.parametrize("name", ["missing.csv", "new.parquet"])
def test_a_file_that_cannot_take_the_place_of_the_table_is_refused(
    project: Path, report: Callable[..., tuple[int, str]], name: str
) -> None:
    (project / "new.parquet").write_text("")
    status, text = report(PROMOTED, "--data", name)
    assert status == 1
    assert f"--data {name}: must " in text


def test_faulty_rows_stop_before_anything_is_trained_until_a_person_accepts_them(
    project: Path, report: Callable[..., tuple[int, str]], drifting: Callable[..., None]
) -> None:
    drifting(20, "unit")
    (project / "broken").write_text("validate")
    raw(110).to_csv(project / "new.csv", index=False)
    table = (project / "table.csv").read_bytes()
    status, text = report(AssertionError("the gate must not be asked"), "--data", "new.csv")
    assert status == 3
    assert "## Stopped: the new rows look faulty\n\nunit: wind. Nothing was trained" in text
    assert "| unit | `wind` | a | mean 200, before 20 |" in text
    assert (project / "table.csv").read_bytes() == table
    (project / "broken").unlink()
    assert report(PROMOTED, "--accept-drift")[0] == 0


def test_a_shift_is_trained_on_but_a_person_has_to_accept_it(
    project: Path, report: Callable[..., tuple[int, str]], drifting: Callable[..., None]
) -> None:
    drifting(20, "shift")
    status, text = report()
    assert status == 3
    assert "| drift | failed | shift: wind |" in text
    assert "## Drift: shift" in text
    status, text = report(PROMOTED, "--accept-drift")
    assert (status, "## Gate: promoted" in text) == (0, True)


@pytest.mark.parametrize(
    ("only_if", "new", "kind", "worth"),
    [
        ("always", 0, None, True),
        ("new-data", 0, None, False),
        ("new-data", 20, None, True),
        ("drift", 20, None, False),
        ("drift", 20, "shift", True),
    ],
)
def test_retraining_that_is_not_worth_it_is_a_normal_outcome(
    project: Path,
    report: Callable[..., tuple[int, str]],
    drifting: Callable[..., None],
    only_if: str,
    new: int,
    kind: str | None,
    worth: bool,
) -> None:
    drifting(new, kind)
    status, text = report(PROMOTED, "--accept-drift", "--only-if", only_if)
    assert status == 0
    assert ("## Gate: promoted" in text) == worth
    assert ("## Retraining is not worth it" in text) != worth


def test_what_a_person_accepts_is_passed_on_to_the_gate(
    project: Path, report: Callable[..., tuple[int, str]], drifting: Callable[..., None]
) -> None:
    asked: list[Order] = []
    drifting(20, "shift")
    report(PROMOTED, "--accept", "baseline", "--accept-drift", asked=asked)
    report(PROMOTED, "--accept", "baseline", asked=asked)
    assert [set(order.accepted) for order in asked] == [{"baseline", "drift"}, {"baseline"}]


def test_without_a_champion_retraining_is_always_worth_it(
    project: Path, report: Callable[..., tuple[int, str]], drifting: Callable[..., None]
) -> None:
    drifting(0)
    _, text = report(PROMOTED, "--only-if", "drift", champion=None)
    assert "## Gate: promoted" in text


def test_the_rows_after_the_last_one_of_the_champion_are_the_new_ones(
    project: Path, report: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(inspection, "inspect", lambda *rest: asked.append(rest[-1]))
    report(champion=replace(PROMOTED.champion, until="2020-01-03T00:00:00Z"))
    assert asked == [np.datetime64("2020-01-03T00:00:00")]


def test_a_dry_run_asks_the_gate_and_tells_the_runner_the_outcome(
    project: Path, report: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Order] = []
    monkeypatch.setenv("GITHUB_OUTPUT", str(project / "output"))
    would = replace(PROMOTED, outcome="would be promoted")
    assert report(would, "--dry-run", asked=asked)[0] == 0
    assert [order.dry_run for order in asked] == [True]
    assert (project / "output").read_text() == "outcome=would be promoted\n"


def test_the_report_has_at_most_sixty_lines_and_goes_to_a_file_as_well(
    project: Path, report: Callable[..., tuple[int, str]]
) -> None:
    raw(110).to_csv(project / "table.csv", index=False)
    checks = tuple((Check(f"check {number}", "1.0"), "passed") for number in range(20))
    _, text = report(replace(PROMOTED, checks=checks), "--output", "report.md")
    assert len(text.splitlines()) <= 60
    assert "check 19" in text
    assert (project / "report.md").read_text() == text


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
