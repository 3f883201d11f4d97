import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluation import entries
from pipeline.evaluation.entries import NOT_FINITE, Entry


def store(folder: Path, made: Entry) -> None:
    standardized, units = entries.create(folder, made.standardized.shape)
    standardized[:], units[:] = made.standardized, made.units
    entries.save(folder, made.summary)


def test_what_is_saved_is_what_is_loaded(tmp_path: Path, variant: Callable[..., Entry]) -> None:
    made = variant("plain", [0.2, float("nan")])
    store(tmp_path / "plain", made)
    loaded = entries.load(tmp_path / "plain")
    assert loaded.summary == made.summary
    np.testing.assert_array_equal(loaded.standardized, made.standardized)
    np.testing.assert_array_equal(loaded.units, made.units)


def test_a_summary_has_every_key_that_its_readers_need(
    tmp_path: Path, variant: Callable[..., Entry]
) -> None:
    store(tmp_path, variant("plain", [0.2]))
    needed = [
        "name",
        "kind",
        "family",
        "seeds",
        "states",
        "best_epochs",
        "parameters",
        "seconds_per_replica",
        "weights_sha256",
        "model",
        "train",
    ]
    assert set(needed) <= set(json.loads((tmp_path / "summary.json").read_text()))


def test_all_entries_of_a_folder_are_read_in_the_order_of_their_names(
    tmp_path: Path, variant: Callable[..., Entry]
) -> None:
    for name in ("b", "c", "a"):
        store(tmp_path / name, variant(name, [0.2]))
    (tmp_path / "windows.parquet").touch()
    assert [found.summary.name for found in entries.load_all(tmp_path)] == ["a", "b", "c"]


STATES = {
    "trained": (["trained"] * 3, "trained"),
    "one failed": (["trained", "diverged", "trained"], "1 of 3 diverged at epoch 2"),
    "two failed": (["diverged", "trained", "diverged"], "2 of 3 diverged at epoch 1, 3"),
    "all failed": (["diverged"] * 3, "3 of 3 diverged at epoch 1, 2, 3"),
    "not finite": (["trained", "trained", NOT_FINITE], "1 of 3 not finite on the test split"),
    "both": (
        ["diverged", NOT_FINITE, "trained"],
        "1 of 3 diverged at epoch 1; 1 of 3 not finite on the test split",
    ),
}


@pytest.mark.parametrize("case", STATES)
def test_the_state_says_how_many_seeds_failed_and_when(
    case: str, variant: Callable[..., Entry]
) -> None:
    states, phrase = STATES[case]
    summary = replace(variant("plain", [0.1, 0.1, 0.1]).summary, states=tuple(states))
    assert summary.state == phrase


def test_a_baseline_is_deterministic() -> None:
    summary = entries.baseline("ridge", 12, None)
    assert summary.state == "deterministic"
    assert summary.lost.tolist() == [False]


def test_a_seed_is_lost_by_its_state_and_not_by_errors_that_were_not_measured(
    variant: Callable[..., Entry],
) -> None:
    made = variant("plain", [0.1, 0.1])
    errors = made.standardized.copy()
    errors[:, 0] = np.nan
    made = replace(made, standardized=errors)
    assert made.summary.lost.tolist() == [False, False]
    assert np.isfinite(made.scores.mse).all()
    failed = replace(made, summary=replace(made.summary, states=("trained", NOT_FINITE)))
    assert failed.summary.lost.tolist() == [False, True]
    assert np.isfinite(failed.scores.mse).tolist() == [True, False]
