"""Which seeds train together: begun fleets stay as they were, others are spread over workers."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.config.learning import Train
from pipeline.config.model import Model, Shape
from pipeline.training.jobs.plan import Plan, Stored, plan
from pipeline.training.jobs.task import FleetTask

ALL = (0, 1, 2, 3, 4)


def task(name: str, seeds: int = 5, **train: int) -> FleetTask:
    return FleetTask(
        name, name, Model(), Train(**train), Shape(8, 2, 1), tuple(range(seeds)), Path(), Path()
    )


def nothing(name: str, seeds: int = 5, **train: int) -> Stored:
    """A variant of which the store holds nothing."""
    return Stored(task(name, seeds, **train), [], [])


def to_train(plans: Sequence[Plan]) -> list[tuple[str, tuple[int, ...]]]:
    return [(fleet.variant, fleet.seeds) for each in plans for fleet in each.tasks]


def test_with_as_many_variants_as_workers_each_is_one_fleet_and_the_longest_comes_first() -> None:
    plans = plan([nothing("short", epochs=2), nothing("long", epochs=9)], workers=2)
    assert to_train(plans) == [("long", ALL), ("short", ALL)]


def test_what_is_finished_is_not_planned() -> None:
    assert plan([Stored(task("one"), ALL, [ALL])], workers=2) == []


def test_the_seeds_of_the_only_unfinished_variant_are_split_over_the_workers() -> None:
    finished = Stored(task("one"), ALL, [ALL])
    plans = plan([finished, nothing("two")], workers=2)
    assert to_train(plans) == [("two", (0, 2, 4)), ("two", (1, 3))]


def test_too_many_seeds_for_one_fleet_are_split() -> None:
    plans = plan([nothing("many", fleet=2)], workers=1)
    assert [seeds for _, seeds in to_train(plans)] == [(0, 3), (1, 4), (2,)]


def test_begun_fleets_stay_as_they_were_with_less_to_do_or_another_number_of_workers() -> None:
    (_, begun) = plan([nothing("one"), nothing("two")], workers=2)
    again = Stored(begun.task, [], begun.fleets)
    assert to_train(plan([again], workers=7)) == to_train([begun])


def test_more_seeds_are_fleets_of_their_own() -> None:
    eight = task("one", seeds=8)
    (first,) = plan([Stored(eight, ALL, [ALL])], workers=1)
    assert first.fleets == [ALL, (5, 6, 7)]
    assert to_train([first]) == [("one", (5, 6, 7))]
    (second,) = plan([Stored(eight, [*ALL, 5], first.fleets)], workers=1)
    assert to_train([second]) == [("one", (5, 6, 7))]


def test_a_damaged_replica_is_trained_again_with_those_it_was_trained_with() -> None:
    damaged = Stored(task("one"), [0, 2, 3, 4], [(0, 2, 4), (1, 3)])
    assert to_train(plan([damaged], workers=2)) == [("one", (1, 3))]


def test_fewer_seeds_than_were_begun_are_planned_anew() -> None:
    fewer = Stored(replace(task("one"), seeds=(0, 1)), [], [ALL])
    assert to_train(plan([fewer], workers=1)) == [("one", (0, 1))]
