"""Tuning: which points a variant has, where their replicas are stored, and which one is chosen."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.config.learning import Train
from pipeline.config.model import Model, Shape
from pipeline.config.tuning import Tune
from pipeline.config.variants import Variant
from pipeline.training.engine.grid import SPAN
from pipeline.training.jobs import tuning
from pipeline.training.jobs.fingerprint import fingerprint
from pipeline.training.jobs.store import FleetStore
from pipeline.training.jobs.task import FleetTask
from pipeline.training.jobs.tuning import Point

SHAPE = Shape(8, 2, 1)
GRID = {"learning_rate": [0.01, 0.001, 0.003], "weight_decay": [0.0, 0.1]}


def variant(tune: Any = None, **train: Any) -> Variant:
    settings = Train.model_validate({"seeds": 2, "tune": tune, **train})
    return Variant(name="one", family="one", model=Model(), train=settings)


def task(of: Variant) -> FleetTask:
    name = fingerprint(of.model, of.train, SHAPE, "data")
    seeds = tuple(range(of.train.seeds))
    return FleetTask(name, of.name, of.model, of.train, SHAPE, seeds, Path(), Path())


@pytest.fixture
def grid() -> list[Point]:
    return tuning.points(variant(GRID), task)


def test_the_grid_is_every_combination_in_increasing_order(grid: list[Point]) -> None:
    rates, decays = (0.001, 0.003, 0.01), (0.0, 0.1)
    expected = [{"learning_rate": r, "weight_decay": d} for r in rates for d in decays]
    assert [point.values for point in grid] == expected
    assert [point.variant.train.learning_rate for point in grid[::2]] == [*rates]
    assert grid[1].variant.train.optimizer.options["weight_decay"] == 0.1


def test_a_point_has_the_fingerprint_of_the_variant_with_these_settings(grid: list[Point]) -> None:
    optimizer = {"kind": "adam", "weight_decay": 0.1}
    written = variant(learning_rate=0.003, optimizer=optimizer)
    assert grid[3].task.fingerprint == task(written).fingerprint
    assert len({point.task.fingerprint for point in grid}) == 6


@pytest.mark.parametrize("off", [None, {}, {"learning_rate": None}])
def test_tuning_that_is_off_has_no_points_and_changes_no_fingerprint(off: Any) -> None:
    assert tuning.points(variant(off), task) == []
    assert task(variant(off)).fingerprint == task(variant()).fingerprint


def test_a_wider_grid_trains_its_new_points_only(tmp_path: Path, grid: list[Point]) -> None:
    store = FleetStore(tmp_path)
    for point in grid:
        for seed in point.task.seeds:
            with store.keep(point.task.fingerprint, seed) as folder:
                (folder / "weights").write_text("weights")
    assert tuning.finished(tuning.together(grid), store) == [*tuning.together(grid).seeds]
    wider = tuning.points(variant(GRID | {"learning_rate": [0.0003, 0.001, 0.003, 0.01]}), task)
    whole = tuning.together(wider)
    missing = set(whole.seeds).difference(tuning.finished(whole, store))
    assert missing == {0, 1, SPAN, SPAN + 1}
    assert store.used >= {whole.fingerprint, *whole.points}


def test_the_lowest_mean_wins_and_a_diverged_seed_loses(grid: list[Point]) -> None:
    losses = [[0.5, 0.3], [0.4, 0.41], [0.1, None], [0.39, 0.40], [0.45, 0.34], [0.9, 0.9]]
    found, best = tuning.choose(grid, losses)
    assert found["chosen"] == {"learning_rate": 0.003, "weight_decay": 0.1}
    assert best is grid[3].variant
    assert found["points"][2]["mean"] is None
    assert found["edges"] == {"weight_decay": "highest"}


def test_where_all_points_diverge_the_one_with_most_sound_seeds_is_kept(grid: list[Point]) -> None:
    found, _ = tuning.choose(grid, [[None, None]] * 4 + [[None, 7.0], [None, None]])
    assert found["chosen"] == grid[4].values


def test_an_optimum_at_the_edge_is_a_flag_unless_nothing_is_beyond(grid: list[Point]) -> None:
    lowest, _ = tuning.choose(grid, [[0.1, 0.1]] + [[0.2, 0.2]] * 5)
    assert lowest["edges"] == {"learning_rate": "lowest"}  # there is no decay below 0
    (flag,) = tuning.flags({"one": lowest, "two": lowest})
    assert flag["variants"] == {"one": 2, "two": 2}
    assert flag["line"] == (
        "2 of 2 tuned variants have their lowest validation loss at the lowest learning_rate that "
        "was tried: add lower values to train.tune.learning_rate (one, two)"
    )


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"learning_rate": [0.1, 0.1]}, "name every value once"),
        ({"learning_rate": [0]}, "greater than 0"),
        ({"weight_decay": [1.0]}, "less than 1"),
        ({"decay": [0.1]}, "Extra inputs"),
    ],
)
def test_a_grid_that_cannot_be_meant_is_rejected(wrong: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Tune.model_validate(wrong)
