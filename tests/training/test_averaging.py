"""Averaged weights: the average is TensorFlow's, is what is validated and kept, and resumes."""

from collections import deque
from itertools import islice
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from pipeline.config.learning import Train
from pipeline.config.model import Shape
from pipeline.training.engine import train_state
from pipeline.training.engine.averaging import Ema
from pipeline.training.engine.fleet import Fleet, bind
from pipeline.training.engine.replicas import Replicas
from pipeline.training.engine.train_state import learn
from pipeline.training.jobs.fingerprint import fingerprint

from .conftest import SHAPE, TRAIN, tiny

AVERAGE = {"kind": "ema", "decay": 0.9}
AVERAGED = Train.model_validate({**TRAIN.model_dump(), "average": AVERAGE})


@pytest.fixture(scope="module")
def averaged(samples: Any) -> Fleet:
    return Fleet(Replicas(tiny("noisy"), SHAPE), AVERAGED, samples)


@pytest.mark.parametrize("name", ["adam", "nadam", "sgd", "rmsprop"])
def test_the_average_is_that_of_tensorflow(name: str) -> None:
    train = Train.model_validate({"optimizer": name, "average": {"kind": "ema", "decay": 0.8}})
    plain = bind(train.optimizer)()
    averaged = bind(train.average)(plain)
    weights = tf.constant([[1.0, -2.0], [0.5, 3.0]])
    rate = tf.constant([[0.1], [0.2]])
    slots, memory = averaged.initial(weights), plain.initial(weights)
    variable = tf.Variable(weights)
    ours, theirs = weights, weights
    for number in range(1, 60):
        step, gradient = tf.constant(float(number)), ours * 0.3 + number % 5
        ours, slots = averaged.apply(ours, gradient, slots, step, rate)
        theirs, memory = plain.apply(theirs, gradient, memory, step, rate)
        np.testing.assert_array_equal(ours, theirs)
        if number == 1:
            average = tf.train.ExponentialMovingAverage(0.8, num_updates=step)
            average.apply([variable])
        average._num_updates = step
        variable.assign(ours)
        average.apply([variable])
        np.testing.assert_allclose(
            averaged.evaluated(ours, slots), average.average(variable), rtol=1e-5
        )


def test_the_average_of_few_steps_is_written_out() -> None:
    """After one step d is 2 / 11, after two 3 / 12, whatever the decay."""
    optimizer = Ema(0.0, bind(Train.model_validate({"optimizer": "sgd"}).optimizer)(), 0.999)
    weights, rate = tf.constant([[4.0]]), tf.constant([[1.0]])
    slots = optimizer.initial(weights)
    weights, slots = optimizer.apply(weights, tf.constant([[1.0]]), slots, tf.constant(1.0), rate)
    first = 2 / 11 * 4 + 9 / 11 * 3
    np.testing.assert_allclose(optimizer.evaluated(weights, slots), [[first]], rtol=1e-6)
    weights, slots = optimizer.apply(weights, tf.constant([[1.0]]), slots, tf.constant(2.0), rate)
    np.testing.assert_allclose(
        optimizer.evaluated(weights, slots), [[0.25 * first + 0.75 * 2]], rtol=1e-6
    )


def test_the_average_is_validated_and_kept_and_does_not_change_the_training(
    averaged: Fleet, fleet: Any
) -> None:
    ours = next(islice(learn(averaged, AVERAGED, (0, 1)), 1, None))
    theirs = next(islice(learn(fleet("noisy"), TRAIN, (0, 1)), 1, None))
    np.testing.assert_allclose(ours.variables.weights, theirs.variables.weights, rtol=1e-5)
    np.testing.assert_array_equal(ours.best_weights, ours.variables.slots[-1])
    assert not np.allclose(ours.best_weights, ours.variables.weights)
    kept = tf.constant(ours.best_weights)
    alone = fleet("noisy").initial((0, 1))
    measured = fleet("noisy").validate(
        type(alone)(kept, ours.variables.statistics, alone.slots, alone.step)
    )
    np.testing.assert_allclose(ours.best_loss, measured, rtol=1e-5)


@pytest.mark.parametrize(("stop", "piece"), [(1, 1000), (2, 4), (7, 4)])
def test_an_interrupted_training_resumes_bit_for_bit(
    averaged: Fleet, stop: int, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = deque(learn(averaged, AVERAGED, (0, 1, 2)), maxlen=1)[0].save()
    monkeypatch.setattr(train_state, "PIECE", piece)
    saved = next(islice(learn(averaged, AVERAGED, (0, 1, 2)), stop, None)).save()
    resumed = deque(learn(averaged, AVERAGED, (0, 1, 2), saved), maxlen=1)[0].save()
    assert whole.keys() == resumed.keys()
    assert {n for n in whole if not np.array_equal(whole[n], resumed[n])} <= {"seconds"}


def test_the_average_is_part_of_the_fingerprint() -> None:
    shape = Shape(lookback=8, horizon=2, targets=1)
    other = Train.model_validate({"average": {"kind": "ema", "decay": 0.99}})
    trains = [Train(), Train.model_validate({"average": AVERAGE}), other]
    names = {fingerprint(tiny(), train, shape, "data") for train in trains}
    assert len(names) == len(trains)
    off = Train.model_validate({"average": None})
    assert fingerprint(tiny(), off, shape, "data") == fingerprint(tiny(), Train(), shape, "data")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"kind": "ema"}, "needs the option 'decay'"),
        ({"kind": "ema", "decay": 1}, "decay is 1; it must be a number above 0 and below 1"),
        ({"kind": "ema", "decay": 0}, "decay is 0; it must be a number above 0 and below 1"),
        ({"kind": "swa"}, "is 'swa'; choose one of ema, none"),
        (0.99, "is 0.99; choose one of ema, none"),
    ],
)
def test_a_wrong_average_is_rejected(value: object, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Train.model_validate({"average": value})
