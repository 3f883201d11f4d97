"""Heads: the state and what is known of the horizon become a forecast, and nothing else does."""

import itertools

import keras
import numpy as np
import pytest

from pipeline.config.kinds import HEADS
from pipeline.config.model import Model, Shape
from pipeline.network.build import build
from pipeline.network.layers.dense import Dense
from tests.network import references
from tests.network.examples import randomize, weights

HORIZON, TARGETS, FUTURE = 5, 2, 3
every_head = pytest.mark.parametrize("kind", HEADS)


def normal(*shape, seed=0, dtype="float32"):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def made(kind):
    """A head with one product, in float64."""
    head = HEADS[kind].load()
    body = Dense(head.outputs(HORIZON, TARGETS), dtype="float64")
    return head(HORIZON, TARGETS, body, dtype="float64")


@every_head
@pytest.mark.parametrize("future", [0, FUTURE])
def test_a_head_is_its_reference(kind, future):
    layer, state = made(kind), normal(4, 6, dtype="float64")
    known = normal(4, HORIZON, future, seed=1, dtype="float64")
    layer([state, known])
    randomize(layer, np.random.default_rng(1))
    expected = references.HEADS[kind](state, known, weights(layer), HORIZON, TARGETS)
    np.testing.assert_allclose(layer([state, known]), expected, rtol=1e-12)


@every_head
def test_a_forecast_at_every_step_sees_the_future_covariates_of_its_own_horizon(kind):
    layer, time = made(kind), 4
    states = normal(3, time, 6, dtype="float64")
    known = normal(3, time + HORIZON, FUTURE, dtype="float64")  # of the window and the horizon
    layer([states, known])
    randomize(layer, np.random.default_rng(1))
    forecasts = np.asarray(layer([states, known], training=True))
    assert forecasts.shape == (3, time, HORIZON, TARGETS)
    for step in range(time):
        ahead = known[:, step + 1 : step + 1 + HORIZON]
        expected = references.HEADS[kind](states[:, step], ahead, weights(layer), HORIZON, TARGETS)
        np.testing.assert_allclose(forecasts[:, step], expected, rtol=1e-12)
    np.testing.assert_allclose(layer([states, known]), forecasts[:, -1], rtol=1e-12)


NETWORKS = {
    "plain": {},
    "hidden": {"head": {"hidden": 7, "hidden_activation": "tanh", "normalization": "layer"}},
    "hidden_batch_norm": {"head": {"hidden": 7, "normalization": "batch"}},
    "every_step": {"head": {"sequence": True}},
    "columns": {"columns": "shared"},
    "reversible": {"input": {"normalization": "revin"}},
    "reversible_columns": {"columns": "shared", "input": {"normalization": "last_value"}},
    "adapted": {"input": {"values": "raw", "normalization": "keras"}},
}
# a lookback shorter than the horizon, as well as a longer one
SHAPES = [Shape(3, HORIZON, TARGETS, 2, FUTURE, levels=1), Shape(8, HORIZON, TARGETS, 2, FUTURE)]


def network(kind, name, shape):
    overlay = NETWORKS[name]
    head = {**overlay.get("head", {}), "kind": kind}
    sizes = {"conv": {"filters": 4}, "recurrent": {"units": 6}}
    return build(Model.model_validate({**sizes, **overlay, "head": head}), shape, seed=3)


def moved(model, shape, change):
    """The forecasts that move where the input is changed, (horizon, target)."""
    past, future = normal(6, shape.lookback, shape.channels), normal(6, shape.horizon, FUTURE)
    before = np.asarray(model([past, future]))
    inputs = [past.copy(), future.copy()]
    change(*inputs)
    return (np.abs(np.asarray(model(inputs)) - before) > 1e-6).any(axis=0)


CASES = [(name, SHAPES[0]) for name in NETWORKS] + [("plain", SHAPES[1])]


@pytest.mark.parametrize(("name", "shape"), CASES, ids=str)
def test_per_step_what_is_known_of_a_step_moves_the_forecast_of_that_step_alone(name, shape):
    model = network("per_step", name, shape)
    for step, channel in itertools.product(range(HORIZON), range(FUTURE)):

        def change(past, future, step=step, channel=channel):
            future[:, step, channel] += 1

        found = moved(model, shape, change)
        assert found[step].all()
        assert not np.delete(found, step, axis=0).any()


@pytest.mark.parametrize(("name", "shape"), CASES, ids=str)
def test_directly_what_is_known_of_each_step_moves_every_forecast(name, shape):
    model = network("direct", name, shape)
    for step, channel in itertools.product(range(HORIZON), range(FUTURE)):

        def change(past, future, step=step, channel=channel):
            future[:, step, channel] += 1

        assert moved(model, shape, change).all()


@every_head
@pytest.mark.parametrize("name", NETWORKS)
def test_every_channel_of_the_newest_row_moves_the_forecast(kind, name):
    shape = SHAPES[0]
    model = network(kind, name, shape)
    for channel in range(shape.channels):

        def change(past, future, channel=channel):
            past[:, -1, channel] += 1

        assert moved(model, shape, change).any(axis=0).any()


@every_head
@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_of_the_future_input_reaches_the_encoder(kind, name):
    body = network(kind, name, SHAPES[0])
    for around in ("reversible", "shared_columns"):
        if around in [layer.name for layer in body.layers]:
            body = body.get_layer(around).body
    past, known = body.inputs
    state, _ = body.get_layer("head").input
    assert keras.Model(past, state).count_params() > 0  # computed from the past alone
    with pytest.raises(ValueError, match="not connected"):
        keras.Model(known, state)
