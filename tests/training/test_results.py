"""What is reported about a variant after training."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.config.learning import Train
from pipeline.config.model import Model, Shape
from pipeline.config.rules.case import Case
from pipeline.config.variants import Variant
from pipeline.core.files import read_json, write_arrays, write_json
from pipeline.training.jobs import results

MODEL = Model.model_validate(
    {"conv": {"normalization": {"kind": "batch", "momentum": 0.99}, "bias": False}}
)
VARIANT = Variant(name="conv_bn", family="conv", model=MODEL, train=Train())
CASE = Case(MODEL, Shape(lookback=8, horizon=2, targets=1), batch=64)


def replica(folder: Path, steps: int, state: str = "trained") -> Path:
    folder.mkdir()
    write_arrays(folder / "weights.npz", {"kernel": np.zeros((1, 2))})
    pq.write_table(pa.table({"seed": [0]}), folder / "history.parquet")
    write_json(
        folder / "replica.json",
        {
            "seed": 0,
            "state": state,
            "best_epoch": 3,
            "best_step": steps,
            "epochs": 5,
            "parameters": 2,
        },
    )
    write_json(folder / "cost.json", {"seconds": 1.0, "device": "CPU"})
    return folder


def test_the_time_of_tracing_is_the_mean_of_what_is_known(tmp_path: Path) -> None:
    replicas = [replica(tmp_path / str(seed), 500) for seed in range(3)]
    results.gather(CASE, VARIANT, replicas, tmp_path / "unknown")
    assert read_json(tmp_path / "unknown" / "cost.json")["seconds_to_trace"] is None
    for folder, tracing in zip(replicas, (2.0, 4.0), strict=False):
        write_json(folder / "cost.json", {"seconds": 1.0, "tracing": tracing, "device": "CPU"})
    results.gather(CASE, VARIANT, replicas, tmp_path / "known")
    assert read_json(tmp_path / "known" / "cost.json")["seconds_to_trace"] == 3.0


@pytest.mark.parametrize(("steps", "warnings"), [((458, 1000), ["R5"]), ((459, 1000), [])])
def test_moving_statistics_that_have_not_settled_at_the_best_weights_are_reported(
    tmp_path: Path, steps: tuple[int, ...], warnings: list[str]
) -> None:
    replicas = [replica(tmp_path / str(seed), n) for seed, n in enumerate(steps)]
    results.gather(
        CASE, VARIANT, [*replicas, replica(tmp_path / "diverged", 0, "diverged")], tmp_path / "out"
    )
    assert read_json(tmp_path / "out" / "fleet.json")["warnings"] == warnings
