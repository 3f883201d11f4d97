"""One fleet as a task for a worker: read the data, train, report.

A worker writes nothing; the process that started it keeps what it reports.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.config.learning import Train
from pipeline.config.model import Model, Shape
from pipeline.training.engine import backend
from pipeline.training.engine.grid import Grid, seeds, split
from pipeline.training.jobs.results import ReplicaResult

if TYPE_CHECKING:
    from pipeline.training.engine.replicas import Replicas
    from pipeline.training.engine.train_state import TrainState

# What it costs to launch the operations of one step of a batch, in multiplications: measured with
# 15 and with 64 units.
LAUNCH_COST = 224_000
REPORT_SECONDS = 0.5  # between two reports of a fleet, so that reporting costs next to nothing

Checkpoint = Mapping[str, np.ndarray]  # a saved `TrainState`


@dataclass(frozen=True)
class FleetTask:
    """The replicas of a variant's `seeds` as one fleet on the data in two folders.

    With a `grid` the seeds are numbers of its replicas, and `points` the fingerprint of each point.
    """

    fingerprint: str
    variant: str
    model: Model
    train: Train
    shape: Shape
    seeds: tuple[int, ...]
    standardized: Path
    windows: Path
    checkpoint: Checkpoint | None = field(  # of these replicas, or of more
        default=None, repr=False, compare=False
    )
    deaths: int = 0  # of its workers, since the training last made progress
    grid: Grid | None = None
    points: tuple[str, ...] = ()

    @property
    def work(self) -> float:
        """An estimate of the training's multiplications.

        It decides which fleets start first, the longest ones, and estimates the time left.
        """
        conv, recurrent = self.model.conv, self.model.recurrent
        widths = [self.shape.channels, *conv.filters, *recurrent.units]
        products = sum(a * b for a, b in pairwise(widths))
        products += 4 * sum(units**2 for units in recurrent.units)
        if recurrent.bidirectional:
            products *= 2
        per_window = products + LAUNCH_COST / self.train.batch
        return per_window * self.shape.lookback * self.train.epochs * len(self.seeds)

    @property
    def largest(self) -> int:
        """How many replicas are one graph at most: `train.fleet` seeds of every point."""
        return self.train.fleet * max(1, len(self.points))

    def place(self, number: int) -> tuple[str, int]:
        """Return under which fingerprint and seed the result of a replica is stored."""
        point, seed = split(number)
        return (self.points[point] if self.points else self.fingerprint), seed

    @property
    def folders(self) -> tuple[Path, Path]:
        """The folders that it reads."""
        return self.standardized, self.windows

    @property
    def name(self) -> str:
        """The name of the unfinished fleet in the store: its replicas share one checkpoint."""
        return f"{self.fingerprint}/{hashlib.sha256(str(self.seeds).encode()).hexdigest()[:8]}"

    @property
    def resumed_at(self) -> tuple[int, int]:
        """The completed epochs and the completed steps of the next one, at the checkpoint."""
        if self.checkpoint is None:
            return 0, 0
        return int(self.checkpoint["epoch"]), int(self.checkpoint["steps"])


@dataclass(frozen=True)
class Progress:
    """How far a fleet has come.

    `epoch` counts completed epochs, `best` is the best validation loss of its replicas. A
    `checkpoint` comes every `train.checkpoint_seconds`, and the `results` at the end.
    """

    epoch: int
    best: float
    checkpoint: Checkpoint | None = None
    results: tuple[ReplicaResult, ...] | None = None


def train(task: FleetTask) -> Iterator[Progress]:
    """Train the fleet, from its checkpoint if it has one, until all of its replicas have stopped.

    Yields its progress, the last time with the results. Raises `MemoryError` if the device's memory
    is exhausted.
    """
    backend.start(threads=1)
    import keras
    import tensorflow as tf

    from pipeline.training.engine import samples
    from pipeline.training.engine.fleet import Fleet
    from pipeline.training.engine.replicas import Replicas
    from pipeline.training.engine.train_state import learn

    keras.utils.clear_session()  # frees the previous fleet of this worker
    data, rows = samples.load(task.standardized, task.windows, task.model.input.values, task.shape)
    replicas = Replicas(task.model, task.shape, rows)
    reported = saved = time.monotonic()
    try:
        fleet = Fleet(replicas, task.train, data, task.grid)
        began = time.monotonic()
        fleet.trace()
        tracing = time.monotonic() - began
        for state in learn(fleet, task.train, task.seeds, task.checkpoint):
            now, ended = time.monotonic(), not len(state.learning(task.train))
            save = ended or now - saved > task.train.checkpoint_seconds
            if not save and now - reported <= REPORT_SECONDS:
                continue
            yield Progress(
                state.epoch,
                float(state.best_loss.min()),
                state.save() if save else None,
                _results(state, replicas, data.steps(task.train.batch), tracing) if ended else None,
            )
            reported = now
            if save:
                saved = now
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError from error


def _results(
    state: "TrainState", replicas: "Replicas", steps: int, tracing: float
) -> tuple[ReplicaResult, ...]:
    """Return the results of all replicas, in the order of their seeds."""
    return tuple(_result(state, replicas, i, steps, tracing) for i in range(len(state.seeds)))


def _result(
    state: "TrainState", replicas: "Replicas", replica: int, steps: int, tracing: float
) -> ReplicaResult:
    """Return the result of one replica; an epoch has `steps` steps, `tracing` is in seconds."""
    import tensorflow as tf

    from pipeline.training.engine.train_state import HISTORY

    one = slice(replica, replica + 1)
    history = state.history[state.history[:, 0] == state.seeds[replica]]
    columns = dict(zip(HISTORY, history.T, strict=True))
    columns |= {"seed": np.array(seeds(columns["seed"])), "epoch": columns["epoch"].astype(int)}
    best_epoch = int(state.best_epoch[replica])
    return ReplicaResult(
        weights=replicas.named(state.best_weights[one], [s[one] for s in state.best_statistics]),
        history=columns,
        facts={
            "seed": split(state.seeds[replica])[1],
            "state": "trained" if state.diverged[replica] < 0 else "diverged",
            "best_epoch": best_epoch,
            "best_step": (best_epoch + 1) * steps,
            "epochs": len(history),
            "parameters": replicas.parameters,
        },
        cost={
            "seconds": state.seconds / len(state.seeds),
            "tracing": tracing,
            "device": "GPU" if tf.config.list_physical_devices("GPU") else "CPU",
        },
    )
