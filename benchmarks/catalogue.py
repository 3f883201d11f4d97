"""Compare `dvc repro` of the catalogue with one `keras fit` process per variant.

    python -m benchmarks.catalogue [--every 4]      `--every` takes each n-th variant

Keras' processes run one after the other, as stages of DVC would, and then one per core with one
thread each. Ours is everything that is committed, from the raw table to the verdict and MLflow, in
a fresh clone with an empty store. Keras trains the same networks on the same windows, all seeds,
for the epochs that ours took, and evaluates nothing. Each of its processes runs until its second
epoch ends; the epochs and seeds that follow would repeat what was just timed, so they are
extrapolated: import + seeds x (first epoch - second, which is tracing) + epochs x second.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pipeline.config import params
from pipeline.core.files import read_json

ROOT = Path(__file__).parent.parent
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "PYTHONPATH": str(ROOT),
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
# More threads would compete for the same cores.
ONE_THREAD = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")


def ours(names: list[str], workers: int, folder: Path) -> float:
    """Return the seconds of `dvc repro` of these variants in a clone at `folder`."""
    subprocess.run(["git", "clone", "-q", ROOT, folder], check=True)
    content = YAML(typ="safe").load(folder / "params.yaml") | {"study": names}
    content["train"]["workers"] = workers
    with (folder / "params.yaml").open("w") as file:
        YAML().dump(content, file)
    began = time.perf_counter()
    subprocess.run(["dvc", "repro"], cwd=folder, env=ENVIRONMENT, check=True, stdout=sys.stderr)
    return time.perf_counter() - began


def keras_seconds(name: str, folder: Path, threads: dict[str, str]) -> float:
    """Return the seconds of one `keras fit` process that trains all seeds of a variant.

    It trains as many epochs as ours took in the project at `folder`.
    """
    began = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.catalogue", "--fit", name]
    done = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT | threads, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr}")
    whole, timed = time.perf_counter() - began, json.loads(done.stdout.splitlines()[-1])
    epochs = read_json(folder / "data/4_models" / name / "fleet.json")["epochs"]
    starting = whole - timed["first"] - timed["second"]
    return (
        starting
        + len(epochs) * max(0.0, timed["first"] - timed["second"])
        + sum(epochs) * timed["second"]
    )


def fit(name: str) -> dict[str, float]:
    """Time two epochs of `keras fit`, validation included; the first one builds and traces."""
    import keras
    import numpy as np

    from pipeline.config.model import Shape
    from pipeline.network.build import build
    from pipeline.series.dataset import Dataset
    from pipeline.series.windows import Windows, gather, gather_truth

    keras.utils.disable_interactive_logging()
    variant = next(variant for variant in params.read().variants if variant.name == name)
    data = Dataset.load(Path("data/2_standardized"))
    starts = Windows.load(Path("data/3_windows"))
    shape = Shape(**read_json(Path("data/4_models") / name / "fleet.json")["shape"])
    values = np.asarray(data.raw if variant.model.input.values == "raw" else data.standardized)

    def arrays(part: Any) -> tuple[Any, Any]:
        truth = gather_truth(data.truth, part, shape.lookback, shape.horizon)
        if variant.model.head.sequence:
            steps = np.arange(1 - shape.lookback, 1)
            truth = np.stack(
                [
                    gather_truth(data.truth, part + step, shape.lookback, shape.horizon)
                    for step in steps
                ],
                axis=1,
            )
        return list(gather(values, part, shape.lookback, shape.horizon, shape.future)), truth

    train, validation = (
        arrays(starts.train[starts.train >= shape.lookback]),
        arrays(starts.validation),
    )
    began = time.perf_counter()
    network = build(variant.model, shape, 0, values[data.split == 0])
    network.compile(variant.train.optimizer.kind, squared_error)
    settings: dict[str, Any] = {
        "batch_size": variant.train.batch,
        "validation_data": None if variant.model.head.sequence else validation,
    }
    network.fit(*train, **settings)
    middle = time.perf_counter()
    network.fit(*train, **settings)
    return {"first": middle - began, "second": time.perf_counter() - middle}


def squared_error(truth: Any, forecast: Any) -> Any:
    """Return the mean over the measured cells of the truth, as a fleet does; NaN is left out."""
    from keras import ops

    measured = ops.isfinite(truth)
    squared = ops.square(forecast - ops.where(measured, truth, 0.0))
    count = ops.maximum(ops.sum(ops.cast(measured, "float32")), 1.0)
    return ops.sum(ops.where(measured, squared, 0.0)) / count


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument(
        "--workers", type=int, default=2, help="of ours, and of Keras with one thread each"
    )
    parser.add_argument("--fit", metavar="VARIANT")
    arguments = parser.parse_args()
    if arguments.fit:
        print(json.dumps(fit(arguments.fit)))
        return
    names = [variant.name for variant in params.read(ROOT / "params.yaml").variants][
        :: arguments.every
    ]
    result = f"{len(names)} variants, all seeds: "
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        mine = ours(names, arguments.workers, folder)
        result += f"dvc repro {mine:.0f} s"
        for processes, threads in ((1, {}), (arguments.workers, ONE_THREAD)):
            with ThreadPoolExecutor(processes) as pool:
                theirs = (
                    sum(pool.map(partial(keras_seconds, folder=folder, threads=threads), names))
                    / processes
                )
            result += (
                f"; one keras fit process per variant, {processes} at a time, {theirs:.0f} s, "
                f"{theirs / mine:.1f} times as long"
            )
    print(result)


if __name__ == "__main__":
    main()
