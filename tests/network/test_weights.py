"""What a reparametrization computes from a kernel, however the kernel itself is updated."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.network.layers.convolution import CausalConv1D
from pipeline.network.layers.dense import Dense
from tests.network import references
from tests.network.examples import REPARAMETRIZATIONS, make, options, randomize, weights

TOLERANCE = {"float64": 1e-10, "float32": 1e-5}
SHAPES = [(5, 3), (3, 4, 6)]  # of a dense layer, of a convolution
every_kind = pytest.mark.parametrize("kind", REPARAMETRIZATIONS)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=["dense", "convolution"])


def kernel(shape, dtype="float64"):
    return keras.Variable(np.random.default_rng(0).normal(size=shape), dtype=dtype)


def attached(kind, kernel, **more):
    reparametrization = make(REPARAMETRIZATIONS[kind], **more)
    reparametrization.attach(kernel)
    return reparametrization


def norms(kernel):
    return np.linalg.norm(np.reshape(kernel, (-1, kernel.shape[-1])), axis=0)


def largest_singular_value(kernel):
    return np.linalg.svd(np.reshape(kernel, (-1, kernel.shape[-1])), compute_uv=False)[0]


@every_kind
@every_shape
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_it_computes_what_its_reference_says(kind, shape, dtype):
    v = kernel(shape, dtype)
    reparametrization = attached(kind, v)
    randomize(reparametrization, np.random.default_rng(1))
    expected = references.WEIGHTS[kind](
        np.asarray(v, np.float64), weights(reparametrization), **options(REPARAMETRIZATIONS[kind])
    )
    np.testing.assert_allclose(
        reparametrization.effective(v),
        expected,
        rtol=0,
        atol=TOLERANCE[dtype] * np.abs(expected).max(),
    )


@every_kind
@pytest.mark.parametrize(
    "make_layer",
    [lambda w: Dense(6, reparametrization=w), lambda w: CausalConv1D(6, 3, 2, reparametrization=w)],
    ids=["dense", "convolution"],
)
def test_a_layer_computes_with_the_effective_kernel(kind, make_layer):
    x = np.random.default_rng(0).normal(size=(4, 7, 5)).astype("float32")
    layer, plain = (
        make_layer(
            make(REPARAMETRIZATIONS[kind], **({"limit": 0.1} if kind == "max_norm" else {}))
        ),
        make_layer(None),
    )
    layer(x), plain(x)
    plain.kernel.assign(layer.reparametrization.effective(layer.kernel))
    np.testing.assert_allclose(layer(x), plain(x), atol=1e-6)


@every_shape
def test_weight_norm_begins_as_the_identity_and_its_columns_have_the_trained_lengths(shape):
    v = kernel(shape)
    reparametrization = attached("weight_norm", v)
    np.testing.assert_allclose(reparametrization.effective(v), v.numpy(), atol=1e-12)
    randomize(reparametrization, np.random.default_rng(1))
    np.testing.assert_allclose(
        norms(reparametrization.effective(v)), weights(reparametrization)["length"], rtol=1e-12
    )


@every_shape
@pytest.mark.parametrize("kind", ["weight_norm", "unit_norm"])
def test_the_gradient_is_orthogonal_to_each_column_where_only_its_direction_counts(kind, shape):
    v, c = kernel(shape), np.random.default_rng(2).normal(size=shape)
    reparametrization = attached(kind, v)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(c * reparametrization.effective(v))
    gradient = tape.gradient(loss, v.value)
    np.testing.assert_allclose(
        np.sum(gradient * v, axis=tuple(range(len(shape) - 1))), 0, atol=1e-12
    )
    assert np.abs(gradient).max() > 0.01


@every_shape
def test_spectral_norm_finds_the_largest_singular_value_and_follows_it(shape):
    v = kernel(shape)
    reparametrization = attached("spectral", v)
    assert abs(largest_singular_value(reparametrization.effective(v)) - 1) < 0.05
    v.assign(v + np.random.default_rng(5).normal(size=shape))
    for _ in range(100):
        reparametrization.effective(v, training=True)
    np.testing.assert_allclose(largest_singular_value(reparametrization.effective(v)), 1, rtol=1e-6)


def test_spectral_norm_moves_its_vector_in_training_only():
    v = kernel((5, 3))
    reparametrization = attached("spectral", v)
    before = weights(reparametrization)["u"]
    reparametrization.effective(v, training=False)
    np.testing.assert_array_equal(weights(reparametrization)["u"], before)
    reparametrization.effective(v, training=True)
    assert (weights(reparametrization)["u"] != before).any()


@pytest.mark.parametrize("iterations", [1, 200])
def test_the_gradient_of_spectral_norm_goes_through_sigma_and_not_through_the_vectors(iterations):
    v, c = kernel((5, 3)), np.random.default_rng(2).normal(size=(5, 3))
    reparametrization = attached("spectral", v, iterations=iterations)
    reparametrization.u.assign([1.0, 0.0, 0.0])
    left, right = references.singular_vectors(v.numpy(), np.array([1.0, 0.0, 0.0]), iterations)

    def value(matrix):
        return np.sum(c * matrix / (left @ matrix @ right))

    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(c * reparametrization.effective(v))
    step, at = 1e-6, v.numpy()
    differences = [
        [
            (value(at + step * e) - value(at - step * e)) / (2 * step)
            for e in np.eye(15)[3 * i : 3 * i + 3].reshape(3, 5, 3)
        ]
        for i in range(5)
    ]
    np.testing.assert_allclose(tape.gradient(loss, v.value), differences, atol=1e-6)


@every_shape
def test_max_norm_shortens_long_columns_and_leaves_short_ones_alone(shape):
    v = kernel(shape)
    limit = float(np.median(norms(v.numpy())))
    w = attached("max_norm", v, limit=limit).effective(v)
    np.testing.assert_allclose(norms(w), np.minimum(norms(v.numpy()), limit), rtol=1e-12)
    short = norms(v.numpy()) < limit
    np.testing.assert_array_equal(np.asarray(w)[..., short], v.numpy()[..., short])


@pytest.mark.parametrize(("kind", "bound"), [("max_norm", 0.7), ("unit_norm", 1.0)])
def test_the_bound_holds_after_updates_that_know_nothing_of_it(kind, bound):
    rng, layer = (
        np.random.default_rng(0),
        Dense(
            3,
            reparametrization=make(
                REPARAMETRIZATIONS[kind], **({"limit": bound} if kind == "max_norm" else {})
            ),
        ),
    )
    x, target = rng.normal(size=(32, 5)).astype("float32"), rng.normal(size=(32, 3)) * 10
    layer(x)
    for _ in range(20):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((layer(x) - target) ** 2)
        for variable, gradient in zip(
            layer.trainable_variables, tape.gradient(loss, layer.trainable_variables), strict=True
        ):
            variable.assign_sub(0.5 * gradient)
        assert (norms(layer.reparametrization.effective(layer.kernel)) <= bound + 1e-5).all()


@every_kind
def test_a_kernel_of_zeros_stays_finite(kind):
    v = keras.Variable(np.zeros((5, 3)), dtype="float32")
    with tf.GradientTape() as tape:
        w = attached(kind, v).effective(v)
    assert np.isfinite(w).all()
    assert np.isfinite(tape.gradient(w, v.value)).all()


@every_kind
def test_half_precision_is_computed_in_single(kind):
    layer = Dense(
        3,
        dtype="mixed_float16",
        reparametrization=make(REPARAMETRIZATIONS[kind], dtype="mixed_float16"),
    )
    y = layer(np.ones((2, 5), "float16"), training=True)
    assert y.dtype == tf.float16
    assert {variable.dtype for variable in layer.variables} == {"float32"}
