"""Runs are logged exactly once, also after an interruption, and there is one champion at a time."""

import dataclasses
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from pipeline.core import manifest
from pipeline.core.errors import InputError
from pipeline.tracking.experiment import Experiment
from pipeline.tracking.packaging import Candidate
from pipeline.tracking.registry import PREVIOUS, Registry
from pipeline.tracking.rollbacks import rollback
from pipeline.tracking.runs import Run
from tests.workshop import empty_mlflow, made

CHILD = Run(
    "plain, seed 0",
    {"role": "seed", "state": "trained"},
    metrics={"mse": 0.5},
    curves={"loss": {epoch: 1 / epoch for epoch in range(1, 1500)}},
)
PARENT = Run(
    "plain",
    {"role": "variant", "family": "plain"},
    params={"conv.filters": "[10]"},
    metrics={"mse_mean": 0.5},
    children=(CHILD,),
)
CHANGED = dataclasses.replace(PARENT, metrics={"mse_mean": 0.4})
OTHER = Run("last value", {"role": "baseline"}, metrics={"mse_mean": 0.9})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return empty_mlflow(tmp_path / "mlruns")


@pytest.fixture
def store(folder: Path) -> Experiment:
    return Experiment(folder, "study")


def shown(store: Experiment, query: str = "tags.current = 'true'") -> list[str]:
    return sorted(run.info.run_name for run in store.search(query))


def everything(store: Experiment) -> list[dict]:
    return [run.to_dictionary() for run in store.search("")]


