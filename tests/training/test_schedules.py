"""Schedules against closed forms and the callbacks of Keras; wrong ones; resumed trainings."""

from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.config.learning import Train
from pipeline.training.engine.fleet import Fleet, bind
from pipeline.training.engine.train_state import learn

from .conftest import TRAIN

EPOCHS = 20
FLAT = np.zeros((EPOCHS, 2))


def shares(schedule: Any, validation: np.ndarray = FLAT) -> np.ndarray:
    """(epoch, replica)"""
    function = bind(Train.model_validate({"schedule": schedule}).schedule)
    return np.stack([function(epoch, EPOCHS, validation[:epoch]) for epoch in range(EPOCHS)])


def test_constant_is_the_whole_rate() -> None:
    np.testing.assert_array_equal(shares("constant"), np.ones((EPOCHS, 2)))


def test_step_is_a_staircase_of_keras() -> None:
    oracle = keras.optimizers.schedules.ExponentialDecay(1.0, 5, 0.3, staircase=True)
    np.testing.assert_allclose(
        shares({"kind": "step", "every": 5, "factor": 0.3})[:, 0],
        [oracle(epoch) for epoch in range(EPOCHS)],
        rtol=1e-6,
    )


def test_cosine_is_that_of_keras() -> None:
    oracle = keras.optimizers.schedules.CosineDecay(1.0, EPOCHS)
    np.testing.assert_allclose(
        shares("cosine")[:, 1], [oracle(epoch) for epoch in range(EPOCHS)], atol=1e-6
    )


def test_warmup_climbs_to_the_whole_rate_and_cosine_follows() -> None:
    oracle = keras.optimizers.schedules.CosineDecay(1.0, EPOCHS - 4)
    rates = shares({"kind": "cosine", "warmup": 4})[:, 0]
    np.testing.assert_allclose(rates[:5], [0.2, 0.4, 0.6, 0.8, 1.0])
    np.testing.assert_allclose(rates[4:], [oracle(epoch) for epoch in range(EPOCHS - 4)], atol=1e-6)


@pytest.mark.parametrize("patience", [1, 2, 3])
def test_plateau_is_the_callback_of_keras_for_each_replica(patience: int) -> None:
    losses = np.random.default_rng(patience).integers(0, 6, (EPOCHS, 5)).astype(float)
    rates = shares({"kind": "plateau", "factor": 0.5, "patience": patience}, losses)
    for replica in range(losses.shape[1]):
        callback = keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=patience, min_delta=0.0)
        callback.set_model(
            SimpleNamespace(
                optimizer=SimpleNamespace(learning_rate=1.0), metrics=[], stop_training=False
            )
        )
        callback.mode = "min"
        callback.on_train_begin()
        for epoch, loss in enumerate(losses[:, replica]):
            np.testing.assert_allclose(
                rates[epoch, replica], float(callback.model.optimizer.learning_rate)
            )
            callback.on_epoch_end(epoch, {"val_loss": loss})


WRONG = {
    "kind": ("cosinus", "choose one of constant, cosine, plateau, step"),
    "option": ({"kind": "step", "evry": 3}, "its options are every, factor"),
    "missing": ("step", "needs the option 'every'"),
    "factor": (
        {"kind": "plateau", "factor": 1.5},
        "factor is 1.5; it must be a number above 0 and below 1",
    ),
    "later than the stop": (
        {"kind": "plateau", "patience": 4},
        "must be below patience, or training stops",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_schedule_is_rejected_with_what_is_allowed(wrong: str) -> None:
    setting, message = WRONG[wrong]
    with pytest.raises(ValidationError, match=message):
        Train.model_validate({"schedule": setting})


RESTLESS = TRAIN.model_validate(
    TRAIN.model_dump()
    | {
        "epochs": 8,
        "patience": 5,
        "learning_rate": 0.3,
        "schedule": {"kind": "plateau", "patience": 1},
        "clip": {"kind": "norm", "limit": 0.5},
    }
)


@pytest.fixture(scope="module")
def restless(fleet: Any, samples: Any) -> Fleet:
    """A fleet that overshoots at first, so that replicas reach plateaus at different epochs."""
    return Fleet(fleet("plain").replicas, RESTLESS, samples)


def history(fleet: Fleet, seeds: list[int]) -> np.ndarray:
    *_, state = learn(fleet, RESTLESS, seeds)
    return state.history


def test_rates_follow_from_the_history_alone_so_that_a_stop_changes_none(restless: Fleet) -> None:
    rows = history(restless, [0, 1, 2])
    rates = []
    for seed in range(3):
        _, epochs, _, validation, recorded = rows[rows[:, 0] == seed].T
        rates.append(tuple(recorded))
        for epoch in epochs.astype(int):
            (share,) = restless.schedule(epoch, RESTLESS.epochs, validation[:epoch, None])
            assert recorded[epoch] == RESTLESS.learning_rate * share
    assert len(set(rates)) > 1


def test_a_replica_meets_its_plateaus_alone_as_among_others(restless: Fleet) -> None:
    together, alone = history(restless, [0, 1, 2]), history(restless, [1])
    mine = together[together[:, 0] == 1]
    np.testing.assert_array_equal(mine[:, 4], alone[:, 4])
    np.testing.assert_allclose(mine[:, 2:4], alone[:, 2:4], rtol=1e-2)
