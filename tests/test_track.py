"""What MLflow receives of a study, and that it receives it once."""

import base64
import json
import subprocess
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import track
from pipeline.core.files import read_json
from pipeline.evaluation import diagnosis
from pipeline.tracking import view
from pipeline.tracking.experiment import Experiment
from tests.workshop import Workshop, made


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    workshop = Workshop(tmp_path / "workshop")
    workshop.study(plain=[0.2, 0.4], conv_ln=[0.1, float("nan")])
    (made(workshop.paths.verdict / "figures") / "leaderboard.png").write_bytes(b"picture")
    (workshop.paths.verdict / "report.md").write_text("# Report")
    return workshop


def publish(workshop: Workshop) -> Experiment:
    places = workshop.paths
    track.run(workshop.params, places.models, places.errors, places.verdict, places.receipt)
    return Experiment(places.mlflow, "study")


def one(store: Experiment, query: str) -> Any:
    (run,) = store.search(query)
    return run


def test_a_variant_is_a_run_with_its_settings_its_kinds_and_the_spread_of_its_seeds(
    workshop: Workshop,
) -> None:
    run = one(publish(workshop), "tags.role = 'variant' and attributes.run_name = 'plain'")
    assert run.data.metrics["mse"] == pytest.approx(0.1)
    assert run.data.metrics["mse_sd"] == pytest.approx(0.0848528)
    assert "level_mae" in run.data.metrics
    assert run.data.params["recurrent.units"] == "[3]"
    assert run.data.params["train.seeds"] == "3"
    assert run.data.params["lookback"] == "6"
    assert run.data.params["family"] == "plain"
    assert run.data.params["normalization"] == run.data.params["place"] == "none"
    assert run.data.tags["state"] == "trained"
    assert run.data.tags["weights_sha256"] == "ab12"
    assert "none" not in {run.data.tags[name] for name in run.data.tags if name[:5] == "slot."}


def test_what_was_measured_inside_a_variant_is_on_its_run(workshop: Workshop) -> None:
    nothing: dict[str, Any] = {"layers": {}, "weights": {}, "batch_gap": None, "error": 1.0}
    counted = {"windows": 9, "seeds": 2, "dropout_noise": 0.25}
    facts = {**nothing, **counted, "gates": {"recurrent_1.forward.forget": 0.5}}
    norms = np.array([[0.5, 2.0], [0.5, 2.0]], np.float32)
    folder = workshop.paths.errors / "plain"
    diagnosis.save(folder, facts, {"recurrent_1.forward.h": norms})
    store = publish(workshop)
    metrics = one(store, "attributes.run_name = 'plain'").data.metrics
    assert metrics["diagnosis/gradient_ratio"] == 0.25
    assert metrics["diagnosis/saturated_forget"] == 0.5
    assert metrics["diagnosis/dropout_noise"] == 0.25
    other = one(store, "attributes.run_name = 'conv_ln'").data.metrics
    assert not [name for name in other if name.startswith("diagnosis/")]


def test_what_is_concluded_of_a_variant_is_on_its_run_and_changes_without_a_new_run(
    workshop: Workshop,
) -> None:
    store = publish(workshop)
    before = one(store, "attributes.run_name = 'conv_ln'")
    assert before.data.params["normalization"] == "layer"
    assert before.data.params["place"] == "conv.normalization"
    assert before.data.metrics["rank"] == 1
    effect = before.data.metrics["effect_percent"]
    assert effect == pytest.approx(100 * (0.01 / 0.1 - 1), rel=1e-3)
    assert before.data.tags["answer"] in before.data.tags["mlflow.note.content"]
    assert before.data.tags["effect"] == "-90.0%"
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout
    assert before.data.tags.get("mlflow.source.git.commit", "") == commit.strip()
    assert one(store, "attributes.run_name = 'plain'").data.tags["answer"] == "reference"
    workshop.study(plain=[0.2, 0.2], conv_ln=[0.1, float("nan")])
    after = one(publish(workshop), "attributes.run_name = 'conv_ln'")
    assert after.info.run_id == before.info.run_id
    assert after.data.metrics["effect_percent"] == pytest.approx(100 * (0.01 / 0.04 - 1), rel=1e-3)


def test_the_experiment_says_what_was_found_and_opens_at_the_current_entries(
    workshop: Workshop,
) -> None:
    workshop.study(plain=[0.2, 0.4], conv_ln=[0.1, 0.3])
    store = publish(workshop)
    tags = store.client.get_experiment(store.id).tags
    assert "Compared with `plain`" in tags[view.NOTE]
    packed = json.loads(tags[view.TAG])["state"].removeprefix("deflate;")
    state = json.loads(zlib.decompress(base64.b64decode(packed)))
    shown = {run.info.run_name for run in store.search(state["searchFilter"])}
    assert shown == {"plain", "conv_ln", "last_value", "seasonal_naive", "ridge"}
    run = one(store, "attributes.run_name = 'conv_ln'")
    known = {
        *(f"metrics.`{name}`" for name in run.data.metrics),
        *(f"params.`{name}`" for name in run.data.params),
        *(f"tags.`{name}`" for name in run.data.tags),
    }
    assert set(state["selectedColumns"]) <= known


