"""The train stage trains what the store lacks, and records which seeds train together."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.config.learning import Train
from pipeline.config.model import Model, Shape
from pipeline.core.files import write_json
from pipeline.train import _flag, _to_train
from pipeline.training.jobs.store import FleetStore
from pipeline.training.jobs.task import FleetTask


def task(name: str, seeds: int = 5) -> FleetTask:
    return FleetTask(
        name, name, Model(), Train(), Shape(8, 2, 1), tuple(range(seeds)), Path(), Path()
    )


def keep(store: FleetStore, name: str, *seeds: int) -> None:
    for seed in seeds:
        with store.keep(name, seed) as folder:
            (folder / "weights").write_text("weights")


def to_train(
    store: FleetStore, *tasks: FleetTask, workers: int = 2
) -> list[tuple[str, tuple[int, ...]]]:
    return [(fleet.variant, fleet.seeds) for fleet in _to_train(tasks, store, workers)]


@pytest.fixture
def store(tmp_path: Path) -> FleetStore:
    return FleetStore(tmp_path)


def test_fleets_are_recorded_so_that_a_later_run_trains_the_same_ones(store: FleetStore) -> None:
    first = to_train(store, task("one"), task("two"))
    keep(store, "one", *range(5))
    again = to_train(store, task("one"), task("two"), workers=7)
    assert again == [fleet for fleet in first if fleet[0] == "two"]


def test_a_damaged_replica_is_trained_again_with_its_fleet(store: FleetStore) -> None:
    assert to_train(store, task("one")) == [("one", (0, 2, 4)), ("one", (1, 3))]
    keep(store, "one", *range(5))
    assert to_train(store, task("one")) == []
    (store.replica("one", 1) / "weights").write_text("weightz")
    assert to_train(store, task("one")) == [("one", (1, 3))]


def test_more_seeds_are_recorded_as_fleets_of_their_own(store: FleetStore) -> None:
    to_train(store, task("one"), workers=1)
    keep(store, "one", *range(5))
    assert to_train(store, task("one", seeds=8), workers=1) == [("one", (5, 6, 7))]
    assert store.read_fleets("one") == [(0, 1, 2, 3, 4), (5, 6, 7)]


def test_variants_with_the_same_fingerprint_are_trained_once(store: FleetStore) -> None:
    twin = replace(task("one"), variant="twin")
    assert to_train(store, task("one"), twin, workers=1) == [("twin", (0, 1, 2, 3, 4))]


def test_the_last_lines_say_what_is_not_to_be_trusted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = "11 of 15 replicas were still improving at their last epoch: raise train.epochs"
    write_json(tmp_path / "flags.json", [{"flag": "still improving", "line": line}])
    shares = {"validation": 0.8, "test": 1.0}
    write_json(tmp_path / "shift.json", {"day_of_year": {"JFK": shares}})
    _flag(tmp_path, tmp_path)
    first, second = capsys.readouterr().out.splitlines()
    assert first == f"train: not to be trusted: {line}"
    assert second.startswith("train: not to be trusted: day_of_year: 80% of the validation")
