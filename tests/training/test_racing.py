"""A race for seeds: its error rate, its rounds, its budget, and that it repeats itself."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind

from pipeline.config.learning import Race, Train
from pipeline.config.model import Model, Shape
from pipeline.core.files import write_json
from pipeline.training.jobs import race
from pipeline.training.jobs.racing import compare, decide, schedule
from pipeline.training.jobs.store import FleetStore
from pipeline.training.jobs.task import FleetTask

RACE = Race(first=5, most=20)
LEVELS = {"low": 0.50, "near": 0.503, "high": 0.60}  # near is within the margin of low


@pytest.fixture
def store(tmp_path: Path) -> FleetStore:
    return FleetStore(tmp_path)


def task(name: str, seeds: int | Race = RACE) -> FleetTask:
    train = Train(seeds=seeds)
    numbers = tuple(range(train.first_seeds))
    return FleetTask(name, name, Model(), train, Shape(8, 2, 1), numbers, Path(), Path())


def trainer(
    store: FleetStore, sd: float = 0.01, diverged: str = ""
) -> tuple[list[list[tuple[str, int]]], Callable[[list[FleetTask]], None]]:
    """What each round trained, and a training in the place of networks, of 6 s a seed."""
    rounds: list[list[tuple[str, int]]] = []

    def train(tasks: list[FleetTask]) -> None:
        new = [(t.variant, s) for t in tasks for s in t.seeds]
        new = [(name, s) for name, s in new if not store.finished(name, [s])]
        rounds.append(new)
        for name, seed in new:
            noise = np.random.default_rng([seed, *name.encode()]).standard_normal()
            loss = LEVELS[name] * (1 + sd * noise)
            with store.keep(name, seed) as folder:
                state = "diverged" if name == diverged else "trained"
                write_json(folder / "replica.json", {"state": state})
                write_json(folder / "cost.json", {"seconds": 6.0})
                curve = pd.DataFrame({"validation_loss": [loss + 1, loss, loss + 2]})
                curve.to_parquet(folder / "history.parquet")

    return rounds, train


def seeds_of(tasks: list[FleetTask]) -> dict[str, int]:
    return {each.variant: len(each.seeds) for each in tasks}


def studies(true: Any, noise: Callable[..., Any], count: int = 200) -> float:
    """The share of races in which the first variant, which is truly best, is dropped."""
    rng, lost = np.random.default_rng(0), 0
    for _ in range(count):
        losses = np.asarray(true)[:, None] + 0.007 * noise(rng, (len(true), 40))
        dropped: set[str] = set()
        for seeds in schedule(5, 40):
            left = {str(i): each[:seeds] for i, each in enumerate(losses) if str(i) not in dropped}
            found = decide(left, len(true), 4, 0.02)
            dropped |= {name for name, answer in found.items() if answer == "worse"}
        lost += "0" in dropped
    return lost / count


@pytest.mark.parametrize("true", [np.zeros(10), np.r_[0, np.full(9, 0.002)], np.arange(10) / 200])
@pytest.mark.parametrize(
    "noise",
    [
        lambda rng, shape: rng.standard_normal(shape),
        lambda rng, shape: rng.standard_t(5, shape),
        lambda rng, shape: rng.exponential(size=shape),
    ],
)
def test_the_truly_best_variant_is_dropped_in_at_most_a_twentieth_of_races(
    true: Any, noise: Callable[..., Any]
) -> None:
    assert studies(true, noise) <= 0.05 + 0.03  # two standard errors of 200 races


def test_a_comparison_is_the_test_of_welch() -> None:
    rng = np.random.default_rng(3)
    own, best = rng.normal(0.02, 0.01, 5), rng.normal(0, 0.03, 9)
    p = ttest_ind(own, best, equal_var=False, alternative="greater").pvalue
    assert compare(own, best, p * 1.01, 0.001) == "worse"
    assert compare(own, best, p * 0.99, 0.001) == "undecided"


def test_equivalent_needs_the_whole_interval_within_the_margin() -> None:
    own, best = np.array([0.0, 0.001, -0.001] * 4), np.array([0.0, 0.002, -0.002] * 4)
    assert compare(own, best, 0.01, 0.02) == "equivalent"
    assert compare(own, best, 0.01, 0.001) == "undecided"


def test_seeds_are_doubled_up_to_the_most() -> None:
    assert schedule(5, 40) == [5, 10, 20, 40]
    assert schedule(4, 10) == [4, 8, 10]
    assert schedule(3, 3) == [3]


def test_a_number_of_seeds_is_one_round_without_a_record(store: FleetStore) -> None:
    rounds, train = trainer(store)
    tasks, record = race.run(3, [task("low", 3)], store, train)
    assert (len(rounds), seeds_of(tasks), record) == (1, {"low": 3}, None)


def test_what_is_clearly_worse_gets_no_more_seeds(store: FleetStore) -> None:
    rounds, train = trainer(store)
    tasks, record = race.run(RACE, [task(name) for name in LEVELS], store, train)
    assert record is not None
    assert rounds[0] == [(name, seed) for name in LEVELS for seed in range(5)]
    assert seeds_of(tasks)["high"] == 5
    assert seeds_of(tasks)["near"] == seeds_of(tasks)["low"] > 5
    assert record["variants"]["high"] == {"seeds": 5, "answer": "worse"}
    assert record["replicas"] == sum(seeds_of(tasks).values())
    assert f"{record['replicas']} of 60 seeds" in record["line"]
    assert record["minutes"] == pytest.approx(record["replicas"] * 0.1)


def test_a_race_repeats_itself_from_the_store_wherever_it_was_killed(store: FleetStore) -> None:
    field = [task(name) for name in LEVELS]
    rounds, train = trainer(store)

    def killed(tasks: list[FleetTask]) -> None:
        if rounds:
            train([replace(each, seeds=each.seeds[:7]) for each in tasks])
            raise KeyboardInterrupt
        train(tasks)

    with pytest.raises(KeyboardInterrupt):
        race.run(RACE, field, store, killed)
    first = race.run(RACE, field, store, train)
    again, nothing = trainer(store)
    assert race.run(RACE, field, store, nothing) == first
    assert not any(again)
    elsewhere = trainer(FleetStore(store.folder / "other"))[1]
    assert race.run(RACE, field, FleetStore(store.folder / "other"), elsewhere) == first


@pytest.mark.parametrize(("minutes", "seeds"), [(0.1, 5), (1.9, 5), (2.6, 10)])
def test_a_round_beyond_the_minutes_is_not_begun(
    store: FleetStore, minutes: float, seeds: int
) -> None:
    short = Race(first=5, most=20, minutes=minutes)  # 15 seeds cost 1.5 minutes, 10 more 1
    field = [task(name, short) for name in LEVELS]
    tasks, record = race.run(short, field, store, trainer(store, sd=0.04)[1])
    assert record is not None
    assert max(seeds_of(tasks).values()) == seeds
    assert record["stopped"] == "the minutes are spent"


def test_a_variant_with_a_number_of_its_own_keeps_it(store: FleetStore) -> None:
    field = [task("low"), task("near", 6), task("high")]
    tasks, _ = race.run(RACE, field, store, trainer(store)[1])
    assert seeds_of(tasks)["near"] == 6


def test_a_variant_that_diverges_gets_no_more_seeds(store: FleetStore) -> None:
    field = [task(name) for name in LEVELS]
    record = race.run(RACE, field, store, trainer(store, diverged="near")[1])[1]
    assert record is not None
    assert record["variants"]["near"] == {"seeds": 5, "answer": "failed"}