def test_a_run_arrives_with_its_children_parameters_metrics_curves_tags_and_files(
    store: Experiment, tmp_path: Path
) -> None:
    (tmp_path / "curve.png").write_bytes(b"picture")
    store.publish(
        [dataclasses.replace(PARENT, artifacts={"figures/curve.png": tmp_path / "curve.png"})]
    )
    (parent,) = store.search("tags.role = 'variant'")
    (child,) = store.search(f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert parent.data.params == {"conv.filters": "[10]"}
    assert parent.data.metrics == {"mse_mean": 0.5}
    assert parent.data.tags["family"] == "plain"
    assert child.data.tags["state"] == "trained"
    curve = store.client.get_metric_history(child.info.run_id, "loss")
    assert {point.step: point.value for point in curve} == CHILD.curves["loss"]
    assert (
        Path(store.client.download_artifacts(parent.info.run_id, "figures/curve.png")).read_bytes()
        == b"picture"
    )


def test_publishing_twice_changes_nothing(store: Experiment) -> None:
    assert store.publish([PARENT, OTHER]) == 2
    before = everything(store)
    assert store.publish([PARENT, OTHER]) == 0
    assert everything(store) == before


def test_a_changed_result_gets_a_new_run_and_the_earlier_one_stays_but_is_not_current(
    store: Experiment,
) -> None:
    store.publish([PARENT, OTHER])
    assert store.publish([CHANGED, OTHER]) == 1
    assert shown(store) == ["last value", "plain", "plain, seed 0"]
    assert shown(store, "tags.current = 'false'") == ["plain", "plain, seed 0"]


def test_a_result_that_comes_back_is_current_again_without_a_new_run(store: Experiment) -> None:
    store.publish([PARENT])
    store.publish([CHANGED])
    assert store.publish([PARENT]) == 0
    (current,) = store.search("tags.current = 'true' and tags.role = 'variant'")
    assert current.data.metrics == {"mse_mean": 0.5}


def test_what_left_the_study_is_not_current(store: Experiment) -> None:
    store.publish([PARENT, OTHER])
    store.publish([OTHER])
    assert shown(store) == ["last value"]


def test_runs_of_other_people_in_the_same_experiment_stay_as_they_are(store: Experiment) -> None:
    theirs = store.client.create_run(store.id, run_name="theirs").info.run_id
    store.publish([PARENT])
    store.publish([CHANGED])
    assert store.client.get_run(theirs).info.lifecycle_stage == "active"
    assert "current" not in store.client.get_run(theirs).data.tags


def test_an_empty_store_gets_everything(store: Experiment, folder: Path) -> None:
    store.publish([PARENT, OTHER])
    again = Experiment(empty_mlflow(folder / "new"), "study")
    assert again.publish([PARENT, OTHER]) == 2
    assert shown(again) == ["last value", "plain", "plain, seed 0"]


@pytest.mark.parametrize("call", ["log_batch", "create_run", "set_terminated"])
@pytest.mark.parametrize("survived", [0, 2])
def test_a_run_that_was_half_written_is_removed_and_written_again(
    store: Experiment, monkeypatch: pytest.MonkeyPatch, call: str, survived: int
) -> None:
    calls, through = [], getattr(MlflowClient, call)

    def dies(*args: object, **options: object) -> object:
        calls.append(call)
        if len(calls) > survived:
            raise KeyboardInterrupt
        return through(*args, **options)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(MlflowClient, call, dies)
        store.publish([PARENT, OTHER])
    store.publish([PARENT, OTHER])
    runs = store.search("")
    assert sorted(run.info.run_name for run in runs) == ["last value", "plain", "plain, seed 0"]
    assert {run.info.status for run in runs} == {"FINISHED"}


@pytest.mark.parametrize(
    ("host", "hours", "left"),
    [("elsewhere", 0.5, 1), ("elsewhere", 1.5, 0), (socket.gethostname(), 0, 0)],
    ids=["theirs", "theirs, long ago", "ours"],
)
def test_what_another_machine_is_publishing_right_now_stays(
    store: Experiment, host: str, hours: float, left: int
) -> None:
    began = int((time.time() - hours * 3600) * 1000)
    store.client.create_run(
        store.id,
        run_name="unfinished",
        tags={"role": "variant", "content_hash": "ab", "host": host},
        start_time=began,
    )
    assert store.publish([OTHER]) == 1
    assert len(store.search("attributes.run_name = 'unfinished'")) == left


@pytest.mark.parametrize(("host", "left"), [("elsewhere", 2), (socket.gethostname(), 1)])
def test_a_promotion_that_another_machine_is_making_right_now_stays(
    registry: Registry, tmp_path: Path, host: str, left: int
) -> None:
    store = registry.experiment
    store.client.create_run(store.id, tags={"role": "promotion", "host": host})
    registry.promote(candidate(tmp_path, "a"), RECORD, expected=None)
    assert len(store.search("tags.role = 'promotion'")) == left


def test_a_failed_replica_is_complete_and_not_written_again(store: Experiment) -> None:
    diverged = dataclasses.replace(
        PARENT, failed=True, children=(dataclasses.replace(CHILD, failed=True),)
    )
    store.publish([diverged])
    assert {run.info.status for run in store.search("")} == {"FAILED"}
    assert store.publish([diverged]) == 0


def test_numbers_that_mlflow_cannot_hold_are_left_out(store: Experiment) -> None:
    store.publish(
        [
            dataclasses.replace(
                OTHER, metrics={"mse": float("nan"), "mae": float("inf"), "parameters": 7.0}
            )
        ]
    )
    (run,) = store.search("")
    assert run.data.metrics == {"parameters": 7.0}


def test_any_column_name_can_be_part_of_a_metric(store: Experiment) -> None:
    store.publish([dataclasses.replace(OTHER, metrics={"mse (°F), 100%": 1.0})])
    (run,) = store.search("")
    assert list(run.data.metrics.values()) == [1.0]


def test_a_server_that_is_down_is_reported_at_once_without_its_password(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://someone:secret@127.0.0.1:9")
    began = time.monotonic()
    with pytest.raises(InputError) as rejection:
        Experiment(folder, "study")
    assert time.monotonic() - began < 5
    assert "http://127.0.0.1:9" in str(rejection.value)
    assert "secret" not in str(rejection.value)
    assert "does not answer" in str(rejection.value)
    assert "dvc repro track" in str(rejection.value)


def test_a_tracking_uri_of_the_environment_is_honoured(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "MLFLOW_TRACKING_URI", f"sqlite:///{empty_mlflow(tmp_path / 'elsewhere') / 'mlflow.db'}"
    )
    Experiment(folder, "study").publish([PARENT])
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert shown(Experiment(folder, "study")) == []


def test_the_store_does_not_depend_on_the_working_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Experiment(Path("mlruns"), "study").publish([PARENT])
    monkeypatch.chdir("/")
    assert Experiment(folder, "study").publish([PARENT]) == 0


def test_a_folder_that_was_moved_away_from_its_files_is_rejected(
    folder: Path, tmp_path: Path
) -> None:
    Experiment(folder, "study").publish([PARENT])
    shutil.copytree(folder, tmp_path / "copy")
    with pytest.raises(InputError, match=r"was moved or copied; .* move it back, or delete it"):
        Experiment(tmp_path / "copy", "study")


def test_an_experiment_that_was_deleted_is_rejected_with_advice(
    store: Experiment, folder: Path
) -> None:
    store.client.delete_experiment(store.id)
    with pytest.raises(InputError, match=r"restore it, or change track\.experiment"):
        Experiment(folder, "study")


def test_processes_that_open_a_fresh_store_at_once_all_publish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    code = (
        "import sys; from pathlib import Path; from pipeline.tracking.runs import Run; "
        "from pipeline.tracking.experiment import Experiment; "
        "Experiment(Path(sys.argv[1]), 'study').publish([Run('one', {'role': 'baseline'})])"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "mlruns")]) for _ in range(2)
    ]
    assert [process.wait() for process in processes] == [0, 0]
    assert shown(Experiment(tmp_path / "mlruns", "study")) == ["one"]


