"""The gate: who becomes champion, who does not and why; and the registered model in use."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

from pipeline import forecast, promote
from pipeline.config import paths
from pipeline.core.errors import InputError
from pipeline.core.files import read_json
from pipeline.evaluation import entries, verdict
from pipeline.evaluation.questions import Questions
from pipeline.series.scaler import Scaler
from pipeline.serving import bundle, checks, promotion, replay
from pipeline.serving.process import CODE
from pipeline.serving.promotion import Order
from pipeline.tables import rows
from pipeline.tracking.registry import PREVIOUS, Version, VersionFiles
from tests.serving.stand_in import Loader, build
from tests.workshop import CONTENT, HORIZON, LOOKBACK, NAIVE, Workshop, made, recent


class Project(Workshop):
    """A workshop with a registry; its forecasters are as accurate in use as in the evaluation."""

    def __init__(self, folder: Path) -> None:
        self.baselines = {**Workshop.baselines, "ridge": [0.8]}
        super().__init__(folder)

    def promote(self) -> promotion.Decision:
        return promotion.promote(self.params, self.paths)

    def champion(self, alias: str = "champion") -> Version | None:
        return promotion.open_registry(self.params, self.paths).version(alias)


def forecasts(code: Path, folder: Path, table: Path, starts: np.ndarray) -> np.ndarray:
    """Stands for a network: the truth plus the forecaster's standardized error."""
    card = read_json(folder / "params.json")
    index, steps = rows.read(table), starts[:, None] + card["lookback"] + np.arange(card["horizon"])
    with np.load(folder / "weights.npz") as weights:
        error = weights["errors"][card["members"]].mean()
    truth = rows.column(table, "level")[steps][..., None]
    scaler = Scaler.from_json(read_json(folder / "scaler.json"))
    assert (index.segment[starts] == index.segment[steps[:, 0]]).all()
    series = index.series[starts]
    standardized = scaler.transform(truth, series, ["level"]) + error
    answers = scaler.inverse(standardized, series, ["level"])
    return np.where(np.isnan(truth), 0.0, answers)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(replay, "run_replay", forecasts)
    return Project(tmp_path / "project")


def test_the_best_variant_becomes_champion_where_there_is_none(project: Project) -> None:
    project.study(plain=[0.2, 0.2], conv_ln=[0.3, 0.3])
    decision = project.promote()
    assert decision.outcome == "promoted"
    assert decision.champion == project.champion()
    assert project.champion().variant == "plain"
    assert decision.errors == {
        "candidate plain": pytest.approx(0.04),
        "last_value": pytest.approx(0.25),
    }


def test_a_version_remembers_the_last_row_of_its_table(project: Project) -> None:
    project.study(plain=[0.2])
    project.promote()
    assert project.champion().until == "2020-01-05T03:00:00Z"  # 100 hours from the first of January


def test_a_check_that_was_made_before_the_training_counts_and_is_written_down(
    project: Project,
) -> None:
    project.study(plain=[0.2])
    found = (checks.drift("shift", "shift: wind"),)
    decision = promotion.promote(project.params, project.paths, Order(checks=found))
    assert decision.outcome == "rejected"
    assert "--accept-drift" in decision.reason
    decision = promotion.promote(project.params, project.paths, Order(("drift",), checks=found))
    assert (decision.outcome, decision.reason) == ("promoted", "a person accepted: drift")
    assert [state for check, state in decision.checks if check.name == "drift"] == ["accepted"]


@pytest.mark.parametrize(("seeds", "outcome"), [(2, "promoted"), (40, "rejected")])
def test_an_equivalent_candidate_is_promoted_if_its_network_is_smaller(
    project: Project, seeds: int, outcome: str
) -> None:
    project.study(plain=[0.2] * 40)
    project.promote()
    project.study(plain=[0.2001] * seeds)
    decision = project.promote()
    (check,) = (check for check, _ in decision.checks if check.name == "champion")
    assert decision.outcome == outcome
    assert "of its size" in check.figure


def test_forecasts_that_have_nothing_in_common_with_the_champions_need_a_person(
    project: Project,
) -> None:
    project.study(plain=[0.2])
    project.promote()
    project.study(plain=[-0.19])
    decision = project.promote()
    assert decision.outcome == "rejected"
    assert (
        "its forecasts differ by 3.80 of the champion's MSE, at most 2 allowed" in decision.reason
    )
    accepted = promotion.promote(project.params, project.paths, Order(("stability",)))
    assert accepted.outcome == "promoted"


