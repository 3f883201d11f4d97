"""A tiny task on which a fleet trains in a second: a slow wave and noise.

It has one target, one past covariate, and a calendar pair as future covariates.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.config.learning import Train
from pipeline.config.model import Model, Shape

SHAPE = Shape(lookback=8, horizon=2, targets=1, past=1, future=2)
TRAIN = Train(seeds=3, epochs=4, batch=16, patience=2, learning_rate=0.01)
OVERLAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "noisy": {
        "conv": {
            "filters": 2,
            "normalization": "batch",
            "dropout": {"kind": "standard", "rate": 0.2},
        },
        "recurrent": {"units": 3, "recurrent_dropout": {"kind": "keras", "rate": 0.2}},
    },
    "many_to_many": {"head": {"sequence": True}},
    "per_step": {"head": {"kind": "per_step", "hidden": 4}},
    "monte_carlo": {
        "conv": {"filters": 2, "dropout": {"kind": "standard", "rate": 0.5, "monte_carlo": True}}
    },
}


def tiny(name: str = "plain") -> Model:
    return Model.model_validate(
        {"conv": {"filters": 2}, "recurrent": {"units": 3}} | OVERLAYS[name]
    )


@pytest.fixture(scope="session")
def samples() -> Any:
    from pipeline.training.engine.samples import Samples

    rows = np.arange(400)
    noise = np.random.default_rng(0).standard_normal((400, 2)) * 0.1
    wave = np.stack([np.sin(rows / 5), np.cos(rows / 5)], axis=1)
    data = np.concatenate([wave + noise, wave], axis=1).astype(np.float32)
    return Samples(data, data[:, :1], np.arange(250), np.arange(260, 330), SHAPE)


@pytest.fixture(scope="session")
def holes(samples: Any) -> Any:
    """The same samples where a third of the truth is missing, once for longer than a batch."""
    missing = np.random.default_rng(1).random(samples.truth.shape) < 0.3
    missing[100:140] = True
    return replace(samples, truth=np.where(missing, np.nan, samples.truth).astype(np.float32))


@pytest.fixture(scope="session")
def fleet(samples: Any, holes: Any) -> Callable[..., Any]:
    """Fleets by the name of their overlay and the size of their batches, each traced once.

    With `masked` a part of the truth is missing.
    """
    from functools import cache

    from pipeline.training.engine.fleet import Fleet
    from pipeline.training.engine.replicas import Replicas

    return cache(
        lambda name="plain", batch=TRAIN.batch, masked=False: Fleet(
            Replicas(tiny(name), SHAPE),
            TRAIN.model_copy(update={"batch": batch}),
            holes if masked else samples,
        )
    )
