"""The gate: who becomes champion, who does not and why; and the registered model in use."""

import json
import os
import sys
from collections.abc import Callable
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
from pipeline.series.scaler import Scaler
from pipeline.serving import gate as champion
from pipeline.serving.recent import Recent
from pipeline.tables import rows
from pipeline.tracking.experiment import Experiment
from pipeline.tracking.registry import PREVIOUS, Registry, Version
from tests.workshop import CONTENT, HORIZON, LOOKBACK, NAIVE, Workshop, made, recent


class Arena(Workshop):
    """A workshop with a registry; its forecasters err in use as they did in the evaluation."""

    def challenge(self) -> champion.Decision:
        return champion.challenge(self.params, self.paths)

    def champion(self, alias: str = "champion") -> Version | None:
        return Registry(Experiment(self.paths.mlflow, "study"), "forecaster").version(alias)


def answer(code: Path, folder: Path, table: Path, starts: np.ndarray) -> np.ndarray:
    """In place of a network: the truth, and the forecaster's standardized error on top."""
    card = read_json(folder / "params.json")
    index, steps = rows.read(table), starts[:, None] + card["lookback"] + np.arange(card["horizon"])
    with np.load(folder / "weights.npz") as weights:
        error = weights["errors"][card["members"]].mean()
    truth = rows.column(table, "level")[steps][..., None]
    scaler = Scaler.from_json(read_json(folder / "scaler.json"))
    assert (index.segment[starts] == index.segment[steps[:, 0]]).all()
    return truth + scaler.inverse_difference(
        np.full(truth.shape, error), index.series[starts], ["level"]
    )