def test_what_varies_is_a_tag(workshop: Workshop) -> None:
    run = one(publish(workshop), "tags.`slot.conv.normalization` = 'layer'")
    assert run.info.run_name == "conv_ln"


def test_errors_by_horizon_step_are_a_curve(workshop: Workshop) -> None:
    store = publish(workshop)
    history = store.client.get_metric_history(
        one(store, "attributes.run_name = 'plain'").info.run_id, "mse_by_step"
    )
    assert [(point.step, pytest.approx(point.value)) for point in history] == [
        (1, 0.1),
        (2, 0.1),
        (3, 0.1),
    ]


def test_a_seed_is_a_child_with_its_own_metrics_and_curves(workshop: Workshop) -> None:
    store = publish(workshop)
    parent = one(store, "attributes.run_name = 'plain'")
    children = store.search(f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert {run.data.params["seed"] for run in children} == {"0", "1"}
    assert {run.data.params["variant"] for run in children} == {"plain"}
    assert not {*parent.data.metrics} & {*children[0].data.metrics}
    assert sorted(run.data.metrics["seed/mse"] for run in children) == [
        pytest.approx(0.04),
        pytest.approx(0.16),
    ]
    history = store.client.get_metric_history(children[0].info.run_id, "validation_loss")
    assert [(point.step, point.value) for point in history] == [(1, 0.25), (2, 0.25), (3, 0.25)]


def test_a_diverged_seed_is_a_failed_run_of_a_variant_that_is_told_to_be_so(
    workshop: Workshop,
) -> None:
    store = publish(workshop)
    assert one(store, "attributes.status = 'FAILED'").info.run_name == "conv_ln, seed 1"
    assert "1 of 2 diverged" in one(store, "attributes.run_name = 'conv_ln'").data.tags["state"]


def test_baselines_are_runs_too_and_the_verdict_is_one_with_all_its_files(
    workshop: Workshop,
) -> None:
    store = publish(workshop)
    assert {run.info.run_name for run in store.search("tags.role = 'baseline'")} == {
        "last_value",
        "seasonal_naive",
        "ridge",
    }
    verdict = one(store, "tags.role = 'verdict'")
    assert (
        Path(
            store.client.download_artifacts(verdict.info.run_id, "figures/leaderboard.png")
        ).read_bytes()
        == b"picture"
    )
    assert (
        Path(store.client.download_artifacts(verdict.info.run_id, "report.md")).read_text()
        == "# Report"
    )


def test_the_best_stands_first(workshop: Workshop) -> None:
    runs = publish(workshop).search("tags.role = 'variant'")
    assert [run.info.run_name for run in sorted(runs, key=lambda run: -run.info.start_time)] == [
        "conv_ln",
        "plain",
    ]


def test_tracking_twice_adds_nothing_and_writes_the_same_receipt(workshop: Workshop) -> None:
    store = publish(workshop)
    before, receipt = len(store.search("")), workshop.paths.receipt.read_bytes()
    assert len(publish(workshop).search("")) == before
    assert workshop.paths.receipt.read_bytes() == receipt
    assert read_json(workshop.paths.receipt)["runs"] == 5


def test_a_changed_variant_is_logged_again_and_the_others_are_not(workshop: Workshop) -> None:
    store = publish(workshop)
    before = {run.info.run_id for run in store.search("tags.role != 'seed'")}
    workshop.study(plain=[0.2, 0.3], conv_ln=[0.1, float("nan")])
    after = publish(workshop).search("tags.role != 'seed'")
    assert {run.info.run_name for run in after if run.info.run_id not in before} == {"plain"}
    assert len(publish(workshop).search("tags.role = 'variant' and tags.current = 'true'")) == 2


def figure(store: Experiment, run: Any) -> bytes:
    return Path(
        store.client.download_artifacts(run.info.run_id, "figures/leaderboard.png")
    ).read_bytes()


def test_a_variant_bears_the_figures_and_new_ones_replace_them_without_a_new_run(
    workshop: Workshop,
) -> None:
    store = publish(workshop)
    before = one(store, "attributes.run_name = 'plain'")
    assert figure(store, before) == b"picture"
    (workshop.paths.verdict / "figures" / "leaderboard.png").write_bytes(b"another")
    publish(workshop)
    after = one(store, "attributes.run_name = 'plain'")
    assert after.info.run_id == before.info.run_id
    assert figure(store, after) == b"another"
