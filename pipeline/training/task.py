"""One fleet as a task for a worker: read the data, train, keep every replica's result in the store."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.files import write_arrays, write_json
from pipeline.network.configuration import Model, Shape
from pipeline.params import Train
from pipeline.training.fingerprint import digest
from pipeline.training.store import Store


@dataclass(frozen=True)
class Task:
    """The replicas of a variant's `seeds` as one fleet on the data in two folders, kept in `store` under their fingerprint."""

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

    @property
    def checkpoint(self) -> str:
        """The name of the unfinished fleet: its replicas share one checkpoint."""
        return f"{self.fingerprint}-{hashlib.sha256(str(self.seeds).encode()).hexdigest()[:8]}"


@lru_cache
def data_hash(standardized: Path, windows: Path, values: str) -> str:
    """Hash of the files that training reads: inputs, targets, where windows start.

    The arrays hold the test rows as well, which no weight sees: a change there trains anew, to the same weights.
    """
    arrays = {standardized / f"{values}.npy", standardized / "standardized.npy"}
    return digest(*sorted(arrays), windows / "train.npy", windows / "validation.npy")


def train(task: Task) -> Task:
    """Train the fleet from its checkpoint or from scratch until all of its replicas have stopped, and keep them in the store."""
    import keras

    from pipeline.training import samples
    from pipeline.training.course import learn
    from pipeline.training.fleet import Fleet
    from pipeline.training.replicas import Replicas

    keras.utils.clear_session()  # a worker trains one fleet after the other: nothing of the last one stays
    store = Store(task.store)
    data, rows = samples.load(task.standardized, task.windows, task.model.input.values, task.shape)
    replicas = Replicas(task.model, task.shape, rows)
    course = learn(Fleet(replicas, task.train, data), task.train, task.seeds, store.checkpoint(task.checkpoint))
    for replica, seed in enumerate(task.seeds):
        with store.keep(f"{task.fingerprint}/{seed}") as folder:
            _write(folder, course, replicas, replica, data.steps(task.train.batch))
    store.checkpoint(task.checkpoint).unlink()
    return task


def _write(folder: Path, course: Any, replicas: Any, replica: int, steps: int) -> None:
    """The result of one replica: best weights (1, ...), history, facts, cost; an epoch has `steps` steps."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    import tensorflow as tf

    from pipeline.training.course import HISTORY

    one = slice(replica, replica + 1)
    write_arrays(folder / "weights.npz", replicas.named(course.best_weights[one], [s[one] for s in course.best_statistics]))
    history = course.history[course.history[:, 0] == course.seeds[replica]]
    columns = dict(zip(HISTORY, history.T, strict=True))
    pq.write_table(pa.table({k: v.astype(np.int64) if k in ("seed", "epoch") else v for k, v in columns.items()}), folder / "history.parquet")
    facts = {
        "seed": int(course.seeds[replica]),
        "state": "trained" if course.diverged[replica] < 0 else "diverged",
        "best_epoch": int(course.best_epoch[replica]),
        "best_step": int(course.best_epoch[replica] + 1) * steps,
        "epochs": len(history),
        "parameters": replicas.parameters,
    }
    write_json(folder / "replica.json", facts)
    device = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    write_json(folder / "cost.json", {"seconds": course.seconds / len(course.seeds), "device": device})
