"""Every variant of `params.yaml`, shrunk to a few units: it forecasts, saves, learns, and is in a fleet what it is alone."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from pipeline import params
from pipeline.network.assembly import build
from pipeline.network.configuration import Model, Shape
from pipeline.params import Train
from pipeline.training.fleet import Fleet
from pipeline.training.replicas import Replicas
from pipeline.training.samples import Samples

PARAMS = params.read(Path(__file__).parents[2] / "params.yaml")
VARIANTS = {variant.name: variant for variant in PARAMS.variants}
ROWS = np.random.default_rng(0).standard_normal((60, 5)).astype(np.float32)


def shape(model: Model) -> Shape:
    """As few steps as show everything, which is two in the recurrent layer."""
    return Shape(lookback=4 if model.conv.stride == 1 else model.conv.stride + 1, horizon=2, targets=1, covariates=2, known=2)


def shrunk(model: Model) -> Model:
    """The same slots over four filters and four units."""
    conv = model.conv.model_copy(update={"filters": (4,) * len(model.conv.filters)})
    recurrent = model.recurrent.model_copy(update={"units": (4,) * len(model.recurrent.units)})
    return model.model_copy(update={"conv": conv, "recurrent": recurrent})


@pytest.fixture(params=sorted(VARIANTS))
def model(request: pytest.FixtureRequest) -> Model:
    return shrunk(VARIANTS[request.param].model)


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
def test_a_variant_forecasts_and_comes_back_from_its_file_as_it_was(model: Model, tmp_path: Path) -> None:
    windows = np.stack([ROWS[i : i + shape(model).lookback] for i in range(5)])
    network = build(model, shape(model), 0, ROWS)
    network(windows, training=True)  # so that moving statistics are not those of the start
    streams = [np.array(v) for v in network.non_trainable_variables if v.name == "seed_generator_state"]
    forecast = np.array(network(windows))
    assert forecast.shape == (len(windows), 2, 1)
    assert np.isfinite(forecast).all()
    network.save(tmp_path / "network.keras")
    again = type(network).from_config(network.get_config())
    again.set_weights(network.get_weights())
    for other in (keras.models.load_model(tmp_path / "network.keras"), again):
        resume(other, streams)
        np.testing.assert_array_equal(other(windows), forecast)


def resume(network: Any, streams: list[Any]) -> None:
    """Put dropout streams, whose state Keras does not save, where they were."""
    mine = [v for v in network.non_trainable_variables if v.name == "seed_generator_state"]
    for variable, value in zip(mine, streams, strict=True):
        variable.assign(value)


def test_a_variant_in_a_fleet_steps_as_it_does_alone_and_every_weight_learns(model: Model) -> None:
    starts = np.arange(40)
    samples = Samples.on_device(ROWS, np.abs(ROWS[:, :1]), starts, starts, shape(model))
    fleet = Fleet(Replicas(model, shape(model), ROWS), Train(optimizer="sgd", batch=16), samples)
    before = fleet.initial([3, 5])
    together, alone = step(fleet, before, [3, 5]), step(fleet, before.take([1]), [5])
    np.testing.assert_allclose(together.weights[1], alone.weights[0], atol=2e-5)
    for mixed, single in zip(together.statistics, alone.statistics, strict=True):
        np.testing.assert_allclose(mixed[1], single[0], atol=1e-5)
    moved = np.split(np.array(together.weights != before.weights), np.cumsum(fleet.replicas.sizes)[:-1], axis=1)
    assert [v.path for v, changed in zip(fleet.replicas.trainable, moved, strict=True) if not changed.any()] == []


def step(fleet: Any, state: Any, seeds: list[int]) -> Any:
    batches = fleet.samples.batches(16, seeds, 0)[:1]
    return fleet.epoch(state, seeds, 0, batches, np.full(len(seeds), 0.05))[0]
