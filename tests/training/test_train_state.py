"""The training loop: when a replica stops, what it keeps, and that interruptions change nothing."""

from collections import deque
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest

from pipeline.training.engine import train_state
from pipeline.training.engine.train_state import TrainState, learn

from .conftest import TRAIN


def trained(fleet: Any, seeds: tuple[int, ...] = (0, 1, 2), checkpoint: Any = None) -> TrainState:
    """The state at the end of the training."""
    return deque(learn(fleet, TRAIN, seeds, checkpoint), maxlen=1)[0]


def advance(state: TrainState, fleet: Any) -> None:
    """One epoch."""
    deque(state.advance(fleet, TRAIN), maxlen=0)


def finish(state: TrainState, fleet: Any) -> None:
    while len(state.learning(TRAIN)):
        advance(state, fleet)


def test_a_replica_keeps_the_weights_of_its_best_epoch(fleet: Any) -> None:
    state = trained(fleet("noisy"))
    for replica, seed in enumerate(state.seeds):
        losses = state.history[state.history[:, 0] == seed, 3]
        assert state.best_epoch[replica] == np.argmin(losses)
        assert state.best_loss[replica] == losses.min()
    best = replace(
        fleet("noisy").initial([0, 1, 2]),
        weights=state.best_weights,
        statistics=tuple(state.best_statistics),
    )
    np.testing.assert_allclose(fleet("noisy").validate(best), state.best_loss, rtol=1e-6)


@pytest.mark.parametrize("name", ["plain", "many_to_many"])
def test_training_lowers_the_loss(fleet: Any, name: str) -> None:
    state = trained(fleet(name))
    first = state.history[state.history[:, 1] == 0, 3]
    assert (state.best_loss < 0.9 * first).all()


def test_a_replica_stops_when_it_no_longer_improves_and_the_others_continue(fleet: Any) -> None:
    state = TrainState.start(fleet("plain"), [0, 1, 2])
    advance(state, fleet("plain"))
    state.best_loss[1] = -1.0  # no loss will be lower
    finish(state, fleet("plain"))
    epochs = [int((state.history[:, 0] == seed).sum()) for seed in state.seeds]
    assert epochs == [TRAIN.epochs, 1 + TRAIN.patience, TRAIN.epochs]


@pytest.mark.parametrize(
    ("stop", "piece", "masked"),
    [
        (1, 1000, False),
        (3, 1000, True),
        (1, 4, False),
        (2, 4, True),
        (7, 4, False),
        (11, 4, True),
        (14, 1, False),
    ],
)
def test_an_interrupted_training_resumes_bit_for_bit_also_within_an_epoch(
    fleet: Any, stop: int, piece: int, masked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    noisy = fleet("noisy", masked=masked)
    uninterrupted = trained(noisy)
    monkeypatch.setattr(train_state, "PIECE", piece)
    saved = next(islice(learn(noisy, TRAIN, (0, 1, 2)), stop, None)).save()
    ours, theirs = trained(noisy, checkpoint=saved).save(), uninterrupted.save()
    assert ours.keys() == theirs.keys()
    differing = {name for name in ours if not np.array_equal(ours[name], theirs[name])}
    assert differing <= {"seconds"}


def test_a_checkpoint_is_not_changed_by_later_epochs(fleet: Any) -> None:
    state = TrainState.start(fleet("plain"), [0, 1])
    before = state.save()
    copies = {name: value.copy() for name, value in before.items()}
    advance(state, fleet("plain"))
    assert all(np.array_equal(before[name], copies[name]) for name in copies)


def test_some_replicas_resume_from_the_checkpoint_of_all(fleet: Any) -> None:
    uninterrupted = trained(fleet("plain"))
    state = TrainState.start(fleet("plain"), [0, 1, 2])
    advance(state, fleet("plain"))
    state.diverged[0] = 0  # it has left the fleet: rows and replicas differ
    state.variables = state.variables.take([1, 2])
    part = trained(fleet("plain"), (0, 2), state.save())
    assert part.seeds.tolist() == [0, 2]
    assert (part.history[:, 0] == 2).sum() == TRAIN.epochs
    np.testing.assert_allclose(part.best_loss[1], uninterrupted.best_loss[2], rtol=1e-3)


def test_a_replica_that_diverges_is_recorded_and_the_others_continue(fleet: Any) -> None:
    state = TrainState.start(fleet("plain"), [0, 1])
    weights = state.variables.weights.numpy()
    weights[0] = np.nan
    state.variables = replace(state.variables, weights=weights)
    finish(state, fleet("plain"))
    assert state.diverged.tolist() == [0, -1]
    assert np.isfinite(state.best_loss[1])
    assert int((state.history[:, 0] == 1).sum()) == TRAIN.epochs
