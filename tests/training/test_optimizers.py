"""The fleet's optimizers and clipping against those of Keras; each replica follows its own rate."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.config.learning import OPTIMIZERS, Train
from pipeline.config.model import Model
from pipeline.training.engine.fleet import Fleet, bind
from pipeline.training.engine.replicas import Replicas

from .conftest import SHAPE

STEPS, REPLICAS, PARAMETERS = 60, 3, 7
SETTINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {  # ours, and the arguments of Keras
    "as it is": ({}, {}),
    "weight decay": ({"weight_decay": 0.05}, {"weight_decay": 0.05}),
    "clip by norm": ({"clip": {"kind": "norm", "limit": 1.5}}, {"global_clipnorm": 1.5}),
    "clip by value": ({"clip": {"kind": "value", "limit": 0.5}}, {"clipvalue": 0.5}),
}


def gradients() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((STEPS, REPLICAS, PARAMETERS)).astype("float32")


def walk(
    name: str,
    rates: np.ndarray,
    clip: Any = None,
    spared: np.ndarray | None = None,
    **options: Any,
) -> np.ndarray:
    train = Train.model_validate({"optimizer": {"kind": name, **options}, "clip": clip})
    optimizer, clipped = bind(train.optimizer)(spared=spared), bind(train.clip)
    weights = tf.ones((REPLICAS, PARAMETERS))
    slots = optimizer.initial(weights)
    for step, gradient in enumerate(gradients(), 1):
        weights, slots = optimizer.apply(
            weights,
            clipped(tf.constant(gradient)),
            slots,
            tf.constant(float(step)),
            tf.constant(rates[:, None], tf.float32),
        )
    return weights.numpy()


def walk_in_keras(name: str, **arguments: Any) -> np.ndarray:
    """Each replica by an optimizer of its own."""
    rows = []
    for replica in range(REPLICAS):
        variable = keras.Variable(np.ones(PARAMETERS, "float32"))
        optimizer = keras.optimizers.get(
            {"class_name": name, "config": {"learning_rate": 0.01, **arguments}}
        )
        for gradient in gradients():
            optimizer.apply([tf.constant(gradient[replica])], [variable])
        rows.append(variable.numpy())
    return np.stack(rows)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_those_of_keras(name: str, setting: str) -> None:
    ours, theirs = SETTINGS[setting]
    np.testing.assert_allclose(
        walk(name, np.full(REPLICAS, 0.01), **ours),
        walk_in_keras(name, **theirs),
        rtol=1e-6,
        atol=1e-6,
    )


def test_momentum_is_that_of_keras() -> None:
    np.testing.assert_allclose(
        walk("sgd", np.full(REPLICAS, 0.01), momentum=0.9),
        walk_in_keras("sgd", momentum=0.9),
        rtol=1e-6,
        atol=1e-6,
    )


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_replica_follows_its_own_rate(name: str, setting: str) -> None:
    ours, _ = SETTINGS[setting]
    mixed = walk(name, np.array([0.01, 0.02, 0.03]), **ours)
    np.testing.assert_array_equal(mixed[1], walk(name, np.full(REPLICAS, 0.02), **ours)[1])
    assert not np.allclose(mixed[1], walk(name, np.full(REPLICAS, 0.01), **ours)[1])


def test_a_small_gradient_is_clipped_by_no_bit() -> None:
    small = tf.constant([[0.3, -0.4], [0.0, 0.0]])
    for kind in ("norm", "value"):
        clip = Train.model_validate({"clip": {"kind": kind, "limit": 0.5}}).clip
        np.testing.assert_array_equal(bind(clip)(small), small)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_spared_weights_do_not_decay_and_the_others_do(name: str) -> None:
    rates, spared = np.full(REPLICAS, 0.01), np.arange(PARAMETERS) % 3 == 0
    mixed = walk(name, rates, spared=spared, weight_decay=0.05)
    decaying, kept = (walk(name, rates, weight_decay=decay) for decay in (0.05, 0.0))
    np.testing.assert_array_equal(mixed, np.where(spared, kept, decaying))
    assert (kept != decaying).all()


NORMALIZING = {"gamma", "beta"}


@pytest.mark.parametrize(
    ("spare", "names"),
    [
        ("none", set()),
        ("normalization", NORMALIZING),
        ("normalization_and_biases", {*NORMALIZING, "bias"}),
    ],
)
def test_a_fleet_spares_the_weights_that_the_option_names(
    samples: Any, spare: str, names: set[str]
) -> None:
    """The first step of three fleets has the same gradient, so that they differ in decay alone."""
    recurrent = {"units": 3, "normalization": "layer_paper", "output_normalization": "layer"}
    replicas = Replicas(
        Model.model_validate({"conv": {"filters": 2}, "recurrent": recurrent}), SHAPE
    )

    def stepped(**options: Any) -> np.ndarray:
        optimizer = {"kind": "adam", **options}
        fleet = Fleet(
            replicas, Train.model_validate({"optimizer": optimizer, "batch": 16}), samples
        )
        batches = samples.batches(16, [1, 2], 0)[:1]
        begun = fleet.initial([1, 2])
        shifted = replace(begun, weights=begun.weights + 0.5)  # biases and shifts start at 0
        state, _ = fleet.epoch(shifted, [1, 2], 0, batches, np.full(2, 0.01))
        return state.weights.numpy()

    decayed = stepped(weight_decay=0.5, spare=spare) != stepped()
    each = np.split(decayed, np.cumsum(replicas.sizes)[:-1], axis=1)
    by_name = {v.name: part for v, part in zip(replicas.trainable, each, strict=True)}
    assert {name for name, part in by_name.items() if not part.any()} == names
    assert {name for name, part in by_name.items() if not part.all()} == names
