"""One fleet as a task for a worker: read the data, train, tell. What is told is kept by the parent: a worker writes nothing."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.config.learning import Train
from pipeline.config.model import Model, Shape
from pipeline.training.engine import backend
from pipeline.training.jobs.fingerprint import digest
from pipeline.training.jobs.results import Replica

STEP = 224_000  # multiplications that take as long as calling the operations of one step of a batch: of 15 and of 64 units, measured
REPORT_SECONDS = 0.5  # between two reports of a fleet, so that telling costs nothing


@dataclass(frozen=True)
class FleetTask:
    """The replicas of a variant's `seeds` as one fleet on the data in two folders."""

    fingerprint: str
    variant: str
    model: Model
    train: Train
    shape: Shape
    seeds: tuple[int, ...]
    standardized: Path
    windows: Path
    checkpoint: Mapping[str, np.ndarray] | None = field(
        default=None, repr=False, compare=False
    )  # a saved course of its replicas, or of more
    deaths: int = 0  # of workers that took it up, since it last got further

    @property
    def work(self) -> float:
        """A guess of the multiplications of the training, to begin with the longest fleets and to say how far all are."""
        conv, recurrent = self.model.conv, self.model.recurrent
        widths = [self.shape.channels, *conv.filters, *recurrent.units]
        products = sum(a * b for a, b in pairwise(widths)) + 4 * sum(
            units**2 for units in recurrent.units
        )
        each = products * (2 if recurrent.bidirectional else 1) + STEP / self.train.batch
        return each * self.shape.lookback * self.train.epochs * len(self.seeds)

    @property
    def folders(self) -> tuple[Path, Path]:
        """Where the data is that it reads."""
        return self.standardized, self.windows

    @property
    def name(self) -> str:
        """The name of the unfinished fleet: its replicas share one checkpoint."""
        return f"{self.fingerprint}/{hashlib.sha256(str(self.seeds).encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Report:
    """How far a fleet is: epochs done, best validation loss of its replicas; now and then its saved course; at last what became of each replica."""

    epoch: int
    best: float
    checkpoint: Mapping[str, np.ndarray] | None
    replicas: tuple[Replica, ...] | None


@lru_cache
def data_hash(standardized: Path, windows: Path, values: str) -> str:
    """Hash of the files that training reads: inputs, targets, where windows start.

    The arrays hold the test rows as well, which no weight sees: a change there trains anew, to the same weights.
    """
    arrays = {standardized / f"{values}.npy", standardized / "standardized.npy"}
    return digest(*sorted(arrays), windows / "train.npy", windows / "validation.npy")


def train(task: FleetTask) -> Iterator[Report]:
    """Train the fleet from its checkpoint or from scratch until all of its replicas have stopped; tells of its epochs, and at last its results."""
    backend.start(threads=1)
    import keras
    import tensorflow as tf

    from pipeline.training.engine import samples
    from pipeline.training.engine.fleet import Fleet
    from pipeline.training.engine.replicas import Replicas
    from pipeline.training.engine.train_state import learn

    keras.utils.clear_session()  # a worker trains one fleet after the other: nothing of the last one stays
    data, rows = samples.load(task.standardized, task.windows, task.model.input.values, task.shape)
    replicas = Replicas(task.model, task.shape, rows)
    told = saved = time.monotonic()
    try:
        for course in learn(
            Fleet(replicas, task.train, data), task.train, task.seeds, task.checkpoint
        ):
            now, ended = time.monotonic(), not len(course.learning(task.train))
            due = ended or now - saved > task.train.checkpoint_seconds
            if due or now - told > REPORT_SECONDS:
                results = (
                    tuple(
                        _result(course, replicas, i, data.steps(task.train.batch))
                        for i in range(len(task.seeds))
                    )
                    if ended
                    else None
                )
                yield Report(
                    course.epoch,
                    float(course.best_loss.min()),
                    course.save() if due else None,
                    results,
                )
                told, saved = now, now if due else saved
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError from error


def _result(course: Any, replicas: Any, replica: int, steps: int) -> Replica:
    """The result of one replica; an epoch has `steps` steps."""
    import tensorflow as tf

    from pipeline.training.engine.train_state import HISTORY

    one = slice(replica, replica + 1)
    weights = replicas.named(course.best_weights[one], [s[one] for s in course.best_statistics])
    history = course.history[course.history[:, 0] == course.seeds[replica]]
    columns = {
        name: column.astype(np.int64) if name in ("seed", "epoch") else column
        for name, column in zip(HISTORY, history.T, strict=True)
    }
    facts = {
        "seed": int(course.seeds[replica]),
        "state": "trained" if course.diverged[replica] < 0 else "diverged",
        "best_epoch": int(course.best_epoch[replica]),
        "best_step": int(course.best_epoch[replica] + 1) * steps,
        "epochs": len(history),
        "parameters": replicas.parameters,
    }
    device = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    return Replica(
        weights, columns, facts, {"seconds": course.seconds / len(course.seeds), "device": device}
    )
