"""A fleet: each replica is as if trained alone, and as plain Keras would train it."""

import copy
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.network.build import build
from pipeline.training.engine.fleet import Fleet
from pipeline.training.engine.replicas import Replicas

from .conftest import SHAPE, TRAIN, tiny

RATE = 0.01


def one_epoch(
    fleet: Any, seeds: list[int], epoch: int = 0, steps: int = 5
) -> tuple[Any, np.ndarray]:
    batches = fleet.samples.batches(TRAIN.batch, seeds, epoch)[:steps]
    return fleet.epoch(fleet.initial(seeds), seeds, epoch, batches, np.full(len(seeds), RATE))


@pytest.mark.parametrize("name", ["plain", "noisy"])
def test_a_replica_is_the_same_alone_and_among_others(fleet: Any, name: str) -> None:
    together, losses = one_epoch(fleet(name), [4, 7, 1], steps=1)
    alone, loss = one_epoch(fleet(name), [7], steps=1)
    np.testing.assert_allclose(losses[1], loss[0], rtol=1e-5)
    np.testing.assert_allclose(
        together.slots[0][1], alone.slots[0][0], atol=1e-6
    )  # the first moment: the gradient itself
    for mixed, single in zip(together.statistics, alone.statistics, strict=True):
        np.testing.assert_allclose(mixed[1], single[0], rtol=1e-5, atol=1e-6)


def test_seeds_differ_in_initial_weights_batches_and_dropout(fleet: Any) -> None:
    noisy = fleet("noisy")
    state = noisy.initial([1, 2])
    assert not np.array_equal(state.weights[0], state.weights[1])
    batches = noisy.samples.batches(TRAIN.batch, [1, 2], 0)
    assert not np.array_equal(batches[:, 0], batches[:, 1])
    streams = noisy.replicas.reseed(state.statistics, [1, 2], 0)
    for index in noisy.replicas.streams:
        assert not np.array_equal(streams[index][0], streams[index][1])


def test_every_epoch_visits_every_window_once_in_a_new_order(samples: Any) -> None:
    first, second = (samples.batches(50, [0], epoch) for epoch in (0, 1))
    assert sorted(first.ravel()) == sorted(second.ravel()) == list(range(250))
    assert not np.array_equal(first, second)


def test_a_fleet_of_one_without_noise_steps_as_plain_keras(fleet: Any) -> None:
    plain, seeds, steps = fleet("plain"), [5], 4
    trained, _ = one_epoch(plain, seeds, steps=steps)
    model = build(tiny("plain"), SHAPE, seed=5)
    model.compile(keras.optimizers.Adam(RATE), "mse")
    for batch in plain.samples.batches(TRAIN.batch, seeds, 0)[:steps, 0].astype(np.int32):
        model.train_on_batch(
            plain.samples.on_device.windows(batch), plain.samples.on_device.truth(batch)
        )
    expected = np.concatenate([np.ravel(v) for v in model.trainable_variables])
    np.testing.assert_allclose(trained.weights[0], expected, atol=2e-4)


def test_validation_is_the_loss_over_all_windows_with_dropout_off(fleet: Any) -> None:
    noisy = fleet("noisy")
    state = noisy.initial([2])
    starts = tf.constant(noisy.samples.validation, tf.int32)
    inputs, truth = noisy.samples.on_device.windows(starts), noisy.samples.on_device.truth(starts)
    forecast, _ = noisy.replicas.call(
        state.weights[0], tuple(s[0] for s in state.statistics), inputs, training=False
    )
    np.testing.assert_allclose(noisy.validate(state), [np.mean((forecast - truth) ** 2)], rtol=1e-5)


def test_future_covariates_are_those_of_the_horizon(samples: Any) -> None:
    inputs, truth = (
        samples.on_device.windows(tf.constant([10])),
        samples.on_device.truth(tf.constant([10])),
    )
    rows = np.arange(10, 10 + SHAPE.lookback)
    np.testing.assert_allclose(inputs[0, :, 2], np.sin((rows + SHAPE.horizon) / 5), atol=1e-5)
    assert truth.shape == (1, SHAPE.horizon, SHAPE.targets)
    np.testing.assert_array_equal(truth[0, 0], samples.inputs[18, :1])


def test_a_forecast_at_every_step_learns_from_the_steps_that_follow_each(samples: Any) -> None:
    starts = tf.constant([10, 40])
    truth = samples.on_device.truth(starts, every_step=True)
    assert truth.shape == (2, SHAPE.lookback, SHAPE.horizon, SHAPE.targets)
    np.testing.assert_array_equal(truth[:, -1], samples.on_device.truth(starts))
    np.testing.assert_array_equal(truth[1, 0, :, 0], samples.targets[41 : 41 + SHAPE.horizon, 0])


@pytest.mark.parametrize("memory", [1, 7000])
@pytest.mark.parametrize("name", ["noisy", "many_to_many"])
def test_data_that_does_not_fit_the_device_trains_the_same_bits(
    fleet: Any, name: str, memory: int
) -> None:
    whole = fleet(name, batch=4)
    pieces = copy.copy(whole)
    pieces.memory = memory
    sizes = [len(part) for _, part in pieces.samples.parts(batches(pieces, 0), memory)]
    assert sizes == ([1] * 22 if memory == 1 else [4, 4, 4, 4, 4, 2])
    for fleets in zip(*(walk(one) for one in (whole, pieces)), strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, *fleets)


def batches(fleet: Any, epoch: int) -> np.ndarray:
    return fleet.samples.batches(4, [0, 1], epoch)[:22]


def walk(fleet: Any) -> list[Any]:
    """All results of two epochs."""
    state, seen = fleet.initial([0, 1]), []
    for epoch in range(2):
        state, loss = fleet.epoch(state, [0, 1], epoch, batches(fleet, epoch), np.full(2, RATE))
        seen += [
            state.weights,
            state.statistics,
            state.slots,
            state.step,
            loss,
            fleet.validate(state),
        ]
    return seen


def test_a_fleet_in_half_precision_keeps_float32_weights_and_ends_close(
    fleet: Any, samples: Any
) -> None:
    half = Fleet(
        Replicas(tiny("noisy"), SHAPE), TRAIN.model_copy(update={"precision": "bfloat16"}), samples
    )
    losses = []
    for one in (half, fleet("noisy")):
        state = one.initial([0, 1])
        before = one.validate(state)
        for epoch in range(4):
            state, _ = one.epoch(
                state, [0, 1], epoch, samples.batches(TRAIN.batch, [0, 1], epoch), np.full(2, RATE)
            )
        losses.append(one.validate(state))
        assert state.weights.dtype == tf.float32
    assert not np.array_equal(*losses)
    learned = before - losses[1]  # by the fleet in float32
    assert (np.abs(losses[0] - losses[1]) < 0.1 * learned).all()


def test_names_and_stacks_are_inverse_to_each_other(fleet: Any) -> None:
    replicas = fleet("noisy").replicas
    weights, statistics = replicas.initial([0, 1])
    named = replicas.named(weights.numpy(), [s.numpy() for s in statistics])
    back, rest = replicas.stacked(named)
    np.testing.assert_array_equal(back, weights)
    kept = [i for i in range(len(rest)) if i not in replicas.streams]
    assert kept
    for i in kept:
        np.testing.assert_array_equal(rest[i], statistics[i])
    assert len(named) == len(replicas.trainable) + len(kept)
