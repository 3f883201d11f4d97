"""Dropouts between layers: what their noise is like, and when there is any."""

import numpy as np
import pytest

from pipeline.network.layers.dropout import AlphaDropout
from tests.network import references
from tests.network.examples import FEED_FORWARD, make

RATE = 0.3
INVERTED = sorted(
    kind for kind, (formula, _) in references.DROPOUTS.items() if formula is references.inverted
)
every_kind = pytest.mark.parametrize("kind", FEED_FORWARD)


def layer(kind, seed=3, **more):
    return make(FEED_FORWARD[kind], **{"rate": RATE, "seed": seed, **more})


def of_ones(kind, shape=(64, 12, 8), **more):
    """What becomes of ones, which shows the noise."""
    return np.asarray(layer(kind, **more)(np.ones(shape, "float32"), training=True))


def state(dropout):
    return np.asarray(dropout.generator.state).tolist()


@every_kind
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_computes_what_its_reference_says(kind, dtype):
    x = np.random.default_rng(0).normal(size=(64, 12, 8))
    formula, _ = references.DROPOUTS[kind]
    y = layer(kind, dtype=dtype)(x.astype(dtype), training=True)
    np.testing.assert_allclose(
        y, formula(x, of_ones(kind, dtype=dtype), RATE), rtol=1e-6, atol=1e-6
    )


@every_kind
def test_the_noise_is_shared_along_the_axes_that_the_kind_says_and_no_other(kind):
    noise, (_, shared) = of_ones(kind), references.DROPOUTS[kind]
    assert [axis for axis in range(3) if (noise == noise.take([0], axis)).all()] == list(shared)


@pytest.mark.parametrize("kind", INVERTED)
def test_what_is_kept_is_scaled_by_one_over_the_share_that_is_kept(kind):
    noise = of_ones(kind)
    assert np.unique(noise).tolist() == [0.0, np.float32(1 / (1 - RATE))]


@pytest.mark.parametrize("kind", INVERTED)
@pytest.mark.parametrize("rate", [0.05, 0.5, 0.9])
def test_the_share_that_is_dropped_is_the_rate(kind, rate):
    noise = of_ones(kind, (400, 50, 50), rate=rate)
    independent = noise.size // np.prod(
        [noise.shape[axis] for axis in references.DROPOUTS[kind][1]]
    )
    assert abs((noise == 0).mean() - rate) < 4 * np.sqrt(rate * (1 - rate) / independent)


@pytest.mark.parametrize("kind", [*INVERTED, "gaussian"])
def test_the_mean_over_many_masks_is_what_inference_gives(kind):
    dropout, x = layer(kind), np.arange(1, 13, dtype="float32").reshape(1, 4, 3)
    mean = np.mean(
        [dropout(np.repeat(x, 500, axis=0), training=True) for _ in range(20)], axis=(0, 1)
    )
    np.testing.assert_allclose(mean, dropout(x)[0], rtol=4 * np.sqrt(RATE / (1 - RATE) / 10_000))


@every_kind
def test_nothing_happens_at_inference_or_at_rate_zero_and_no_randomness_is_spent(kind):
    x = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
    for dropout, training in [
        (layer(kind), False),
        (layer(kind), None),
        (layer(kind, rate=0.0), True),
    ]:
        before = state(dropout)
        np.testing.assert_array_equal(dropout(x, training=training), x)
        assert state(dropout) == before


@every_kind
def test_the_past_never_depends_on_the_future(kind):
    x, changed = np.random.default_rng(0).normal(size=(2, 4, 5, 3))
    changed[:, :3] = x[:, :3]
    before, after = (np.asarray(layer(kind)(each, training=True)) for each in (x, changed))
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert (before[:, 3:] != after[:, 3:]).any()


@every_kind
def test_monte_carlo_goes_on_at_inference_with_noise_like_that_of_training(kind):
    dropout, x = layer(kind, monte_carlo=True), np.ones((64, 12, 8), "float32")
    passes = [np.asarray(dropout(x, training=False)) for _ in range(2)]
    np.testing.assert_array_equal(passes[0], of_ones(kind))
    assert (passes[0] != passes[1]).any()


@every_kind
def test_the_spread_of_monte_carlo_passes_vanishes_with_the_rate(kind):
    def spread(rate):
        dropout = layer(kind, rate=rate, monte_carlo=True)
        return np.std([dropout(np.ones((64, 12, 8), "float32")) for _ in range(8)], axis=0).mean()

    assert spread(0.3) > spread(0.01) > 0


@every_kind
def test_the_same_seed_gives_the_same_noise_and_another_seed_or_call_another(kind):
    dropout, x = layer(kind), np.ones((64, 12, 8), "float32")
    first, second = np.asarray(dropout(x, training=True)), np.asarray(dropout(x, training=True))
    np.testing.assert_array_equal(first, of_ones(kind))
    assert (first != second).any()
    assert (first != of_ones(kind, seed=4)).any()


def test_gaussian_noise_has_mean_one_and_the_variance_of_dropout():
    noise = of_ones("gaussian", (200, 50, 50))
    assert abs(noise.mean() - 1) < 0.005
    assert abs(noise.std() - np.sqrt(RATE / (1 - RATE))) < 0.005
    assert abs(((noise - noise.mean()) ** 3).mean()) < 0.005


@pytest.mark.parametrize("kind", ["alpha", "alpha_feature"])
@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_alpha_dropout_keeps_mean_zero_and_variance_one(kind, rate):
    x = np.random.default_rng(0).normal(size=(4000, 4, 32)).astype("float32")
    y = np.asarray(layer(kind, rate=rate)(x, training=True))
    assert abs(y.mean()) < 0.02
    assert abs(y.var() - 1) < 0.03


def test_alpha_dropout_of_a_tenth_has_the_published_constants():
    kept, saturated = np.asarray([1.0, references.SELU_FLOOR]) * 0.92128 + 0.16197
    np.testing.assert_allclose(np.unique(of_ones("alpha", rate=0.1)), [saturated, kept], atol=2e-5)
    np.testing.assert_allclose(AlphaDropout.SATURATION, -1.7580993, atol=1e-7)


@every_kind
@pytest.mark.parametrize("rate", [1.0, -0.1, 20])
def test_a_rate_outside_its_range_is_rejected(kind, rate):
    with pytest.raises(ValueError, match="from 0 up to but not 1"):
        layer(kind, rate=rate)