@pytest.fixture
def arena(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Arena:
    monkeypatch.setattr(champion, "ask", answer)
    return Arena(tmp_path / "arena")


def test_the_best_variant_becomes_champion_where_there_is_none(arena: Arena) -> None:
    arena.study(plain=[0.2, 0.2], conv_ln=[0.3, 0.3])
    decision = arena.challenge()
    assert decision.outcome == "promoted"
    assert decision.champion == arena.champion()
    assert arena.champion().variant == "plain"
    assert decision.errors == {
        "challenger plain": pytest.approx(0.04),
        "last_value": pytest.approx(0.25),
    }


def test_the_challenger_is_the_mean_of_the_seeds_that_were_trained(arena: Arena) -> None:
    arena.study(plain=[0.3, float("nan"), -0.1])
    assert arena.challenge().errors["challenger plain"] == pytest.approx(0.01)


def test_who_does_not_beat_the_naive_baseline_is_refused_with_both_figures(arena: Arena) -> None:
    arena.study(plain=[0.6])
    decision = arena.challenge()
    assert decision.outcome == "refused"
    assert (
        decision.reason
        == "its MSE 0.36 does not beat the best naive baseline, last_value, with 0.25"
    )
    assert arena.champion() is None


def test_a_tie_with_the_naive_baseline_is_refused(arena: Arena) -> None:
    arena.study(plain=[NAIVE])
    assert arena.challenge().outcome == "refused"


def test_who_beats_the_champion_takes_its_place_and_it_is_kept(arena: Arena) -> None:
    arena.study(plain=[0.3])
    first = arena.challenge().champion
    arena.study(plain=[0.3], conv_ln=[0.2])
    decision = arena.challenge()
    assert decision.outcome == "promoted"
    assert decision.errors[f"champion {first}"] == pytest.approx(0.09)
    assert arena.champion().variant == "conv_ln"
    assert arena.champion(PREVIOUS) == first


def test_who_does_not_beat_the_champion_is_refused_and_nothing_changes(arena: Arena) -> None:
    arena.study(plain=[0.3])
    first = arena.challenge().champion
    arena.study(plain=[0.4])
    decision = arena.challenge()
    assert decision.outcome == "refused"
    assert decision.reason == "its MSE 0.16 does not beat champion version 1 (plain) with 0.09"
    assert arena.champion() == first
    assert arena.champion(PREVIOUS) is None


def test_promoting_the_champion_again_does_nothing_and_says_so(arena: Arena) -> None:
    arena.study(plain=[0.3])
    arena.challenge()
    decision = arena.challenge()
    assert decision.outcome == "unchanged"
    assert "is champion already" in decision.reason
    assert decision.champion.number == "1"


def test_a_forecaster_that_people_rolled_back_does_not_come_back_by_itself(arena: Arena) -> None:
    arena.study(plain=[0.3])
    arena.challenge()
    arena.study(plain=[0.2])
    arena.challenge()
    champion.rollback(arena.params, arena.paths)
    decision = arena.challenge()
    assert decision.outcome == "refused"
    assert "people have rolled it back" in decision.reason
    assert arena.champion().number == "1"
    champion.rollback(arena.params, arena.paths)
    assert arena.challenge().outcome == "unchanged"


def test_without_a_trained_replica_there_is_no_challenger(arena: Arena) -> None:
    arena.study(plain=[float("nan"), float("nan")])
    assert arena.challenge().reason == "no variant has a trained replica, so there is no challenger"


def test_a_forecaster_that_errs_otherwise_in_use_than_in_the_evaluation_is_refused(
    arena: Arena,
) -> None:
    arena.study(plain=[0.3])
    arena.variant("plain", errors=np.array([0.1]))
    decision = arena.challenge()
    assert decision.outcome == "refused"
    assert decision.reason.startswith("in use its MSE is 0.01, and 0.09 where it was evaluated")


@pytest.mark.parametrize("lookback", [LOOKBACK - 2, LOOKBACK + 4])
def test_a_champion_of_another_lookback_answers_for_the_same_origins(
    arena: Arena, lookback: int
) -> None:
    arena.study(plain=[0.3])
    arena.challenge()
    arena.prepare({**CONTENT, "window": {"lookback": lookback, "horizon": HORIZON}})
    arena.study(plain=[0.2])
    decision = arena.challenge()
    assert decision.outcome == "promoted"
    assert [error for who, error in decision.errors.items() if who.startswith("champion")] == [
        pytest.approx(0.09)
    ]


def test_windows_before_which_the_champion_lacks_rows_are_left_out_of_the_comparison() -> None:
    index = rows.Rows(
        ("a", "b"),
        np.repeat(np.int32([0, 1]), 10),
        np.arange(20).astype("datetime64[h]"),
        np.repeat(np.int32([0, 1]), 10),
    )
    trial = champion.Trial(Path(), index, np.array([0, 2, 10, 13]), 4, 2, ["level"], None)  # type: ignore[arg-type]
    assert trial.fair(4, ["a", "b"]).tolist() == [True, True, True, True]
    assert trial.fair(2, ["a", "b"]).tolist() == [True, True, True, True]
    assert trial.fair(6, ["a", "b"]).tolist() == [False, True, False, True]
    assert trial.fair(4, ["b"]).tolist() == [False, False, True, True]


def test_a_champion_of_another_task_is_not_compared_and_the_way_out_is_told(arena: Arena) -> None:
    arena.study(plain=[0.3])
    arena.challenge()
    arena.prepare({**CONTENT, "window": {"lookback": LOOKBACK, "horizon": HORIZON + 1}})
    arena.study(plain=[0.2])
    decision = arena.challenge()
    assert decision.outcome == "refused"
    assert (
        "forecasts 3 steps of level, which is another task; give the new model a name of its own: promote.name"
        in decision.reason
    )


def test_a_champion_that_cannot_be_run_is_not_replaced_unseen(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    arena.study(plain=[0.3])
    arena.challenge()
    arena.study(plain=[0.2])

    def broken(code: Path, *rest: Any) -> np.ndarray:
        if code != champion.CODE:
            raise InputError("no module named keras")
        return answer(code, *rest)

    monkeypatch.setattr(champion, "ask", broken)
    decision = arena.challenge()
    assert decision.outcome == "refused"
    assert (
        "cannot be asked for a comparison (no module named keras); give the new model a name of its own"
        in decision.reason
    )


@pytest.fixture
def command(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`python -m pipeline.promote ...` in the arena."""
    monkeypatch.setattr(paths, "read", lambda: arena.paths)
    monkeypatch.setattr(promote.params, "read", lambda path: arena.params)

    def run(*words: str) -> None:
        monkeypatch.setattr(sys, "argv", ["promote", *words])
        promote.main()

    return run


def test_the_command_tells_figures_and_champion(
    arena: Arena, command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    arena.study(plain=[0.3])
    command()
    output = capsys.readouterr().out
    assert "champion of forecaster: version 1 (plain)" in output
    assert "test MSE 0.090000  challenger plain" in output
    assert "test MSE 0.250000  last_value" in output


def test_the_command_ends_with_status_1_where_the_gate_refuses(
    arena: Arena, command: Callable[..., None]
) -> None:
    arena.study(plain=[0.6])
    with pytest.raises(SystemExit, match="does not beat the best naive baseline") as stop:
        command()
    assert "The champion stays as it is: there is none" in str(stop.value)


def test_the_command_rolls_back(
    arena: Arena, command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    for error in (0.3, 0.2):
        arena.study(plain=[error])
        command()
    command("--rollback")
    assert (
        "forecaster is version 1 (plain) again, in place of version 2 (plain)"
        in capsys.readouterr().out
    )
    assert arena.champion().number == "1"


def test_forecasting_without_a_champion_says_what_to_do(arena: Arena) -> None:
    with pytest.raises(
        InputError, match=r"forecaster has no champion yet; run `python -m pipeline\.promote`"
    ):
        champion.fetch(arena.params, arena.paths)


class LastValue:
    def forecast(self, inputs: np.ndarray) -> np.ndarray:
        return np.repeat(inputs[None, :, -1:, :1], HORIZON, axis=2)


@pytest.fixture
def served(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The champion as MLflow loads it, with a stand-in for its network."""
    from pipeline.training.engine.ensemble import Ensemble

    monkeypatch.setattr(Ensemble, "load", classmethod(lambda cls, folder: LastValue()))
    monkeypatch.setattr(sys, "path", [*sys.path])
    arena.study(plain=[0.3])
    arena.challenge()
    monkeypatch.setenv(
        "MLFLOW_TRACKING_URI", f"sqlite:///{arena.paths.mlflow.resolve() / 'mlflow.db'}"
    )
    mlflow.set_tracking_uri(os.environ["MLFLOW_TRACKING_URI"])
    yield mlflow.pyfunc.load_model("models:/forecaster@champion")
    mlflow.set_tracking_uri(None)


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
    ) as refusal:
        invoke(served, table)
    assert refusal.value.get_http_status_code() == 400


def test_the_champion_forecasts_with_the_code_that_it_was_registered_with(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    package = made(tmp_path / "code" / "pipeline")
    (package / "__init__.py").touch()
    (package / "forecast.py").write_text("import sys; print('registered code', sys.argv[1::2])")
    forecast.delegate(tmp_path, tmp_path / "recent.csv", None)
    assert capfd.readouterr().out == "registered code ['--forecaster', '--input']\n"


def test_what_the_champion_has_filled_is_passed_on_and_no_other_noise(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    package = made(tmp_path / "code" / "pipeline")
    (package / "__init__.py").touch()
    (package / "forecast.py").write_text(
        "import sys; print('no GPU', file=sys.stderr); print('forecast: 2 missing values were filled', file=sys.stderr)"
    )
    forecast.delegate(tmp_path, tmp_path / "recent.csv", None)
    assert capfd.readouterr().err == "forecast: 2 missing values were filled\n"


def test_what_the_champion_refuses_is_passed_on_without_the_greetings_of_tensorflow(
    tmp_path: Path,
) -> None:
    package = made(tmp_path / "code" / "pipeline")
    (package / "__init__.py").touch()
    (package / "forecast.py").write_text(
        "import sys; print('I0000 00:00:1 port.cc:1] oneDNN', file=sys.stderr); sys.exit('too few rows')"
    )
    with pytest.raises(SystemExit, match=r"^\ntoo few rows\n$"):
        forecast.delegate(tmp_path, tmp_path / "recent.csv", None)


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


@pytest.mark.parametrize(
    ("filled", "remark"),
    [
        ({}, "0 missing values were filled"),
        ({"wind": 1}, "1 missing value was filled (wind 1)"),
        ({"x": 2, "y": 1}, "(x 2, y 1)"),
    ],
)
def test_a_forecast_says_what_it_has_filled(
    filled: dict[str, int], remark: str, capsys: pytest.CaptureFixture[str]
) -> None:
    class Stub:
        def read(self, path: Path) -> Recent:
            return Recent(["a"], np.zeros((1, 0)), np.zeros((1, 0, 0)), filled)

        def continued(self, given: Recent) -> pd.DataFrame:
            return pd.DataFrame({"level": [1.5]})

    forecast.answer(Stub(), Path(), None)  # type: ignore[arg-type]
    output = capsys.readouterr()
    assert output.out == "level\n1.5\n"
    assert output.err.startswith("forecast: ") and remark in output.err


def test_the_paths_of_the_actions_are_those_of_the_stages() -> None:
    places = paths.read(champion.CODE / "dvc.yaml")
    assert [path.name for path in (places.clean, places.errors, places.receipt)] == [
        "1_clean",
        "5_errors",
        "receipt.json",
    ]


def test_outside_of_a_project_the_actions_say_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run this from the project's top folder"):
        paths.read(tmp_path / "dvc.yaml")
