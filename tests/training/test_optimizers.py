"""The fleet's optimizers against those of Keras, and one replica's steps against another's."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.training.optimizers import OPTIMIZERS

STEPS, REPLICAS, PARAMETERS = 30, 3, 7


def gradients() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((STEPS, REPLICAS, PARAMETERS)).astype("float32")


def walk(name: str, rates: np.ndarray) -> np.ndarray:
    optimizer = OPTIMIZERS[name]
    weights = tf.ones((REPLICAS, PARAMETERS))
    slots = optimizer.initial(weights)
    for step, gradient in enumerate(gradients(), 1):
        change, slots = optimizer.update(tf.constant(gradient), slots, tf.constant(float(step)), tf.constant(rates[:, None], tf.float32))
        weights -= change
    return weights.numpy()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_those_of_keras(name: str) -> None:
    variable = keras.Variable(np.ones((REPLICAS, PARAMETERS), "float32"))
    optimizer = keras.optimizers.get({"class_name": name, "config": {"learning_rate": 0.01}})
    for gradient in gradients():
        optimizer.apply([tf.constant(gradient)], [variable])
    np.testing.assert_allclose(walk(name, np.full(REPLICAS, 0.01)), variable.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_replica_follows_its_own_rate(name: str) -> None:
    mixed = walk(name, np.array([0.01, 0.02, 0.03]))
    np.testing.assert_array_equal(mixed[1], walk(name, np.full(REPLICAS, 0.02))[1])
    assert not np.allclose(mixed[1], walk(name, np.full(REPLICAS, 0.01))[1])
