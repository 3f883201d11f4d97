"""The course of a training: when a replica stops, what it keeps, and that a stop at any epoch changes nothing."""

from collections import deque
from itertools import islice
from typing import Any

import numpy as np
import pytest

from pipeline.training.engine import train_state as subject
from pipeline.training.engine.train_state import TrainState, learn

from .conftest import TRAIN


def whole(fleet: Any, train: Any = TRAIN, seeds: tuple[int, ...] = (0, 1, 2)) -> TrainState:
    return deque(learn(fleet, train, seeds), maxlen=1)[0]


def test_a_replica_keeps_the_weights_of_its_best_epoch(fleet: Any) -> None:
    course = whole(fleet("noisy"))
    for replica, seed in enumerate(course.seeds):
        losses = course.history[course.history[:, 0] == seed, 3]
        assert course.best_epoch[replica] == np.argmin(losses)
        assert course.best_loss[replica] == losses.min()
    best = fleet("noisy").initial([0, 1, 2])
    best = type(best)(course.best_weights, tuple(course.best_statistics), best.slots, best.step)
    np.testing.assert_allclose(fleet("noisy").validate(best), course.best_loss, rtol=1e-6)


@pytest.mark.parametrize("name", ["plain", "many_to_many"])
def test_training_lowers_the_loss(fleet: Any, name: str) -> None:
    course = whole(fleet(name))
    first = course.history[course.history[:, 1] == 0, 3]
    assert (course.best_loss < 0.9 * first).all()


def test_a_replica_stops_when_it_no_longer_improves_and_the_others_go_on(fleet: Any) -> None:
    course = TrainState.start(fleet("plain"), [0, 1, 2])
    deque(course.advance(fleet("plain"), TRAIN), maxlen=0)
    course.best_loss[1] = -1.0  # nothing will be better
    while len(course.learning(TRAIN)):
        deque(course.advance(fleet("plain"), TRAIN), maxlen=0)
    epochs = [int((course.history[:, 0] == seed).sum()) for seed in course.seeds]
    assert epochs == [TRAIN.epochs, 1 + TRAIN.patience, TRAIN.epochs]


@pytest.mark.parametrize(
    ("stop", "piece"), [(1, 1000), (3, 1000), (1, 4), (2, 4), (7, 4), (11, 4), (14, 1)]
)
def test_a_stopped_training_goes_on_bit_for_bit_also_within_an_epoch(
    fleet: Any, stop: int, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = whole(fleet("noisy"))
    monkeypatch.setattr(subject, "PIECE", piece)
    saved = next(islice(learn(fleet("noisy"), TRAIN, (0, 1, 2)), stop, None)).save()
    same(deque(learn(fleet("noisy"), TRAIN, (0, 1, 2), saved), maxlen=1)[0], undisturbed)


def test_a_saved_course_is_not_changed_by_later_epochs(fleet: Any) -> None:
    course = TrainState.start(fleet("plain"), [0, 1])
    before = course.save()
    kept = {name: value.copy() for name, value in before.items()}
    deque(course.advance(fleet("plain"), TRAIN), maxlen=0)
    assert all(np.array_equal(before[name], kept[name]) for name in kept)


def test_some_replicas_go_on_from_the_course_of_all(fleet: Any) -> None:
    undisturbed = whole(fleet("plain"))
    course = TrainState.start(fleet("plain"), [0, 1, 2])
    deque(course.advance(fleet("plain"), TRAIN), maxlen=0)
    course.diverged[0] = 0  # it has left the fleet: rows and replicas differ
    course.state = course.state.take([1, 2])
    part = deque(learn(fleet("plain"), TRAIN, (0, 2), course.save()), maxlen=1)[0]
    assert part.seeds.tolist() == [0, 2]
    assert (part.history[:, 0] == 2).sum() == TRAIN.epochs
    np.testing.assert_allclose(part.best_loss[1], undisturbed.best_loss[2], rtol=1e-3)


def same(one: TrainState, other: TrainState) -> None:
    """Bit for bit, but for the time that they took."""
    ours, theirs = one.save(), other.save()
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not np.array_equal(ours[name], theirs[name])] in (
        [],
        ["seconds"],
    )


def test_a_replica_that_diverges_is_recorded_and_the_others_go_on(fleet: Any) -> None:
    course = TrainState.start(fleet("plain"), [0, 1])
    weights = course.state.weights.numpy()
    weights[0] = np.nan
    course.state = type(course.state)(
        weights, course.state.statistics, course.state.slots, course.state.step
    )
    while len(course.learning(TRAIN)):
        deque(course.advance(fleet("plain"), TRAIN), maxlen=0)
    assert course.diverged.tolist() == [0, -1]
    assert np.isfinite(course.best_loss[1])
    assert int((course.history[:, 0] == 1).sum()) == TRAIN.epochs
