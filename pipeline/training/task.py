"""One fleet as a task for a worker: read the data, train, keep the result in the store."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.files import write_arrays, write_json
from pipeline.network.configuration import Model, Shape
from pipeline.params import Train
from pipeline.series.dataset import Dataset
from pipeline.series.windows import Windows
from pipeline.training.fingerprint import digest
from pipeline.training.store import Store


@dataclass(frozen=True)
class Task:
    """The fleet of a variant's `seeds` on the data in two folders, kept in `store` under its fingerprint."""

    fingerprint: str
    variant: str
    model: Model
    train: Train
    shape: Shape
    seeds: tuple[int, ...]
    standardized: Path
    windows: Path
    store: Path

    @property
    def work(self) -> int:
        """A guess of the multiplications per training window, to begin with the longest fleets."""
        conv, recurrent = self.model.conv, self.model.recurrent
        widths = [self.shape.channels, *conv.filters, *recurrent.units]
        products = sum(a * b for a, b in pairwise(widths)) + 4 * sum(units**2 for units in recurrent.units)
        return products * self.shape.lookback * len(self.seeds)


@lru_cache
def data_hash(standardized: Path, windows: Path, values: str) -> str:
    """Hash of all that training reads: the inputs, the targets and where windows start."""
    arrays = {standardized / f"{values}.npy", standardized / "standardized.npy"}
    return digest(*sorted(arrays), windows / "train.npy", windows / "validation.npy")


def train(task: Task) -> Task:
    """Train the fleet from its checkpoint or from scratch until all of its replicas have stopped, and keep it in the store."""
    import keras

    from pipeline.training.course import learn
    from pipeline.training.fleet import Fleet
    from pipeline.training.replicas import Replicas

    keras.utils.clear_session()  # a worker trains one fleet after the other: nothing of the last one stays
    store = Store(task.store)
    samples, rows = _samples(task.standardized, task.windows, task.model.input.values, task.shape)
    replicas = Replicas(task.model, task.shape, rows)
    fleet = Fleet(replicas, task.train, samples)
    course = learn(fleet, task.train, task.seeds, store.checkpoint(task.fingerprint))
    with store.keep(task.fingerprint) as folder:
        _write(folder, course, replicas)
    return task


@lru_cache(maxsize=2)
def _samples(standardized: Path, windows: Path, values: str, shape: Shape) -> tuple[Any, np.ndarray]:
    """The data on the device, and the training rows of the inputs."""
    from pipeline.training.samples import Samples

    dataset, starts = Dataset.load(standardized), Windows.load(windows)
    inputs = {"standardized": dataset.standardized, "raw": dataset.raw}[values]
    samples = Samples.on_device(inputs, dataset.standardized[:, : shape.targets], starts.train, starts.validation, shape)
    return samples, inputs[dataset.split == 0]


def _write(folder: Path, course: Any, replicas: Any) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq
    import tensorflow as tf

    from pipeline.training.course import HISTORY

    write_arrays(folder / "weights.npz", replicas.named(course.best_weights, course.best_statistics))
    columns = dict(zip(HISTORY, course.history.T, strict=True))
    pq.write_table(pa.table({k: v.astype(np.int64) if k in ("seed", "epoch") else v for k, v in columns.items()}), folder / "history.parquet")
    epochs = [int((course.history[:, 0] == seed).sum()) for seed in course.seeds]
    facts = {
        "seeds": course.seeds.tolist(),
        "states": ["trained" if epoch < 0 else "diverged" for epoch in course.diverged],
        "best_epochs": course.best_epoch.tolist(),
        "epochs": epochs,
        "parameters": replicas.parameters,
    }
    write_json(folder / "fleet.json", facts)
    device = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    write_json(folder / "cost.json", {"seconds_per_replica": course.seconds / len(course.seeds), "device": device})