def test_a_version_that_does_not_answer_from_the_registry_never_becomes_champion(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.study(plain=[0.2])

    def spoiled(code: Path, folder: Path, table: Path, starts: np.ndarray) -> np.ndarray:
        return forecasts(code, folder, table, starts) + (code != CODE)

    with monkeypatch.context() as patch:
        patch.setattr(replay, "run_replay", spoiled)
        with pytest.raises(InputError, match="does not answer as the candidate did"):
            project.promote()
    assert project.champion() is None
    assert project.promote().outcome == "promoted"


def test_the_candidate_is_the_mean_of_the_seeds_that_were_trained(project: Project) -> None:
    project.study(plain=[0.3, float("nan"), -0.1])
    assert project.promote().errors["candidate plain"] == pytest.approx(0.01)


def test_a_candidate_that_does_not_beat_the_best_baseline_is_rejected_with_both_errors(
    project: Project,
) -> None:
    project.study(plain=[0.6])
    decision = project.promote()
    assert decision.outcome == "rejected"
    assert decision.reason == "its MSE 0.36 does not beat the best baseline, last_value, with 0.25"
    assert project.champion() is None


def test_a_tie_with_the_best_baseline_is_rejected(project: Project) -> None:
    project.study(plain=[NAIVE])
    assert project.promote().outcome == "rejected"


def test_a_fitted_baseline_counts_like_a_naive_one(project: Project) -> None:
    project.baselines["ridge"] = [0.1]
    project.study(plain=[0.2])
    decision = project.promote()
    assert decision.outcome == "rejected"
    assert decision.reason == "its MSE 0.04 does not beat the best baseline, ridge, with 0.01"


@pytest.mark.parametrize(("margin", "outcome"), [(0.1, "promoted"), (0.2, "rejected")])
def test_the_best_baseline_has_to_be_beaten_by_the_margin(
    project: Project, margin: float, outcome: str
) -> None:
    project.baselines["ridge"] = [0.2]
    project.prepare({**CONTENT, "promote": {"name": "forecaster", "margin": margin}})
    project.study(plain=[0.2 * np.sqrt(0.85)])  # an MSE that is 15 % lower
    assert project.promote().outcome == outcome


def test_a_baseline_that_explodes_stops_the_promotion_and_is_named(project: Project) -> None:
    project.study(plain=[0.3])
    first = project.promote().champion
    project.baselines["ridge"] = [8.0]  # what it does with a covariate in another unit
    project.study(plain=[0.2])
    decision = project.promote()
    assert decision.outcome == "rejected"
    assert "the MSE of ridge is 100 times what it was at the last promotion" in decision.reason
    assert "look at the units of the new rows" in decision.reason
    assert project.champion() == first


def test_validation_chooses_the_candidate_whatever_the_test_errors(project: Project) -> None:
    project.study(plain=[0.2], conv_ln=[0.1])
    for name, loss in (("plain", 0.3), ("conv_ln", 0.5)):
        entry = entries.load(project.paths.errors / name)
        entries.save(project.paths.errors / name, replace(entry.summary, validation_losses=(loss,)))
    assert project.promote().champion.variant == "plain"


def test_a_plain_network_that_explodes_stops_the_promotion_as_well(project: Project) -> None:
    project.study(plain=[0.2], conv_ln=[0.19])
    project.promote()
    project.study(plain=[0.45], conv_ln=[0.1])
    assert "the MSE of plain is 5.06 times what it was" in project.promote().reason


def test_all_checks_have_their_figure_in_the_decision_and_in_tags_of_the_version(
    project: Project,
) -> None:
    project.study(plain=[0.3])
    project.promote()
    project.study(plain=[0.2])
    decision = project.promote()
    states = {check.name: (state, check.figure) for check, state in decision.checks}
    assert list(states) == [
        "baseline",
        "in_use",
        "coverage",
        "latency",
        "size",
        "growth",
        "champion",
        "stability",
    ]
    assert states["baseline"] == ("passed", "MSE 0.04, last_value 0.25, margin 0.0%")
    assert states["champion"][1].startswith("MSE 0.04, champion 0.09, change -55.6% (")
    registry = promotion.open_registry(project.params, project.paths)
    tags = registry.client.get_model_version("forecaster", "2").tags
    assert {name: tags[f"gate.{name}"] for name in states} == {
        name: f"{state}: {figure}" for name, (state, figure) in states.items()
    }
    assert decision.champion.errors == {
        "last_value": pytest.approx(0.25),
        "seasonal_naive": pytest.approx(0.81),
        "ridge": pytest.approx(0.64),
        "plain": pytest.approx(0.04),
    }
    assert [each.version for each in registry.history()] == ["1", "2"]


def test_a_rejected_candidate_has_the_figures_of_the_checks_that_it_passed_as_well(
    project: Project,
) -> None:
    project.study(plain=[0.6])
    decision = project.promote()
    assert [(check.name, state) for check, state in decision.checks] == [
        ("baseline", "failed"),
        ("in_use", "passed"),
        ("coverage", "passed"),
        ("latency", "passed"),
        ("size", "passed"),
    ]


def test_a_person_may_accept_what_a_check_objects_to_and_the_tags_say_so(project: Project) -> None:
    project.study(plain=[0.6])
    decision = promotion.promote(project.params, project.paths, Order(accepted=["baseline"]))
    assert (decision.outcome, decision.reason) == ("promoted", "a person accepted: baseline")
    registry = promotion.open_registry(project.params, project.paths)
    tags = registry.client.get_model_version("forecaster", "1").tags
    assert tags["gate.baseline"].startswith("accepted: MSE 0.36")


def test_nobody_can_accept_results_that_are_out_of_date(project: Project) -> None:
    project.study(plain=[0.3])
    project.variant("plain", errors=np.array([0.1]))
    order = Order(accepted=["in_use"])
    assert promotion.promote(project.params, project.paths, order).outcome == "rejected"


def test_a_dry_run_decides_and_registers_nothing(project: Project) -> None:
    project.study(plain=[0.3])
    decision = promotion.promote(project.params, project.paths, Order(dry_run=True))
    assert decision.outcome == "would be promoted"
    assert project.champion() is None


def test_metrics_have_the_same_names_at_every_promotion(project: Project) -> None:
    project.study(plain=[0.3])
    project.promote()
    project.study(conv_ln=[0.2])
    project.promote()
    registry = promotion.open_registry(project.params, project.paths)
    newest, oldest = registry.experiment.search("tags.role = 'promotion'")
    assert set(newest.data.metrics) - set(oldest.data.metrics) == {"mse_champion"}
    assert newest.data.metrics["mse_champion"] == pytest.approx(
        oldest.data.metrics["mse_candidate"]
    )
    assert newest.data.metrics["mse_ridge"] == pytest.approx(0.64)


def test_a_candidate_that_beats_the_champion_replaces_it_and_the_previous_one_is_kept(
    project: Project,
) -> None:
    project.study(plain=[0.3])
    first = project.promote().champion
    project.study(plain=[0.3], conv_ln=[0.2])
    decision = project.promote()
    assert decision.outcome == "promoted"
    assert decision.errors[f"champion {first}"] == pytest.approx(0.09)
    assert project.champion().variant == "conv_ln"
    assert project.champion(PREVIOUS) == first


def test_a_candidate_that_does_not_beat_the_champion_is_rejected_and_nothing_changes(
    project: Project,
) -> None:
    project.study(plain=[0.3])
    first = project.promote().champion
    project.study(plain=[0.4])
    decision = project.promote()
    assert decision.outcome == "rejected"
    assert decision.reason.startswith(
        "its MSE 0.16 does not beat champion version 1 (plain) with 0.09: change +77.8%"
    )
    assert project.champion() == first
    assert project.champion(PREVIOUS) is None


def test_promoting_the_champion_again_does_nothing_and_says_so(project: Project) -> None:
    project.study(plain=[0.3])
    project.promote()
    decision = project.promote()
    assert decision.outcome == "unchanged"
    assert "is the champion already" in decision.reason
    assert decision.champion.number == "1"


def test_a_forecaster_that_was_rolled_back_is_not_promoted_again_automatically(
    project: Project,
) -> None:
    project.study(plain=[0.3])
    project.promote()
    project.study(plain=[0.2])
    project.promote()
    promotion.rollback(project.params, project.paths)
    decision = project.promote()
    assert decision.outcome == "rejected"
    assert "a user has rolled back" in decision.reason
    assert project.champion().number == "1"
    assert "`python -m pipeline.promote --rollback 2`" in decision.reason
    promotion.rollback(project.params, project.paths, "2")
    assert project.promote().outcome == "unchanged"


def test_without_a_trained_replica_there_is_no_candidate(project: Project) -> None:
    project.study(plain=[float("nan"), float("nan")])
    assert project.promote().reason == "no variant has a trained replica, so there is no candidate"


def test_a_forecaster_that_is_less_or_more_accurate_in_use_than_in_the_evaluation_is_rejected(
    project: Project,
) -> None:
    project.study(plain=[0.3])
    project.variant("plain", errors=np.array([0.1]))
    decision = project.promote()
    assert decision.outcome == "rejected"
    assert decision.reason.startswith("its MSE is 0.01 in use, but was 0.09 in the evaluation")


def test_cells_that_were_not_measured_are_in_no_number_of_the_gate(project: Project) -> None:
    project.table.loc[[85, 86, 90, 188, 199], "level"] = None
    missing = {"level": {"policy": "mask"}}
    project.prepare({**CONTENT, "validate": {**CONTENT["validate"], "missing": missing}})
    project.study(plain=[0.2, 0.2])
    decision = project.promote()
    assert decision.outcome == "promoted"
    assert decision.errors["candidate plain"] == pytest.approx(0.04)
    project.study(plain=[0.1])
    assert project.promote().errors["champion version 1 (plain)"] == pytest.approx(0.04)


def test_a_forecast_that_has_no_logarithm_on_the_present_scale_is_compared_as_the_least_value(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = {"columns": {"level": {"kind": "log", "offset": 1}}}
    project.prepare({**CONTENT, "standardize": {**CONTENT["standardize"], **columns}})
    project.study(plain=[0.3])
    windows = replay.ReplayWindows.read(
        project.paths, verdict.read(project.paths.errors, Questions())
    )
    every = np.ones(len(windows.starts), bool)

    def errors(forecast: np.ndarray) -> np.ndarray:
        monkeypatch.setattr(replay, "run_replay", lambda *rest: forecast)
        return windows.errors(CODE, build(project), every)

    low = windows.scaler.low[windows.index.series[windows.starts]][:, None, :1]
    low = np.repeat(low, HORIZON, axis=1)
    np.testing.assert_array_equal(errors(np.full_like(low, -5)), errors(low))


@pytest.mark.parametrize("lookback", [LOOKBACK - 2, LOOKBACK + 4])
def test_a_champion_of_another_lookback_forecasts_the_same_origins(
    project: Project, lookback: int
) -> None:
    project.study(plain=[0.3])
    project.promote()
    project.prepare({**CONTENT, "window": {"lookback": lookback, "horizon": HORIZON}})
    project.study(plain=[0.2])
    decision = project.promote()
    assert decision.outcome == "promoted"
    assert [error for who, error in decision.errors.items() if who.startswith("champion")] == [
        pytest.approx(0.09)
    ]


def test_windows_before_which_the_champion_lacks_rows_are_left_out_of_the_comparison(
    project: Project,
) -> None:
    index = rows.Rows(
        ("a", "b"),
        np.repeat(np.int32([0, 1]), 10),
        np.arange(20).astype("datetime64[h]"),
        np.repeat(np.int32([0, 1]), 10),
    )
    scaler = Scaler.from_json(read_json(project.paths.standardized / "scaler.json"))
    starts = np.array([0, 2, 10, 13])
    windows = replay.ReplayWindows(Path(), index, starts, 4, 2, ["level"], scaler)
    assert windows.answerable(4, ["a", "b"]).tolist() == [True, True, True, True]
    assert windows.answerable(2, ["a", "b"]).tolist() == [True, True, True, True]
    assert windows.answerable(6, ["a", "b"]).tolist() == [False, True, False, True]
    assert windows.answerable(4, ["b"]).tolist() == [False, False, True, True]


def test_a_champion_of_another_horizon_is_not_compared_and_the_message_says_what_to_do(
    project: Project,
) -> None:
    project.study(plain=[0.3])
    project.promote()
    project.prepare({**CONTENT, "window": {"lookback": LOOKBACK, "horizon": HORIZON + 1}})
    project.study(plain=[0.2])
    decision = project.promote()
    assert decision.outcome == "rejected"
    assert (
        "forecasts 3 steps of level, so the two are not comparable; to start anew, give the new"
        in decision.reason
    )


def test_a_champion_that_cannot_be_run_is_not_replaced(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.study(plain=[0.3])
    project.promote()
    project.study(plain=[0.2])

    def broken(code: Path, *rest: Any) -> np.ndarray:
        if code != CODE:
            raise InputError("no module named keras")
        return forecasts(code, *rest)

    monkeypatch.setattr(replay, "run_replay", broken)
    decision = project.promote()
    assert decision.outcome == "rejected"
    assert (
        "cannot be compared (no module named keras); to start anew, give the new model a name"
        in decision.reason
    )


def test_a_champion_of_another_release_is_not_compared_and_the_message_says_what_to_do(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.study(plain=[0.3])
    with monkeypatch.context() as patch:
        patch.setattr(bundle, "FORMAT", 0)
        project.promote()
    project.study(plain=[0.2])
    decision = project.promote()
    assert decision.outcome == "rejected"
    assert "another release of this pipeline wrote this forecaster" in decision.reason
    assert decision.reason.endswith("a name of its own: promote.name in params.yaml")


@pytest.fixture
def command(project: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`python -m pipeline.promote ...` in the project."""
    monkeypatch.setattr(paths, "read", lambda: project.paths)
    monkeypatch.setattr(promote.params, "read", lambda path: project.params)

    def run(*words: str) -> None:
        monkeypatch.setattr(sys, "argv", ["promote", *words])
        promote.main()

    return run


def test_the_command_prints_errors_and_champion(
    project: Project, command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    project.study(plain=[0.3])
    command()
    output = capsys.readouterr().out
    assert "champion of forecaster: version 1 (plain)" in output
    assert "test MSE 0.090000  candidate plain" in output
    assert "test MSE 0.250000  last_value" in output


def test_the_command_ends_with_status_1_if_the_gate_rejects(
    project: Project, command: Callable[..., None]
) -> None:
    project.study(plain=[0.6])
    with pytest.raises(SystemExit, match="does not beat the best baseline") as stop:
        command()
    assert "The champion of forecaster does not change: there is none yet" in str(stop.value)


def test_the_command_rolls_back(
    project: Project, command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    for error in (0.3, 0.2):
        project.study(plain=[error])
        command()
    command("--rollback")
    assert (
        "the champion of forecaster is version 1 (plain) again; it replaces version 2 (plain)"
        in capsys.readouterr().out
    )
    assert project.champion().number == "1"


def test_the_command_rolls_back_to_any_version_and_a_dry_run_only_says_so(
    project: Project, command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    for error in (0.4, 0.3, 0.2):
        project.study(plain=[error])
        command()
    command("--rollback", "1", "--dry-run")
    assert "would be version 1 (plain); it would replace version 3" in capsys.readouterr().out
    assert project.champion().number == "3"
    command("--rollback", "1")
    assert project.champion().number == "1"
    with pytest.raises(SystemExit, match="version 9 of forecaster was not found; there are: vers"):
        command("--rollback", "9")


def test_forecasting_without_a_champion_says_what_to_do(project: Project) -> None:
    with pytest.raises(
        InputError, match=r"forecaster has no champion yet; run `python -m pipeline\.promote`"
    ):
        promotion.fetch_champion(project.params, project.paths)


class LastValue:
    def forecast(self, past: np.ndarray, future: np.ndarray) -> np.ndarray:
        return np.repeat(past[None, :, -1:, :1], HORIZON, axis=2)


@pytest.fixture
def served(project: Project, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The champion as MLflow loads it, with a stand-in for its network."""
    from pipeline.training.engine.ensemble import Ensemble

    monkeypatch.setattr(Ensemble, "load", classmethod(lambda cls, folder: LastValue()))
    monkeypatch.setattr(sys, "path", [*sys.path])
    project.study(plain=[0.3])
    project.promote()
    monkeypatch.setenv(
        "MLFLOW_TRACKING_URI", f"sqlite:///{project.paths.mlflow.resolve() / 'mlflow.db'}"
    )
    mlflow.set_tracking_uri(os.environ["MLFLOW_TRACKING_URI"])
    yield mlflow.pyfunc.load_model("models:/forecaster@champion")
    mlflow.set_tracking_uri(None)


def test_the_registered_model_asks_for_the_columns_of_the_table(served: Any) -> None:
    assert served.metadata.get_input_schema().input_names() == ["place", "hour", "level", "wind"]


def invoke(served: Any, table: pd.DataFrame) -> Any:
    from mlflow.pyfunc import scoring_server

    body = json.dumps({"dataframe_split": json.loads(table.to_json(orient="split"))})
    return scoring_server.invocations(
        body, "application/json", served, served.metadata.get_input_schema()
    )


def test_the_registered_model_forecasts_in_real_units(served: Any) -> None:
    forecasts = served.predict(recent())
    np.testing.assert_allclose(
        forecasts["level"], np.repeat(recent().groupby("place")["level"].last(), HORIZON), rtol=1e-5
    )


def test_the_served_model_forecasts_from_json_with_whole_numbers(served: Any) -> None:
    response = invoke(served, recent().assign(wind=0))
    assert response.status == 200
    assert len(json.loads(response.response)["predictions"]) == 2 * HORIZON


def test_the_served_model_answers_a_missing_value_with_a_bad_request_that_says_why(
    served: Any,
) -> None:
    table = recent()
    table.loc[1, "level"] = None
    with pytest.raises(
        mlflow.MlflowException, match="column 'level', series 'a': missing values: 1 of 6"
    ) as rejection:
        invoke(served, table)
    assert rejection.value.get_http_status_code() == 400


def registered(folder: Path, code: str) -> VersionFiles:
    """A version whose `pipeline.forecast` is this code."""
    package = made(folder / "code" / "pipeline")
    (package / "__init__.py").touch()
    (package / "forecast.py").write_text(f"import sys; {code}")
    return VersionFiles(folder / "code", folder / "artifacts" / "forecaster")


def test_the_champion_forecasts_with_the_code_that_it_was_registered_with(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    champion = registered(tmp_path, "print('registered code', sys.argv[1::2])")
    forecast.forecast_with(champion, tmp_path / "recent.csv", None, None)
    assert capfd.readouterr().out == "registered code ['--forecaster', '--input']\n"


def test_what_the_champion_has_filled_is_passed_on_and_no_other_noise(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    champion = registered(
        tmp_path,
        "print('no GPU', file=sys.stderr); "
        "print('forecast: 2 missing values were filled', file=sys.stderr)",
    )
    forecast.forecast_with(champion, tmp_path / "recent.csv", None, None)
    assert capfd.readouterr().err == "forecast: 2 missing values were filled\n"


def test_what_the_champion_rejects_is_passed_on_without_the_startup_noise_of_tensorflow(
    tmp_path: Path,
) -> None:
    champion = registered(
        tmp_path,
        "print('I0000 00:00:1 port.cc:1] oneDNN', file=sys.stderr); sys.exit('too few rows')",
    )
    with pytest.raises(SystemExit, match=r"^\ntoo few rows\n$"):
        forecast.forecast_with(champion, tmp_path / "recent.csv", None, None)


def test_forecasts_are_written_as_csv_with_times_in_iso_8601(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forecasts = pd.DataFrame(
        {"hour": pd.to_datetime(["2020-01-05T04:00"], utc=True), "level": [1.5]}
    )
    forecast.write(forecasts, tmp_path / "forecasts.csv")
    forecast.write(forecasts, None)
    assert (
        (tmp_path / "forecasts.csv").read_text()
        == "hour,level\n2020-01-05T04:00:00Z,1.5\n"
        == capsys.readouterr().out
    )


def test_the_file_of_future_covariates_is_passed_on_to_the_registered_code(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    champion = registered(tmp_path, "print(sys.argv[5:])")
    forecast.forecast_with(champion, tmp_path / "recent.csv", tmp_path / "future.csv", None)
    assert capfd.readouterr().out == f"['--future', '{tmp_path / 'future.csv'}']\n"


def test_a_forecast_says_how_it_was_made(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    load = Loader(monkeypatch)
    path = project.folder / "recent.csv"
    recent().to_csv(path, index=False)
    forecast.forecast(load(project)[0], path, None, None)
    output = capsys.readouterr()
    assert output.out.startswith("place,hour,level\na,2020-01-05T04:00:00Z,")
    assert output.err.splitlines() == [
        "forecast: series 'a', 'b': the forecast starts after 2020-01-05T03:00:00Z",
        "forecast: 0 missing values were filled",
    ]


def test_the_paths_of_the_commands_are_those_of_the_stages() -> None:
    places = paths.read(CODE / "dvc.yaml")
    assert [path.name for path in (places.clean, places.errors, places.receipt)] == [
        "1_clean",
        "5_errors",
        "receipt.json",
    ]


def test_outside_of_a_project_the_commands_say_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run this from the project's top folder"):
        paths.read(tmp_path / "dvc.yaml")
