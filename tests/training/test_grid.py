"""A grid trains as one fleet: each replica as it would alone, at its own point, with one trace."""

from collections import deque
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.config.slots import Slot
from pipeline.training.engine.grid import SPAN, Grid, seeds, split
from pipeline.training.engine.train_state import TrainState, learn

from .conftest import SHAPE, TRAIN, tiny

RATES, DECAYS = (0.002, 0.01, 0.002), (0.0, 0.0, 0.3)
NUMBERS = tuple(SPAN * point + seed for point in range(3) for seed in (0, 4))
EMA = Slot("ema", {"decay": 0.9}, type(TRAIN)(average={"kind": "ema", "decay": 0.9}).average.row)
AVERAGED = TRAIN.model_copy(update={"average": EMA})


def make(samples: Any, rate: float, decay: float, grid: Grid | None = None) -> Any:
    from pipeline.training.engine.fleet import Fleet
    from pipeline.training.engine.replicas import Replicas

    optimizer = replace(TRAIN.optimizer, options={**TRAIN.optimizer.options, "weight_decay": decay})
    train = AVERAGED.model_copy(update={"learning_rate": rate, "optimizer": optimizer})
    return Fleet(Replicas(tiny("monte_carlo"), SHAPE), train, samples, grid)


def trained(fleet: Any, numbers: tuple[int, ...], checkpoint: Any = None) -> TrainState:
    return deque(learn(fleet, AVERAGED, numbers, checkpoint), maxlen=1)[0]


@pytest.fixture(scope="module")
def grid(samples: Any) -> Any:
    return make(samples, 9.0, 0.9, Grid(RATES, DECAYS))  # its own settings are those of no replica


def test_a_number_holds_point_and_seed_and_a_single_point_leaves_the_seed() -> None:
    assert [split(number) for number in NUMBERS] == [(p, s) for p in range(3) for s in (0, 4)]
    assert seeds([0, 7, SPAN + 7]) == [0, 7, 7]


def test_each_replica_of_a_grid_is_what_it_is_alone(samples: Any, grid: Any) -> None:
    whole = trained(grid, NUMBERS)
    assert grid._train.experimental_get_tracing_count() == 1
    for point in (1, 2):
        alone = trained(make(samples, RATES[point], DECAYS[point]), (0, 4))
        rows = slice(2 * point, 2 * point + 2)
        np.testing.assert_allclose(whole.best_weights[rows], alone.best_weights, atol=2e-4)
        np.testing.assert_array_equal(whole.best_epoch[rows], alone.best_epoch)
    assert np.abs(whole.best_weights[0] - whole.best_weights[4]).max() > 1e-3  # the decay matters


def test_an_interrupted_grid_ends_with_the_same_bits(grid: Any) -> None:
    through = trained(grid, NUMBERS)
    steps = learn(grid, AVERAGED, NUMBERS)
    next(steps), next(steps)
    resumed = trained(grid, NUMBERS, next(steps).save())
    np.testing.assert_array_equal(resumed.best_weights, through.best_weights)
    np.testing.assert_array_equal(resumed.history, through.history)


def test_a_grid_of_one_point_is_an_ordinary_fleet_to_the_bit(samples: Any) -> None:
    ordinary = trained(make(samples, 0.01, 0.1), (0, 4))
    single = trained(make(samples, 0.01, 0.1, Grid((0.01,), (0.1,))), (0, 4))
    np.testing.assert_array_equal(single.best_weights, ordinary.best_weights)
    np.testing.assert_array_equal(single.history, ordinary.history)
