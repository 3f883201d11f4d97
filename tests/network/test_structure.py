"""Convolution, pooling, squeeze-and-excitation and dense layers, and which samples they see."""

import keras
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.network.layers.convolution import CausalConv1D
from pipeline.network.layers.dense import Dense
from pipeline.network.layers.pooling import Pooling
from pipeline.network.layers.squeeze_excite import SqueezeExcite
from tests.network import references
from tests.network.examples import randomize

REDUCE = {"average": np.mean, "max": np.max}


def windows(time=7, channels=4, dtype="float64"):
    return np.random.default_rng(0).normal(size=(3, time, channels)).astype(dtype)


@settings(max_examples=40, deadline=None)
@given(
    time=st.integers(1, 12),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 5),
    dilation=st.integers(1, 3),
)
def test_a_convolution_is_its_reference_for_every_length_kernel_stride_and_dilation(
    time, kernel, stride, dilation
):
    assume(stride == 1 or dilation == 1)  # Keras rejects both at once
    x, layer = (
        windows(time),
        CausalConv1D(2, kernel, stride, dilation, dtype="float64", bias_initializer="ones"),
    )
    y = layer(x)
    np.testing.assert_allclose(
        y,
        references.convolution(x, layer.kernel.numpy(), layer.bias.numpy(), stride, dilation),
        atol=1e-12,
    )
    assert y.shape == layer.compute_output_shape(x.shape)


def test_without_a_stride_a_convolution_is_that_of_keras():
    x, layer = windows(dtype="float32"), CausalConv1D(5, 3, dilation_rate=2, activation="relu")
    theirs = keras.layers.Conv1D(5, 3, padding="causal", dilation_rate=2, activation="relu")
    theirs.build(x.shape)
    layer(x)
    layer.set_weights(theirs.get_weights())
    np.testing.assert_allclose(layer(x), theirs(x), atol=1e-6)


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
def test_the_last_output_ends_at_the_newest_sample_and_no_output_sees_what_follows_it(stride):
    x, layer = windows(8), CausalConv1D(2, 4, stride, dtype="float64")
    before = np.asarray(layer(x))
    for changed in range(8):
        other = x.copy()
        other[:, changed] += 1
        moved = (np.asarray(layer(other)) != before).any(axis=(0, 2))
        ends = np.arange(7, -1, -stride)[::-1]
        assert moved.tolist() == [end - 3 <= changed <= end for end in ends]


@pytest.mark.parametrize("kind", REDUCE)
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pooling_is_its_reference_for_lengths_that_divide_or_not(kind, size):
    x, pool = windows(), Pooling(kind, size)
    np.testing.assert_allclose(pool(x), references.pooling(x, REDUCE[kind], size), atol=1e-6)
    assert pool.compute_output_shape((None, 7, 4)) == (None, 7 // size, 4)


@pytest.mark.parametrize("kind", REDUCE)
def test_pooling_is_that_of_keras_where_the_length_divides(kind):
    x, theirs = (
        windows(6, dtype="float32"),
        {"average": keras.layers.AveragePooling1D, "max": keras.layers.MaxPooling1D}[kind](3),
    )
    np.testing.assert_allclose(Pooling(kind, 3)(x), theirs(x), atol=1e-6)


@pytest.mark.parametrize("kind", REDUCE)
def test_pooling_leaves_out_the_oldest_samples_and_never_the_newest(kind):
    x = np.arange(7.0).reshape(1, 7, 1)
    np.testing.assert_array_equal(
        np.ravel(Pooling(kind, 3)(x)), {"average": [2, 5], "max": [3, 6]}[kind]
    )


def test_a_window_shorter_than_the_pool_is_rejected():
    with pytest.raises(ValueError, match="has 2 steps; it must have at least size, 3"):
        Pooling("max", 3)(np.ones((1, 2, 1)))


def test_squeeze_and_excitation_is_its_reference():
    x, layer = windows(channels=8), SqueezeExcite(4, dtype="float64")
    y = layer(x)
    np.testing.assert_allclose(
        y, references.squeeze_excite(x, layer.squeeze.numpy(), layer.excite.numpy()), atol=1e-12
    )


def test_the_gates_are_constant_over_time_between_zero_and_one_and_about_a_half_at_the_start():
    x = windows(channels=64)
    gates = np.asarray(SqueezeExcite(4, dtype="float64")(x)) / x
    np.testing.assert_allclose(gates, np.broadcast_to(gates[:, :1], gates.shape), rtol=1e-9)
    assert 0 < gates.min() < gates.max() < 1
    assert abs(gates.mean() - 0.5) < 0.1


def test_the_gates_see_the_whole_window_so_that_it_is_not_causal():
    x, layer = windows(channels=8), SqueezeExcite(4, dtype="float64")
    before, other = np.asarray(layer(x)), x.copy()
    other[:, -1] += 1
    assert (np.asarray(layer(other)) != before)[:, :-1].any(axis=(0, 2)).all()


@pytest.mark.parametrize("kind", REDUCE)
@pytest.mark.parametrize("stride", [1, 2])
def test_a_stack_of_causal_layers_is_causal(kind, stride):
    x, layers = (
        windows(12),
        [
            CausalConv1D(8, 3, stride, dtype="float64"),
            Pooling(kind, 2, dtype="float64"),
            Dense(8, dtype="float64"),
        ],
    )
    before, after = x, x.copy()
    after[:, -2 * stride :] += 1  # what the last output alone may see
    for each in layers:
        before, after = each(before), each(after)
    moved = np.abs(np.asarray(after) - before).max(axis=(0, 2)) > 1e-12
    assert moved.tolist() == [False] * (len(moved) - 1) + [True]


@pytest.mark.parametrize(("channels", "narrow"), [(10, 2), (4, 1), (3, 1), (1, 1)])
def test_the_narrow_layer_has_at_least_one_unit(channels, narrow):
    layer = SqueezeExcite(4)
    layer.build((None, 7, channels))
    assert [weight.shape for weight in layer.weights] == [(channels, narrow), (narrow, channels)]


@pytest.mark.parametrize("shape", [(3, 4), (3, 7, 4)], ids=["vectors", "windows"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_dense_is_that_of_keras(shape, use_bias):
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    layer, theirs = (
        Dense(5, activation="selu", use_bias=use_bias),
        keras.layers.Dense(5, activation="selu", use_bias=use_bias),
    )
    layer(x), theirs(x)
    randomize(theirs, np.random.default_rng(1))
    layer.set_weights(theirs.get_weights())
    np.testing.assert_allclose(layer(x), theirs(x), atol=1e-5)
