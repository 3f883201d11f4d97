"""Input normalizations, their inverse around a network, and one network for all target columns."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.network.layers.adapted_normalization import AdaptedNormalization
from pipeline.network.layers.dense import Dense
from pipeline.network.layers.reversible import Reversible
from pipeline.network.layers.shared_columns import SharedColumns
from tests.network import references
from tests.network.examples import INPUT, make, options, randomize, weights

TOLERANCE = {"float64": 1e-10, "float32": 1e-5}
SHIFTED = ["last_value", "revin", "revin_last", "robust"]
SCALED = ["revin", "revin_last", "robust"]
reversible = pytest.mark.parametrize("kind", references.INVERSES)


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(1.0, 2.0, size=(6, 9, 4))  # (batch, time, channel)


def built(kind, dtype="float64", random=True, **more):
    layer = make(INPUT[kind], dtype=dtype, **more)
    layer.build((None, 9, 4))
    if random:
        randomize(layer, np.random.default_rng(1))
    return layer


def test_every_reversible_kind_has_an_inverse_and_a_reference_of_it():
    assert {kind for kind in INPUT if hasattr(make(INPUT[kind]), "denormalize")} == set(
        references.INVERSES
    )


@pytest.mark.parametrize("kind", INPUT)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_it_computes_what_its_reference_says(kind, dtype, x):
    layer = built(kind, dtype)
    expected = references.NORMALIZATIONS[kind](x, weights(layer), False, **options(INPUT[kind]))
    np.testing.assert_allclose(
        layer(x.astype(dtype)), expected, rtol=0, atol=TOLERANCE[dtype] * np.abs(expected).max()
    )


@pytest.mark.parametrize("kind", INPUT)
def test_inside_of_a_window_only_what_is_not_reversible_is_causal(kind, x):
    layer, changed = built(kind), np.concatenate([x[:, :5], 3 * x[:, 5:]], axis=1)
    assert np.allclose(layer(x)[:, :5], layer(changed)[:, :5]) == (not INPUT[kind].reversible)


@reversible
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_inverse_computes_what_its_reference_says(kind, dtype, x):
    layer, forecast = built(kind, dtype), np.random.default_rng(2).normal(size=(6, 3, 2))
    _, statistics = layer.normalize(x.astype(dtype))
    expected = references.INVERSES[kind](forecast, x, weights(layer), **options(INPUT[kind]))
    np.testing.assert_allclose(
        layer.denormalize(forecast.astype(dtype), statistics),
        expected,
        rtol=0,
        atol=TOLERANCE[dtype] * np.abs(expected).max(),
    )


@reversible
@settings(max_examples=20, deadline=None)
@given(x=arrays(np.float64, (3, 9, 4), elements=st.floats(-1e3, 1e3)))
def test_what_is_normalized_comes_back(kind, x):
    layer = built(kind)
    z, statistics = layer.normalize(x)
    np.testing.assert_allclose(layer.denormalize(z, statistics), x, atol=1e-6)


@reversible
def test_a_forecast_at_every_step_comes_back_on_the_scale_of_its_window(kind, x):
    layer, forecasts = (
        built(kind),
        np.random.default_rng(2).normal(size=(6, 9, 3, 2)),
    )  # (batch, time, horizon, target)
    _, statistics = layer.normalize(x)
    y = layer.denormalize(forecasts, statistics)
    for step in range(9):
        np.testing.assert_allclose(
            y[:, step], layer.denormalize(forecasts[:, step], statistics), atol=1e-12
        )


def network(kind, **more):
    """A network that is not linear in its window."""
    keras.utils.set_random_seed(0)
    body = [
        keras.layers.Flatten(),
        Dense(8, activation="tanh"),
        Dense(6),
        keras.layers.Reshape((3, 2)),
    ]
    return of_the_past(Reversible(make(INPUT[kind], **more), Past(keras.Sequential(body))))


@keras.saving.register_keras_serializable("tests")
class Past(keras.layers.Layer):
    """A body that looks at the past only."""

    def __init__(self, layer):
        super().__init__(dtype=layer.dtype)
        self.layer = layer

    def build(self, input_shape):
        self.layer.build(input_shape[0])

    def call(self, inputs):
        return self.layer(inputs[0])


def of_the_past(layer, time=9, channels=4):
    """A model of the past alone; the layer gets no future covariates."""
    past = keras.layers.Input((time, channels), dtype=layer.dtype)
    return keras.Model(past, layer([past, past[:, :3, channels:]]))


@pytest.mark.parametrize("kind", SHIFTED)
def test_shifting_a_window_shifts_its_forecast(kind, x):
    model, x = network(kind), x.astype("float32")
    np.testing.assert_allclose(model(x + 5), model(x) + 5, atol=1e-4)


@pytest.mark.parametrize("kind", SCALED)
def test_scaling_a_window_scales_its_forecast(kind, x):
    model, x = network(kind, epsilon=1e-12), x.astype("float32")
    np.testing.assert_allclose(model(7 * x), 7 * model(x), rtol=1e-4, atol=1e-4)


@reversible
@pytest.mark.parametrize("level", [0.0, 1e4])
def test_a_constant_window_gives_a_finite_forecast_at_its_level_and_finite_gradients(kind, level):
    model, x = network(kind), tf.fill((2, 9, 4), level)
    with tf.GradientTape() as tape:
        y = model(x)
        loss = tf.reduce_mean(y**2)
    assert np.abs(y - level).max() < (1.0 if kind in SCALED else 10.0)
    assert all(
        np.isfinite(gradient).all() for gradient in tape.gradient(loss, model.trainable_variables)
    )


@reversible
def test_the_statistics_are_constants_to_the_gradient(kind, x):
    layer, x = built(kind), tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        z = layer(x)
    _, (_, scale) = layer.normalize(x)
    gain = weights(layer).get("gain", 1.0)
    np.testing.assert_allclose(
        tape.gradient(z, x), np.broadcast_to(gain / np.asarray(scale), x.shape), rtol=1e-12
    )


@pytest.mark.parametrize("kind", ["revin", "revin_last"])
def test_without_affine_nothing_is_trained_and_the_window_is_only_standardized(kind, x):
    layer = built(kind, random=False, affine=False, epsilon=1e-12)
    assert layer.trainable_variables == []
    np.testing.assert_allclose(np.asarray(layer(x)).std(axis=1), 1.0, rtol=1e-9)


def test_one_wild_value_moves_the_robust_statistics_by_no_more_than_a_rank(x):
    wild = x.copy()
    wild[:, 4, 0] = 1e6
    (_, (center, scale)), (_, (moved, stretched)) = (
        built("robust").normalize(x),
        built("robust").normalize(wild),
    )
    ordered = np.sort(x, axis=1)
    assert (
        np.abs(moved - center)[:, 0, 0]
        <= np.max(ordered[:, 4:6] - ordered[:, 3:5], axis=1)[:, 0] + 1e-12
    ).all()
    assert (stretched < 3 * scale).numpy().all()


def test_a_window_that_is_mostly_one_value_stays_of_moderate_size_under_the_robust_kind():
    rain = np.zeros((1, 24, 1))
    rain[0, 7] = 5.0
    assert np.abs(make(INPUT["robust"])(rain)).max() < 20


def adapted(rows):
    layer = AdaptedNormalization()
    layer.adapt(rows)
    return layer


def test_the_adapted_kind_is_standardization_by_the_rows_it_was_given(x):
    rows = np.random.default_rng(3).normal([0, 10, -5, 1000], [1, 3, 0.1, 50], size=(500, 4))
    layer = adapted(rows)
    np.testing.assert_allclose(layer(x), (x - rows.mean(0)) / rows.std(0), rtol=1e-5, atol=1e-4)
    assert layer.trainable_variables == []


def test_the_adapted_kind_is_keras_normalization():
    rows = np.random.default_rng(3).normal(2.0, 3.0, size=(50, 4)).astype("float32")
    theirs = keras.layers.Normalization()
    theirs.adapt(rows)
    np.testing.assert_allclose(adapted(rows)(rows[None]), theirs(rows[None]), atol=1e-5)


def test_a_constant_column_stays_finite_when_adapted():
    assert np.isfinite(adapted(np.ones((5, 2)))(np.ones((1, 3, 2)))).all()


@keras.saving.register_keras_serializable("tests")
class LastChannels(keras.Layer):
    """Forecasts, for one target, what the last channel of the past holds, and of the future."""

    def call(self, inputs):
        past, known = inputs
        return keras.ops.concatenate([past[:, :, -1:], known], axis=1)


def test_future_covariates_pass_a_reversible_kind_unchanged(x):
    normalization = make(INPUT["revin"], dtype="float64")
    model = Reversible(normalization, LastChannels(dtype="float64"), channels=3, dtype="float64")
    known = np.random.default_rng(4).normal(size=(6, 3, 1))
    _, statistics = built("revin", random=False).normalize(x)
    np.testing.assert_allclose(
        (model([x, known]) - statistics[0][..., :1]) / statistics[1][..., :1],
        np.concatenate([x[..., 3:], known], axis=1),
        atol=1e-9,
    )
    assert normalization.gain.shape == (3,)


def test_shared_columns_forecasts_every_target_by_the_same_network(x):
    body = keras.Sequential([keras.layers.Flatten(), Dense(3), keras.layers.Reshape((3, 1))])
    y, x = of_the_past(SharedColumns(2, Past(body)))(x.astype("float32")), x.astype("float32")
    for target in range(2):
        np.testing.assert_allclose(
            y[..., target : target + 1], body(x[..., [target, 2, 3]]), atol=1e-6
        )


def test_exchanging_two_targets_exchanges_their_forecasts(x):
    x = x.astype("float32")
    body = keras.Sequential([keras.layers.Flatten(), Dense(3), keras.layers.Reshape((3, 1))])
    model = of_the_past(SharedColumns(2, Past(body)))
    np.testing.assert_allclose(
        model(x[..., [1, 0, 2, 3]]), np.asarray(model(x))[..., [1, 0]], atol=1e-6
    )


def test_shared_columns_forecasts_at_every_step_as_well(x):
    body = keras.Sequential([Dense(3), keras.layers.Reshape((9, 3, 1))])
    model = of_the_past(SharedColumns(2, Past(body)))
    assert model.output_shape == (None, 9, 3, 2)
    np.testing.assert_allclose(
        model(x)[..., 1:], body(x[..., [1, 2, 3]].astype("float32")), atol=1e-6
    )
