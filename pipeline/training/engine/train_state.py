"""The training loop of a fleet: early stopping, best weights, history, checkpoints."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf

from pipeline.config.learning import Train
from pipeline.training.engine import grid
from pipeline.training.engine.fleet import Fleet
from pipeline.training.engine.variables import Variables

PIECE = 1000  # steps between two moments at which a checkpoint is possible: a second or more
HISTORY = ("seed", "epoch", "loss", "validation_loss", "learning_rate")
PER_REPLICA = ("seeds", "best_weights", "best_loss", "best_epoch", "diverged")
COUNTERS = ("epoch", "steps", "seconds")


@dataclass
class TrainState:
    """How far the training of a fleet has come.

    The rows of `variables` are the replicas that are still learning; those of `best_...` are all
    replicas, in the order of `seeds`.
    """

    seeds: np.ndarray  # (replica,); numbers in a fleet that trains a grid
    variables: Variables
    best_weights: np.ndarray  # (replica, parameter)
    best_statistics: list[np.ndarray]  # each (replica, ...)
    best_loss: np.ndarray  # (replica,): validation loss
    best_epoch: np.ndarray  # (replica,): counted from 0, -1 before the first
    diverged: np.ndarray  # (replica,): the epoch whose loss was not finite, else -1
    history: np.ndarray  # (replica and epoch, len(HISTORY)) float64
    loss: np.ndarray  # (learning replica,): sum over the steps of the current epoch so far
    epoch: int = 0  # completed epochs
    steps: int = 0  # completed steps of the current epoch
    seconds: float = 0.0  # spent on training and validation, all replicas together

    @classmethod
    def start(cls, fleet: Fleet, seeds: Sequence[int]) -> "TrainState":
        """Return the state before the first epoch."""
        variables, replicas = fleet.initial(seeds), len(seeds)
        return cls(
            seeds=np.asarray(seeds),
            variables=variables,
            best_weights=variables.weights.numpy(),
            best_statistics=[statistic.numpy() for statistic in variables.statistics],
            best_loss=np.full(replicas, np.inf),
            best_epoch=np.full(replicas, -1),
            diverged=np.full(replicas, -1),
            history=np.empty((0, len(HISTORY))),
            loss=np.zeros(replicas),
        )

    def learning(self, train: Train) -> np.ndarray:
        """Return the positions of the replicas that are still learning.

        A replica stops if it diverges, or does not improve for `patience` epochs.
        """
        if self.epoch >= train.epochs:
            return np.empty(0, int)
        waited = self.epoch - 1 - self.best_epoch
        return np.flatnonzero((self.diverged < 0) & (waited < train.patience))

    def advance(self, fleet: Fleet, train: Train) -> Iterator[None]:
        """Train one more epoch; yields after each piece of it, when a checkpoint is possible."""
        began, learning = time.perf_counter(), self.learning(train)
        numbers = self.seeds[learning].tolist()
        share = fleet.schedule(self.epoch, train.epochs, self._validation_losses(numbers))
        rates, seeds = fleet.grid.learning_rates(numbers) * share, grid.seeds(numbers)
        batches = fleet.samples.batches(train.batch, seeds, self.epoch)
        if not self.steps:
            self.variables = fleet.begin(self.variables, seeds, self.epoch)
            self.loss = np.zeros(len(seeds), np.float32)
        while self.steps < len(batches):
            piece = batches[self.steps : self.steps + PIECE]
            self.variables, self.loss = fleet.piece(self.variables, self.loss, piece, rates)
            self.steps += len(piece)
            if self.steps < len(batches):
                self.seconds += time.perf_counter() - began
                began = time.perf_counter()
                yield
        validation = fleet.validate(self.variables)
        self._record(learning, self.loss / len(batches), validation, rates)
        self._keep_best(fleet, learning)
        self.epoch, self.steps = self.epoch + 1, 0
        still_learning = np.searchsorted(learning, self.learning(train))
        self.variables = self.variables.take(still_learning.tolist())
        self.seconds += time.perf_counter() - began
        yield

    def _validation_losses(self, seeds: Sequence[int]) -> np.ndarray:
        """Return the losses (epoch, replica) of replicas that learned in every epoch so far."""
        rows = self.history[np.isin(self.history[:, 0], seeds)]
        return rows[:, HISTORY.index("validation_loss")].reshape(self.epoch, len(seeds))

    def _record(
        self, learning: np.ndarray, loss: np.ndarray, validation: np.ndarray, rates: np.ndarray
    ) -> None:
        """Append an epoch to the history, and note which replicas diverged or improved."""
        rows = [self.seeds[learning], np.full(len(learning), self.epoch), loss, validation, rates]
        self.history = np.concatenate([self.history, np.stack(rows, axis=1)])
        finite = np.isfinite(loss) & np.isfinite(validation)
        self.diverged[learning[~finite]] = self.epoch
        better = finite & (validation < self.best_loss[learning])
        improved = learning[better]
        self.best_loss[improved], self.best_epoch[improved] = validation[better], self.epoch

    def _keep_best(self, fleet: Fleet, learning: np.ndarray) -> None:
        """Keep the weights of the replicas whose best epoch is this one."""
        better = self.best_epoch[learning] == self.epoch
        improved = learning[better]
        self.best_weights[improved] = fleet.evaluated(self.variables).numpy()[better]
        for best, now in zip(self.best_statistics, self.variables.statistics, strict=True):
            best[improved] = now.numpy()[better]

    def only(self, seeds: Sequence[int], train: Train) -> "TrainState":
        """Return the state of some of the replicas."""
        kept = np.isin(self.seeds, seeds)
        rows = np.flatnonzero(kept[self.learning(train)])
        arrays = {name: getattr(self, name)[kept] for name in PER_REPLICA}
        arrays["history"] = self.history[np.isin(self.history[:, 0], seeds)]
        if self.steps:
            arrays["loss"] = self.loss[rows]
        return replace(
            self,
            variables=self.variables.take(rows.tolist()),
            best_statistics=[statistic[kept] for statistic in self.best_statistics],
            seconds=self.seconds * float(kept.mean()),
            **arrays,
        )

    def save(self) -> dict[str, np.ndarray]:
        """Return everything as named arrays, copied, so that no later epoch changes them."""
        named = {name: getattr(self, name) for name in (*PER_REPLICA, *COUNTERS)}
        named |= {"history": self.history, "loss": self.loss}
        named |= {"weights": self.variables.weights, "step": self.variables.step}
        for name, values in (
            ("statistics", self.variables.statistics),
            ("slots", self.variables.slots),
            ("best_statistics", self.best_statistics),
        ):
            named |= {f"{name}_{i}": value for i, value in enumerate(values)}
        return {name: np.array(value) for name, value in named.items()}

    @classmethod
    def load(cls, saved: Mapping[str, np.ndarray]) -> "TrainState":
        """Invert `save`."""
        variables = Variables(
            weights=tf.constant(saved["weights"]),
            statistics=tuple(map(tf.constant, _numbered(saved, "statistics"))),
            slots=tuple(map(tf.constant, _numbered(saved, "slots"))),
            step=tf.constant(saved["step"]),
        )
        return cls(
            variables=variables,
            best_statistics=[np.array(s) for s in _numbered(saved, "best_statistics")],
            epoch=int(saved["epoch"]),
            steps=int(saved["steps"]),
            seconds=float(saved["seconds"]),
            **{name: np.array(saved[name]) for name in (*PER_REPLICA, "history", "loss")},
        )


def _numbered(saved: Mapping[str, np.ndarray], name: str) -> list[np.ndarray]:
    """Return the arrays `name`_0, `name`_1, ... ."""
    count = sum(key.rpartition("_")[0] == name for key in saved)
    return [saved[f"{name}_{i}"] for i in range(count)]


def learn(
    fleet: Fleet,
    train: Train,
    seeds: Sequence[int],
    checkpoint: Mapping[str, np.ndarray] | None = None,
) -> Iterator[TrainState]:
    """Train until every replica has stopped.

    Yields the state before the first epoch, after each epoch, and within long ones. Resumes from
    `checkpoint`, a saved state of these replicas or of more.
    """
    fleet.trace()
    if checkpoint:
        state = TrainState.load(checkpoint).only(seeds, train)
    else:
        state = TrainState.start(fleet, seeds)
    yield state
    while len(state.learning(train)):
        for _ in state.advance(fleet, train):
            yield state
