"""The course of a fleet's training: early stopping of each replica, its best weights, its history, and all of it as a checkpoint."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.config.learning import Train
from pipeline.training.engine.fleet import Fleet, State

PIECE = 1000  # steps between two moments at which a course can be saved: a second or more
HISTORY = ("seed", "epoch", "loss", "validation_loss", "learning_rate")


@dataclass
class TrainState:
    """Where a fleet is. The rows of `state` are the replicas that still learn, those of `best` all of them, in the order of `seeds`."""

    seeds: np.ndarray  # (replica,)
    state: State
    best_weights: np.ndarray  # (replica, parameter)
    best_statistics: list[np.ndarray]  # each (replica, ...)
    best_loss: np.ndarray  # (replica,): on the validation part
    best_epoch: np.ndarray  # (replica,): counted from 0, -1 before the first
    diverged: np.ndarray  # (replica,): the epoch whose loss was not finite, else -1
    history: np.ndarray  # (replica and epoch, len(HISTORY)) float64
    loss: (
        np.ndarray
    )  # (replica that still learns,): the sum over the steps of the epoch that is under way
    epoch: int = 0  # epochs done
    steps: int = 0  # done of the epoch that is under way
    seconds: float = 0.0  # spent on training and validation, all replicas together

    @classmethod
    def start(cls, fleet: Fleet, seeds: Sequence[int]) -> "TrainState":
        """Before the first epoch."""
        state, none = fleet.initial(seeds), np.full(len(seeds), -1)
        best = state.weights.numpy(), [s.numpy() for s in state.statistics]
        return cls(
            np.asarray(seeds),
            state,
            *best,
            np.full(len(seeds), np.inf),
            none,
            none.copy(),
            np.empty((0, len(HISTORY))),
            np.zeros(len(seeds)),
        )

    def learning(self, train: Train) -> np.ndarray:
        """Positions of the replicas that have not stopped: not diverged, and better than before within `patience` epochs."""
        if self.epoch >= train.epochs:
            return np.empty(0, int)
        waited = self.epoch - 1 - self.best_epoch
        return np.flatnonzero((self.diverged < 0) & (waited < train.patience))

    def advance(self, fleet: Fleet, train: Train) -> Iterator[None]:
        """One more epoch for every replica that still learns; stands still after each piece of it."""
        began, learning = time.perf_counter(), self.learning(train)
        seeds = self.seeds[learning].tolist()
        rates = train.learning_rate * fleet.schedule(
            self.epoch, train.epochs, self._validation(seeds)
        )
        batches = fleet.samples.batches(train.batch, seeds, self.epoch)
        if not self.steps:
            self.state, self.loss = (
                fleet.begin(self.state, seeds, self.epoch),
                np.zeros(len(seeds), np.float32),
            )
        while self.steps < len(batches):
            piece = batches[self.steps : self.steps + PIECE]
            self.state, self.loss = fleet.piece(self.state, self.loss, piece, rates)
            self.steps += len(piece)
            if self.steps < len(batches):
                self.seconds, began = (
                    self.seconds + time.perf_counter() - began,
                    time.perf_counter(),
                )
                yield
        self._record(learning, self.loss / len(batches), fleet.validate(self.state), rates)
        self.epoch, self.steps = self.epoch + 1, 0
        self.state = self.state.take(np.searchsorted(learning, self.learning(train)).tolist())
        self.seconds += time.perf_counter() - began
        yield

    def _validation(self, seeds: Sequence[int]) -> np.ndarray:
        """The losses (epoch, replica) of those that have learnt in every epoch so far."""
        rows = self.history[np.isin(self.history[:, 0], seeds)]
        return rows[:, HISTORY.index("validation_loss")].reshape(self.epoch, len(seeds))

    def _record(
        self, learning: np.ndarray, loss: np.ndarray, validation: np.ndarray, rates: np.ndarray
    ) -> None:
        rows = [self.seeds[learning], np.full(len(learning), self.epoch), loss, validation, rates]
        self.history = np.concatenate([self.history, np.stack(rows, axis=1)])
        finite = np.isfinite(loss) & np.isfinite(validation)
        self.diverged[learning[~finite]] = self.epoch
        better = finite & (validation < self.best_loss[learning])
        improved = learning[better]
        self.best_loss[improved], self.best_epoch[improved] = validation[better], self.epoch
        self.best_weights[improved] = self.state.weights.numpy()[better]
        for best, now in zip(self.best_statistics, self.state.statistics, strict=True):
            best[improved] = now.numpy()[better]

    def only(self, seeds: Sequence[int], train: Train) -> "TrainState":
        """The course of some of its replicas."""
        kept = np.isin(self.seeds, seeds)
        arrays = {
            name: getattr(self, name)[kept]
            for name in ("seeds", "best_weights", "best_loss", "best_epoch", "diverged")
        }
        rows = np.flatnonzero(kept[self.learning(train)])
        arrays |= {
            "history": self.history[np.isin(self.history[:, 0], seeds)],
            "loss": self.loss[rows] if self.steps else self.loss,
        }
        state, best = self.state.take(rows.tolist()), [s[kept] for s in self.best_statistics]
        return replace(
            self,
            state=state,
            best_statistics=best,
            seconds=self.seconds * float(kept.mean()),
            **arrays,
        )

    def save(self) -> dict[str, np.ndarray]:
        """Everything as named arrays, which no later epoch changes."""
        state = {"weights": self.state.weights, "step": self.state.step}
        lists = {
            "statistics": self.state.statistics,
            "slots": self.state.slots,
            "best_statistics": self.best_statistics,
        }
        plain = {name: getattr(self, name) for name in PLAIN}
        named = (
            plain
            | state
            | {
                f"{name}_{i}": value
                for name, values in lists.items()
                for i, value in enumerate(values)
            }
        )
        return {name: np.array(value) for name, value in named.items()}

    @classmethod
    def load(cls, saved: Mapping[str, np.ndarray]) -> "TrainState":
        """The inverse of `save`."""
        statistics, slots = (
            tuple(map(tf.constant, _numbered(saved, name))) for name in ("statistics", "slots")
        )
        state = State(tf.constant(saved["weights"]), statistics, slots, tf.constant(saved["step"]))
        plain: dict[str, Any] = {name: np.array(saved[name]) for name in PLAIN}
        plain |= {
            "epoch": int(plain["epoch"]),
            "steps": int(plain["steps"]),
            "seconds": float(plain["seconds"]),
        }
        return cls(
            state=state,
            best_statistics=[np.array(s) for s in _numbered(saved, "best_statistics")],
            **plain,
        )


PLAIN = (
    "seeds",
    "best_weights",
    "best_loss",
    "best_epoch",
    "diverged",
    "history",
    "loss",
    "epoch",
    "steps",
    "seconds",
)


def _numbered(saved: Mapping[str, np.ndarray], name: str) -> Iterator[np.ndarray]:
    i = 0
    while f"{name}_{i}" in saved:
        yield saved[f"{name}_{i}"]
        i += 1


def learn(
    fleet: Fleet,
    train: Train,
    seeds: Sequence[int],
    checkpoint: Mapping[str, np.ndarray] | None = None,
) -> Iterator[TrainState]:
    """Train until every replica has stopped; yields the course before the first epoch, after each, and within long ones.

    Goes on from `checkpoint`, a saved course of these replicas or of more, where there is one.
    """
    fleet.trace()
    course = (
        TrainState.load(checkpoint).only(seeds, train)
        if checkpoint
        else TrainState.start(fleet, seeds)
    )
    yield course
    while len(course.learning(train)):
        for _ in course.advance(fleet, train):
            yield course