def test_a_store_of_an_earlier_mlflow_is_upgraded_and_a_copy_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Experiment(folder, "study").publish([OTHER])
    before, answers = (
        (folder / "mlflow.db").read_bytes(),
        [MlflowException("Detected out-of-date database schema (found version a, but expected b)")],
    )
    through = MlflowClient.search_experiments

    def search(*args: object, **options: object) -> object:
        if answers:
            raise answers.pop()
        return through(*args, **options)

    monkeypatch.setattr(MlflowClient, "search_experiments", search)
    assert shown(Experiment(folder, "study")) == ["last value"]
    assert (folder / "mlflow.before-upgrade.db").read_bytes() == before


MODEL = """
from pipeline.tracking.pyfunc import serve

serve(None)
"""


def candidate(folder: Path, content: str) -> Candidate:
    folder = folder / content / "forecaster"
    folder.mkdir(parents=True)
    (folder / "params.json").write_text(content)
    package = made(folder.parent / "package")
    entry = package / "model.py"
    entry.write_text(MODEL)
    columns = ["origin", "time_hour", "temp"]
    return Candidate(folder, f"variant {content}", columns, package, entry, ["numpy"])


RECORD = Run("promotion of plain", {"role": "promotion"}, metrics={"mse": 0.1})


@pytest.fixture
def registry(store: Experiment) -> Registry:
    return Registry(store, "forecaster")


def test_a_promoted_candidate_is_the_champion_and_the_previous_one_is_kept(
    registry: Registry, tmp_path: Path
) -> None:
    assert registry.version() is None
    first = registry.promote(candidate(tmp_path, "a"), RECORD, expected=None)
    second = registry.promote(candidate(tmp_path, "b"), RECORD, expected=first)
    assert registry.version() == second
    assert registry.version(PREVIOUS) == first
    assert second.variant == "variant b"


def test_a_champion_is_fetched_as_it_was_registered_with_its_code(
    registry: Registry, tmp_path: Path
) -> None:
    one = candidate(tmp_path, "a")
    files = registry.fetch(registry.promote(one, RECORD, expected=None))
    assert manifest.digest(files.model) == manifest.digest(one.folder)
    assert (files.code / "package" / "model.py").read_text() == MODEL
    assert not list(files.code.parent.rglob("*.pkl"))


def test_a_champion_whose_files_were_changed_is_rejected(
    registry: Registry, tmp_path: Path
) -> None:
    version = registry.promote(candidate(tmp_path, "a"), RECORD, expected=None)
    (registry.fetch(version).model / "params.json").write_text("b")
    with pytest.raises(InputError, match=r"files of .* changed after its registration"):
        registry.fetch(version)


@pytest.mark.parametrize("changed", ["model.py", "new.py"])
def test_a_champion_whose_code_was_changed_is_neither_fetched_nor_served(
    registry: Registry, tmp_path: Path, changed: str
) -> None:
    version = registry.promote(candidate(tmp_path, "a"), RECORD, expected=None)
    code = registry.fetch(version).code / "package"
    (made(code / "__pycache__") / "model.pyc").write_bytes(b"compiled")  # this is no change
    registry.fetch(version)
    with (code / changed).open("a") as file:
        file.write("print('unnoticed')\n")
    with pytest.raises(InputError, match=r"code of .* changed after its registration"):
        registry.fetch(version)
    with pytest.raises(InputError, match=f"{changed}: is not the code that was registered"):
        mlflow.pyfunc.load_model(str(code.parents[1]))


def test_the_previous_champion_comes_back_and_the_replaced_one_is_marked(
    registry: Registry, tmp_path: Path
) -> None:
    first = registry.promote(candidate(tmp_path, "a"), RECORD, expected=None)
    second = registry.promote(candidate(tmp_path, "b"), RECORD, expected=first)
    rollback(registry)
    assert registry.version().number == first.number
    assert registry.version(PREVIOUS).number == second.number
    assert registry.version(PREVIOUS).rolled_back
    rollback(registry, second.number)
    assert registry.version() == second
    assert registry.version(PREVIOUS).rolled_back


