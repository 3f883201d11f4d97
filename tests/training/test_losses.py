"""Losses against those of Keras and scikit-learn, and the forecast that minimizes each."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import mean_pinball_loss

from pipeline.config.learning import LOSSES, Train
from pipeline.training.engine.fleet import bind

RNG = np.random.default_rng(0)
TRUTH, FORECAST = (RNG.standard_normal((20, 4)).astype("float32") for _ in range(2))
ORACLES: dict[str, Any] = {
    "mse": (({"kind": "mse"}, keras.losses.MeanSquaredError()),),
    "mae": (({"kind": "mae"}, keras.losses.MeanAbsoluteError()),),
    "huber": tuple(
        ({"kind": "huber", "delta": delta}, keras.losses.Huber(delta)) for delta in (1.0, 0.3)
    ),
    "pinball": tuple(
        (
            {"kind": "pinball", "quantile": q},
            lambda truth, forecast, q=q: mean_pinball_loss(
                truth.ravel(), forecast.ravel(), alpha=q
            ),
        )
        for q in (0.1, 0.5, 0.9)
    ),
}


def loss(setting: Any) -> Any:
    return bind(Train.model_validate({"loss": setting}).loss)


@pytest.mark.parametrize("kind", LOSSES)
def test_a_loss_is_that_of_its_oracle(kind: str) -> None:
    for setting, oracle in ORACLES[kind]:
        np.testing.assert_allclose(
            np.mean(loss(setting)(tf.constant(FORECAST - TRUTH))),
            oracle(TRUTH, FORECAST),
            rtol=1e-6,
        )


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.8])
def test_the_constant_with_the_smallest_pinball_loss_is_the_quantile(quantile: float) -> None:
    sample = RNG.exponential(size=1001).astype("float32")
    candidates = np.sort(sample)
    costs = np.mean(
        loss({"kind": "pinball", "quantile": quantile})(tf.constant(candidates[:, None] - sample)),
        axis=1,
    )
    np.testing.assert_allclose(
        candidates[np.argmin(costs)], np.quantile(sample, quantile), rtol=0.01
    )
