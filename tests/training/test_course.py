"""The course of a training: when a replica stops, what it keeps, and that a stop at any epoch changes nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.training.course import Course, learn

from .conftest import TRAIN


def whole(fleet: Any, folder: Path, train: Any = TRAIN, seeds: tuple[int, ...] = (0, 1, 2)) -> Course:
    return learn(fleet, train, seeds, folder / "course.npz")


def test_a_replica_keeps_the_weights_of_its_best_epoch(fleet: Any, tmp_path: Path) -> None:
    course = whole(fleet("noisy"), tmp_path)
    for replica, seed in enumerate(course.seeds):
        losses = course.history[course.history[:, 0] == seed, 3]
        assert course.best_epoch[replica] == np.argmin(losses)
        assert course.best_loss[replica] == losses.min()
    best = fleet("noisy").initial([0, 1, 2])
    best = type(best)(course.best_weights, tuple(course.best_statistics), best.slots, best.step)
    np.testing.assert_allclose(fleet("noisy").validate(best), course.best_loss, rtol=1e-6)


@pytest.mark.parametrize("name", ["plain", "many_to_many"])
def test_training_lowers_the_loss(fleet: Any, tmp_path: Path, name: str) -> None:
    course = whole(fleet(name), tmp_path)
    first = course.history[course.history[:, 1] == 0, 3]
    assert (course.best_loss < 0.9 * first).all()


def test_a_replica_stops_when_it_no_longer_improves_and_the_others_go_on(fleet: Any, tmp_path: Path) -> None:
    course = Course.start(fleet("plain"), [0, 1, 2])
    course.advance(fleet("plain"), TRAIN)
    course.best_loss[1] = -1.0  # nothing will be better
    while len(course.learning(TRAIN)):
        course.advance(fleet("plain"), TRAIN)
    epochs = [int((course.history[:, 0] == seed).sum()) for seed in course.seeds]
    assert epochs == [TRAIN.epochs, 1 + TRAIN.patience, TRAIN.epochs]


@pytest.mark.parametrize("stop", [1, 3])
def test_a_stopped_training_goes_on_bit_for_bit(fleet: Any, tmp_path: Path, stop: int) -> None:
    undisturbed = whole(fleet("noisy"), tmp_path / "whole")
    course = Course.start(fleet("noisy"), [0, 1, 2])
    for _ in range(stop):
        course.advance(fleet("noisy"), TRAIN)
    course.save(tmp_path / "course.npz")
    resumed = whole(fleet("noisy"), tmp_path)
    np.testing.assert_array_equal(resumed.best_weights, undisturbed.best_weights)
    np.testing.assert_array_equal(resumed.history, undisturbed.history)
    for a, b in zip(resumed.best_statistics, undisturbed.best_statistics, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_replica_that_diverges_is_recorded_and_the_others_go_on(fleet: Any, tmp_path: Path) -> None:
    course = Course.start(fleet("plain"), [0, 1])
    weights = course.state.weights.numpy()
    weights[0] = np.nan
    course.state = type(course.state)(weights, course.state.statistics, course.state.slots, course.state.step)
    while len(course.learning(TRAIN)):
        course.advance(fleet("plain"), TRAIN)
    assert course.diverged.tolist() == [0, -1]
    assert np.isfinite(course.best_loss[1])
    assert int((course.history[:, 0] == 1).sum()) == TRAIN.epochs
