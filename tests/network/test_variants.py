"""Every variant of `params.yaml`, with few units: it forecasts, saves and learns, as in a fleet."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.config import params
from pipeline.config.model import Model, Shape
from pipeline.network.build import build
from pipeline.series.windows import gather
from pipeline.training.engine.replicas import Replicas

PARAMS = params.read(Path(__file__).parents[2] / "params.yaml")
VARIANTS = {variant.name: variant for variant in PARAMS.variants}
# one variant of those that differ in their training alone
NETWORKS = {each.model.model_dump_json(): each.name for each in reversed(PARAMS.variants)}
ROWS = np.random.default_rng(0).standard_normal((60, 5)).astype(np.float32)


def shape(model: Model) -> Shape:
    """As few steps as show everything, which is two in the recurrent layer."""
    _, _, stride, _ = (1, 1, 1, 1) if not model.conv.blocks else model.conv.blocks[0]
    return Shape(
        lookback=stride + 1 if model.pooling.kind == "none" else 4,
        horizon=2,
        targets=1,
        past=2,
        future=2,
        calendar=("hour_of_day_sin", "hour_of_day_cos"),
    )


def shrunk(model: Model) -> Model:
    """The same slots over four filters and four units, and pieces of one step."""
    conv = model.conv.model_copy(update={"filters": (4,) * len(model.conv.filters)})
    recurrent = model.recurrent.model_copy(
        update={
            "units": (4,) * len(model.recurrent.units),
            "stateful": model.recurrent.stateful and 1,
        }
    )
    return model.model_copy(update={"conv": conv, "recurrent": recurrent})


@pytest.fixture(params=sorted(NETWORKS.values()))
def model(request: pytest.FixtureRequest) -> Model:
    return shrunk(VARIANTS[request.param].model)


@pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
def test_a_variant_forecasts_and_comes_back_from_its_file_as_it_was(
    model: Model, tmp_path: Path
) -> None:
    inputs = windows(ROWS, shape(model), 5)
    network = build(model, shape(model), 0, ROWS)
    network(inputs, training=True)  # so that moving statistics are not those of the start
    streams = [
        np.array(v) for v in network.non_trainable_variables if v.name == "seed_generator_state"
    ]
    forecast = np.array(network(inputs))
    assert forecast.shape == (5, 2, 1)
    assert np.isfinite(forecast).all()
    network.save(tmp_path / "network.keras")
    again = type(network).from_config(network.get_config())
    again.set_weights(network.get_weights())
    for other in (keras.models.load_model(tmp_path / "network.keras"), again):
        resume(other, streams)
        np.testing.assert_array_equal(other(inputs), forecast)


def resume(network: Any, streams: list[Any]) -> None:
    """Put dropout streams, whose state Keras does not save, where they were."""
    mine = [v for v in network.non_trainable_variables if v.name == "seed_generator_state"]
    for variable, value in zip(mine, streams, strict=True):
        variable.assign(value)


def test_a_variant_in_a_fleet_learns_as_it_does_alone_with_every_weight_and_the_same_twice(
    model: Model,
) -> None:
    replicas, inputs = Replicas(model, shape(model), ROWS), windows(ROWS, shape(model), 16)
    weights, statistics = replicas.initial([3, 5])
    together = tf.function(
        lambda *state: tf.vectorized_map(lambda one: learn(replicas, inputs, *one), state)
    )
    first, again = together(weights, statistics), together(weights, statistics)
    alone = learn(
        replicas, inputs, *tf.nest.map_structure(lambda one: one[0], replicas.initial([5]))
    )
    tf.nest.map_structure(np.testing.assert_array_equal, first, again)
    tf.nest.map_structure(lambda mixed, single: assert_close(mixed[1], single), first, alone)
    learning = np.split(np.array(first[0] != 0), np.cumsum(replicas.sizes)[:-1], axis=1)
    assert [
        v.path for v, moves in zip(replicas.trainable, learning, strict=True) if not moves.any()
    ] == []


def assert_close(actual: Any, desired: Any) -> None:
    """Compare to single precision of the largest entry.

    Layer normalization of zeros has a slope as large as one over the root of its epsilon.
    """
    np.testing.assert_allclose(actual, desired, rtol=0, atol=2e-5 * max(1.0, np.abs(desired).max()))


def windows(rows: np.ndarray, shape: Shape, count: int) -> list[np.ndarray]:
    """Past and future of the first windows of `rows`."""
    past, future = gather(rows, np.arange(count), shape.lookback, shape.horizon, shape.future)
    return [past, future]


def learn(
    replicas: Replicas, inputs: list[np.ndarray], weights: Any, statistics: Any
) -> tuple[Any, Any]:
    """The gradient of one replica (parameter,) that is to forecast ones, and its new statistics."""
    with tf.GradientTape() as tape:
        tape.watch(weights)
        forecast, statistics = replicas.call(weights, statistics, *inputs, training=True)
        loss = tf.reduce_mean((forecast - 1) ** 2)
    return tape.gradient(loss, weights), statistics


@pytest.mark.parametrize(
    ("name", "units", "batch"),
    [("bidirectional_ln_stack_published", (100, 200), 128), ("many_to_many_published", (15,), 1)],
)
def test_a_network_that_was_published_runs_at_its_published_size(
    name: str, units: tuple[int, ...], batch: int
) -> None:
    variant = VARIANTS[name]
    assert (variant.model.recurrent.units, variant.train.batch) == (units, batch)
    rows = (
        np.random.default_rng(0)
        .standard_normal((200, PARAMS.expected_shape.channels))
        .astype(np.float32)
    )
    replicas = Replicas(variant.model, PARAMS.expected_shape, rows)
    gradient, _ = learn(
        replicas,
        windows(rows, PARAMS.expected_shape, batch),
        *tf.nest.map_structure(lambda one: one[0], replicas.initial([0])),
    )
    assert np.isfinite(gradient).all()