def test_after_two_bad_promotions_two_rollbacks_reach_the_good_champion(
    registry: Registry, tmp_path: Path
) -> None:
    champion = None
    for content in ("good", "bad", "worse"):
        champion = registry.promote(candidate(tmp_path, content), RECORD, expected=champion)
    assert [rollback(registry)[0].number for _ in range(2)] == ["2", "1"]
    assert registry.version().variant == "variant good"
    with pytest.raises(InputError, match=r"takes any of: version 1 .*, version 3 "):
        rollback(registry)
    assert [(event.version, event.replaced, event.how) for event in registry.history()] == [
        ("1", None, "promotion"),
        ("2", "1", "promotion"),
        ("3", "2", "promotion"),
        ("2", "3", "rollback"),
        ("1", "2", "rollback"),
    ]


def test_rollback_reaches_any_version_and_names_those_there_are(
    registry: Registry, tmp_path: Path
) -> None:
    champion = None
    for content in ("a", "b", "c"):
        champion = registry.promote(candidate(tmp_path, content), RECORD, expected=champion)
    assert rollback(registry, "1")[0].number == "1"
    for number, state in (("1", "is the champion already"), ("7", "was not found")):
        with pytest.raises(InputError, match=rf"version {number} of forecaster {state}; there"):
            rollback(registry, number)
    assert registry.version().number == "1"


def test_a_registry_that_kept_no_history_rolls_back_to_its_previous_champion(
    registry: Registry, tmp_path: Path
) -> None:
    first = registry.promote(candidate(tmp_path, "a"), RECORD, expected=None)
    registry.promote(candidate(tmp_path, "b"), RECORD, expected=first)
    for name in ("history.0001", "history.0002"):
        registry.client.delete_registered_model_tag("forecaster", name)
    assert rollback(registry)[0] == first


@pytest.mark.parametrize("call", ["set_registered_model_alias", "set_registered_model_tag"])
def test_a_rollback_that_is_killed_leaves_a_champion_and_can_be_repeated(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    first = registry.promote(candidate(tmp_path, "a"), RECORD, expected=None)
    second = registry.promote(candidate(tmp_path, "b"), RECORD, expected=first)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(
            MlflowClient, call, lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt())
        )
        rollback(registry, "1")
    assert registry.version().number in (first.number, second.number)
    if registry.version().number != "1":
        rollback(registry, "1")
    assert registry.version().number == "1"


def test_rollback_without_a_previous_champion_is_rejected(
    registry: Registry, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="the champion is not chosen yet"):
        rollback(registry)
    registry.promote(candidate(tmp_path, "a"), RECORD, expected=None)
    with pytest.raises(InputError, match="no previous champion"):
        rollback(registry)


def test_a_champion_that_changed_since_the_comparison_stays(
    registry: Registry, tmp_path: Path
) -> None:
    first = registry.promote(candidate(tmp_path, "a"), RECORD, expected=None)
    with pytest.raises(InputError, match="has changed since the comparison"):
        registry.promote(candidate(tmp_path, "b"), RECORD, expected=None)
    assert registry.version() == first


def test_a_promotion_that_died_leaves_nothing_behind(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = candidate(tmp_path, "a")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(
            MlflowClient,
            "create_model_version",
            lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt()),
        )
        registry.promote(one, RECORD, expected=None)
    assert registry.version() is None
    registry.promote(one, RECORD, expected=None)
    assert [run.info.status for run in registry.experiment.search("tags.role = 'promotion'")] == [
        "FINISHED"
    ]


def test_the_same_forecaster_is_registered_once(registry: Registry, tmp_path: Path) -> None:
    one, two = candidate(tmp_path, "a"), candidate(tmp_path, "b")
    first = registry.promote(one, RECORD, expected=None)
    second = registry.promote(two, RECORD, expected=first)
    assert registry.promote(one, RECORD, expected=second) == first


@pytest.fixture
def server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A tracking server on this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    store = [
        "--backend-store-uri",
        f"sqlite:///{folder / 'mlflow.db'}",
        "--artifacts-destination",
        str(folder / "served"),
    ]
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        port,
        "--workers",
        "1",
        *store,
    ]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, (
                "the server does not start"
            )
            time.sleep(0.1)


def test_a_server_takes_runs_and_champions_as_the_store_in_files_does(
    server: None, tmp_path: Path
) -> None:
    store = Experiment(tmp_path / "mlruns", "study")
    (tmp_path / "report.md").write_text("# Report")
    run = dataclasses.replace(PARENT, artifacts={"report.md": tmp_path / "report.md"})
    assert [store.publish([run, OTHER]), store.publish([run, OTHER])] == [2, 0]
    registry, one = Registry(store, "forecaster"), candidate(tmp_path, "a")
    registry.promote(one, RECORD, expected=None)
    model = registry.fetch(registry.version()).model
    assert manifest.digest(model) == manifest.digest(one.folder)
