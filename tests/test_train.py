"""Which seeds train together: what the store has begun stays as it was, and the rest is spread over the workers."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.config.learning import Train
from pipeline.config.model import Model, Shape
from pipeline.train import _missing
from pipeline.training.jobs.store import FleetStore
from pipeline.training.jobs.task import FleetTask


def task(name: str, seeds: int = 5, **train: int) -> FleetTask:
    return FleetTask(
        name, name, Model(), Train(**train), Shape(8, 2, 1), tuple(range(seeds)), Path(), Path()
    )


def keep(store: FleetStore, name: str, *seeds: int) -> None:
    for seed in seeds:
        with store.keep(f"{name}/{seed}") as folder:
            (folder / "weights").write_text("weights")


def missing(
    store: FleetStore, *tasks: FleetTask, workers: int = 2
) -> list[tuple[str, tuple[int, ...]]]:
    return [(fleet.variant, fleet.seeds) for fleet in _missing(tasks, store, workers)]


@pytest.fixture
def store(tmp_path: Path) -> FleetStore:
    return FleetStore(tmp_path)


def test_variants_are_whole_fleets_where_they_are_as_many_as_workers_and_the_longest_comes_first(
    store: FleetStore,
) -> None:
    assert missing(store, task("short", epochs=2), task("long", epochs=9)) == [
        ("long", (0, 1, 2, 3, 4)),
        ("short", (0, 1, 2, 3, 4)),
    ]


def test_the_seeds_of_the_only_variant_that_lacks_something_are_split_over_the_workers(
    store: FleetStore,
) -> None:
    keep(store, "one", *range(5))
    assert missing(store, task("one"), task("two")) == [("two", (0, 2, 4)), ("two", (1, 3))]


def test_too_many_seeds_for_a_fleet_are_split(store: FleetStore) -> None:
    assert missing(store, task("many", fleet=2), workers=1) == [
        ("many", (0, 3)),
        ("many", (1, 4)),
        ("many", (2,)),
    ]


def test_what_was_begun_stays_as_it_was_when_there_is_less_to_do_or_another_number_of_workers(
    store: FleetStore,
) -> None:
    first = missing(store, task("one"), task("two"))
    keep(store, "one", *range(5))
    assert missing(store, task("one"), task("two"), workers=7) == [
        fleet for fleet in first if fleet[0] == "two"
    ]


def test_more_seeds_are_fleets_of_their_own(store: FleetStore) -> None:
    missing(store, task("one"), workers=1)
    keep(store, "one", *range(5))
    assert missing(store, task("one", seeds=8), workers=1) == [("one", (5, 6, 7))]
    keep(store, "one", 5)
    assert missing(store, task("one", seeds=8), workers=1) == [("one", (5, 6, 7))]


def test_a_broken_replica_is_trained_again_with_those_it_was_trained_with(
    store: FleetStore,
) -> None:
    missing(store, task("one"))
    keep(store, "one", *range(5))
    (store.folder / "one/1/weights").write_text("weightz")
    assert missing(store, task("one")) == [("one", (1, 3))]


@pytest.mark.parametrize("content", ["", "7", "[7]", '[["a"]]'])
def test_a_plan_that_cannot_be_read_is_none(store: FleetStore, content: str) -> None:
    missing(store, task("one"))
    (store.folder / "one/fleets.json").write_text(content)
    assert store.planned("one") == []


def test_fewer_seeds_than_were_begun_are_planned_anew(store: FleetStore) -> None:
    missing(store, task("one"), workers=1)
    assert missing(store, replace(task("one"), seeds=(0, 1)), workers=1) == [("one", (0, 1))]
