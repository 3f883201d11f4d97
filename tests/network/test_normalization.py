"""Normalizations between layers, against NumPy and against what they promise."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.network.layers.batch_normalization import TimeStepBatchNormalization
from pipeline.network.layers.normalization import InstanceNormalization, UnitNormalization
from pipeline.network.layers.pooling import Pooling
from tests.network import references
from tests.network.examples import BETWEEN, FEED_FORWARD, make, options, randomize, weights

OF_THE_BATCH = {"batch", "batch_renorm", "batch_time_step"}  # in training only
TOLERANCE = {"float64": 1e-10, "float32": 1e-5}
every_kind = pytest.mark.parametrize("kind", BETWEEN)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def x(rng):
    return rng.normal(1.0, 2.0, size=(6, 5, 4))  # (batch, time, channel)


def built(kind, dtype="float64", shape=(None, 5, 4), **more):
    layer = make(BETWEEN[kind], dtype=dtype, **more)
    layer.build(shape)
    randomize(layer, np.random.default_rng(1))
    return layer


@every_kind
@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_it_computes_what_its_reference_says(kind, training, dtype, x):
    layer = built(kind, dtype)
    expected = references.NORMALIZATIONS[kind](
        x, weights(layer), training, **options(BETWEEN[kind])
    )
    np.testing.assert_allclose(
        layer(x.astype(dtype), training=training),
        expected,
        rtol=0,
        atol=TOLERANCE[dtype] * np.abs(expected).max(),
    )


@pytest.mark.parametrize(
    "kind",
    sorted(
        {kind for kind, row in BETWEEN.items() if "head" in row.places}
        | {"batch_time_step", "layer_per_head"}
    ),
)
def test_vectors_are_normalized_as_windows_are(kind, rng):
    x, layer = rng.normal(size=(6, 4)), built(kind, shape=(None, 4))
    expected = references.NORMALIZATIONS[kind](x, weights(layer), True, **options(BETWEEN[kind]))
    np.testing.assert_allclose(layer(x, training=True), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", sorted(set(BETWEEN) - OF_THE_BATCH))
def test_training_and_inference_are_the_same_without_running_averages(kind, x):
    layer = built(kind)
    np.testing.assert_array_equal(layer(x, training=True), layer(x, training=False))


@pytest.mark.parametrize(("kind", "axis"), [("batch", (0, 1)), ("batch_time_step", 0)])
def test_running_averages_follow_their_recurrence(kind, axis, rng):
    layer = built(kind, momentum=0.8)
    mean, variance = weights(layer)["moving_mean"], weights(layer)["moving_variance"]
    for _ in range(5):
        x = rng.normal(3.0, 2.0, size=(6, 5, 4))
        layer(x, training=True)
        layer(x, training=False)
        mean, variance = 0.8 * mean + 0.2 * x.mean(axis), 0.8 * variance + 0.2 * x.var(axis)
    np.testing.assert_allclose(weights(layer)["moving_mean"], mean, rtol=1e-12)
    np.testing.assert_allclose(weights(layer)["moving_variance"], variance, rtol=1e-12)


@pytest.mark.parametrize("kind", sorted(OF_THE_BATCH))
def test_inference_becomes_training_when_the_statistics_have_settled(kind, x):
    layer = built(kind, momentum=0.5)
    before = np.abs(layer(x, training=True) - layer(x, training=False)).max()
    for _ in range(60):
        layer(x, training=True)
    np.testing.assert_allclose(layer(x, training=True), layer(x, training=False), atol=1e-9)
    assert before > 0.1


@pytest.mark.parametrize("kind", sorted({"batch", "batch_time_step"}))
def test_what_is_left_of_the_initial_statistics_is_the_momentum_to_the_number_of_steps(kind, x):
    layer = make(BETWEEN[kind], momentum=0.9, dtype="float64")
    for step in range(1, 30):
        layer(x, training=True)
        left = (weights(layer)["moving_variance"] - x.var((0, 1) if kind == "batch" else 0)) / (
            1 - x.var((0, 1) if kind == "batch" else 0)
        )
        np.testing.assert_allclose(left, 0.9**step, rtol=1e-9)


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_dropout_before_batch_norm_makes_inference_too_narrow(rate, rng):
    """Training shows a variance of 1 / (1 - rate), inference 1 (Li et al., 2019)."""
    x = rng.normal(size=(20_000, 1, 4))
    network = keras.Sequential(
        [
            make(FEED_FORWARD["standard"], rate=rate, seed=1),
            make(BETWEEN["batch"], momentum=0.0, epsilon=1e-9),
        ]
    )
    assert abs(np.asarray(network(x, training=True)).std() - 1) < 1e-3
    assert abs(np.asarray(network(x)).std() - np.sqrt(1 - rate)) < 0.01


@pytest.mark.parametrize(
    ("kind", "axis"),
    [("batch", (0, 1)), ("batch_time_step", 0), ("batch_always", (0, 1)), ("instance", 1)],
)
def test_what_comes_out_has_mean_beta_and_variance_gamma_squared(kind, axis, rng):
    x, layer = rng.normal(5.0, 30.0, size=(64, 5, 4)), built(kind, epsilon=1e-12)
    y, w = np.asarray(layer(x, training=True)), weights(layer)
    np.testing.assert_allclose(
        y.mean(axis), np.broadcast_to(w["beta"], y.mean(axis).shape), atol=1e-9
    )
    np.testing.assert_allclose(
        y.var(axis), np.broadcast_to(w["gamma"] ** 2, y.var(axis).shape), rtol=1e-9
    )


@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
@every_kind
def test_a_window_depends_on_its_batch_only_where_the_kind_says_so(kind, training, x):
    layer, others = built(kind), np.concatenate([x[:1], x[1:] + 1.0])
    same = np.allclose(layer(x, training=training)[0], layer(others, training=training)[0])
    assert same == (kind != "batch_always" and not (training and kind in OF_THE_BATCH))


@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
@every_kind
def test_the_past_depends_on_the_future_only_where_the_kind_says_so(kind, training, x):
    layer, changed = built(kind), x.copy()
    changed[:, 3:] += 1.0
    causal = np.allclose(
        layer(x, training=training)[:, :3], layer(changed, training=training)[:, :3]
    )
    over_time = {"group", "instance", "batch_always"} | (
        {"batch", "batch_renorm"} if training else set()
    )
    assert causal == (kind not in over_time)


def test_group_norm_of_as_many_groups_as_channels_is_instance_norm(x):
    np.testing.assert_allclose(
        keras.layers.GroupNormalization(groups=4, dtype="float64")(x),
        InstanceNormalization(dtype="float64")(x),
        atol=1e-12,
    )


def test_layer_norm_of_one_head_is_layer_norm_and_of_two_that_of_each_half(x):
    one = make(BETWEEN["layer_per_head"], heads=1, epsilon=1e-3, dtype="float64")
    two = make(BETWEEN["layer_per_head"], epsilon=1e-3, dtype="float64")
    whole = make(BETWEEN["layer"], dtype="float64")
    half = make(BETWEEN["layer"], dtype="float64")
    np.testing.assert_allclose(one(x), whole(x), atol=1e-12)
    np.testing.assert_allclose(two(x)[..., 2:], half(x[..., 2:]), atol=1e-12)


def test_heads_that_do_not_divide_the_channels_are_rejected():
    with pytest.raises(ValueError, match=r"4 channels; .* a multiple of heads, 3"):
        make(BETWEEN["layer_per_head"], heads=3).build((None, 5, 4))


def test_layer_norm_ignores_shift_and_scale_and_rms_norm_only_scale(x):
    layer, rms = built("layer", epsilon=1e-12), built("rms", epsilon=1e-12)
    np.testing.assert_allclose(layer(3 * x + 2), layer(x), atol=1e-9)
    np.testing.assert_allclose(rms(3 * x), rms(x), atol=1e-9)
    assert np.abs(rms(x + 2) - rms(x)).max() > 0.1


def test_renormalization_is_batch_norm_while_batch_and_running_statistics_agree(x):
    layer = built("batch_renorm")
    layer.renorm_mean.assign(x.mean((0, 1)))
    layer.renorm_stddev.assign(np.sqrt(x.var((0, 1)) + layer.epsilon))
    expected = references.batch(x, weights(layer), True, 0.99, 1e-3, True)
    np.testing.assert_allclose(layer(x, training=True), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("spread", "level", "r", "d"), [(1e3, 1e6, 2.0, 1.0), (1e-3, -1e6, 0.5, -1.0)]
)
def test_renormalization_stays_within_its_limits(spread, level, r, d, x):
    standard = make(BETWEEN["batch_always"], epsilon=1e-12, dtype="float64")
    layer = make(BETWEEN["batch_renorm"], rmax=2.0, dmax=1.0, epsilon=1e-12, dtype="float64")
    np.testing.assert_allclose(
        layer(spread * x + level, training=True), r * standard(x) + d, rtol=1e-5, atol=1e-5
    )


def test_batch_norm_commutes_with_average_pooling_at_inference_only(x):
    before, after, pool = built("batch"), built("batch"), Pooling("average", 2, dtype="float64")
    np.testing.assert_allclose(pool(before(x)), after(pool(x)), atol=1e-12)
    assert np.abs(pool(before(x, training=True)) - after(pool(x), training=True)).max() > 0.1


@pytest.mark.parametrize("kind", ["dyt", "derf"])
def test_an_outlier_is_squashed_and_moves_no_other_value(kind, x):
    layer, outlier = make(BETWEEN[kind], alpha=0.5, dtype="float64"), x.copy()
    outlier[0, 2, 1] = 1e6
    y, moved = np.asarray(layer(x)), np.asarray(layer(outlier))
    assert np.argwhere(y != moved).tolist() == [[0, 2, 1]]
    np.testing.assert_allclose(moved[0, 2, 1], 1.0, rtol=1e-12)


@pytest.mark.parametrize(("kind", "slope"), [("dyt", 0.25), ("derf", 0.5 / np.sqrt(np.pi))])
def test_near_zero_a_squashing_has_the_slope_that_alpha_says(kind, slope):
    layer = make(BETWEEN[kind], alpha=0.25, dtype="float64")
    np.testing.assert_allclose(layer(np.full((1, 1), 1e-4)), 1e-4 * slope, rtol=1e-7)


def test_scale_off_leaves_gamma_at_one_and_out_of_training(x):
    layer = make(BETWEEN["batch_time_step"], scale=False)
    layer(x)
    assert [variable.name for variable in layer.trainable_variables] == ["beta"]
    np.testing.assert_array_equal(layer.gamma, np.ones(4))


def test_a_frozen_layer_uses_its_stored_statistics_as_keras_batch_norm_does(x):
    layer = TimeStepBatchNormalization(dtype="float64", trainable=False)
    np.testing.assert_array_equal(layer(x, training=True), layer(x, training=False))


def test_the_gradient_of_unit_norm_at_zero_is_bounded():
    x = tf.zeros((1, 3, 4))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(UnitNormalization(epsilon=1e-6)(x))
    np.testing.assert_allclose(tape.gradient(y, x), 1000.0, rtol=1e-5)


@pytest.mark.parametrize("shape", [(None, 4), (None, 1, 4)])
def test_instance_norm_rejects_inputs_without_time(shape):
    with pytest.raises(ValueError, match="time above 1"):
        InstanceNormalization().build(shape)


@every_kind
def test_half_precision_is_normalized_in_single(kind, rng):
    x = (300 + 100 * rng.normal(size=(64, 5, 4))).astype("float16")  # squares overflow float16
    y = built(kind, "mixed_float16")(x, training=True)
    assert y.dtype == tf.float16
    assert np.isfinite(np.asarray(y, np.float32)).all()
