from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.evaluation import verdict
from pipeline.evaluation.entries import Entry
from pipeline.evaluation.questions import Questions
from pipeline.evaluation.verdict import Verdict

Variant = Callable[..., Entry]
Judged = Callable[..., Verdict]


def test_entries_are_sorted_by_mean_error_and_those_without_one_come_last(
    study: Verdict,
) -> None:
    assert [result.name for result in study.results] == [
        "conv_ln",
        "plain",
        "ridge",
        "gradient_boosting",
        "last_value",
        "seasonal_naive",
        "drift",
        "input_raw",
        "cursed",
    ]


def test_equal_errors_are_sorted_by_name(variant: Variant, judged: Judged) -> None:
    names = [
        result.name
        for result in judged(variant("b", [0.2, 0.2]), variant("a", [0.2, 0.2])).variants
    ]
    assert names == ["a", "b"]


def test_a_failed_seed_is_in_no_mean(study: Verdict) -> None:
    result = study.results[0]
    assert (result.mse.mean, result.scored) == (pytest.approx(0.21, rel=1e-5), 2)
    assert result.mse.sd == pytest.approx(np.std([0.19, 0.23], ddof=1), rel=1e-4)


def test_skill_is_measured_against_the_best_naive_baseline_and_not_against_ridge(
    study: Verdict,
) -> None:
    skills = {result.name: result.skill for result in study.results}
    assert study.reference.name == "last_value"
    assert skills["last_value"] == 0.0
    assert skills["ridge"] == pytest.approx(0.4, rel=1e-5)
    assert skills["plain"] == pytest.approx(1 - 0.22 / 0.5, rel=1e-5)


def test_the_better_of_the_naive_baselines_is_the_reference(
    variant: Variant, judged: Judged
) -> None:
    assert judged(variant("plain", [0.2]), naive=0.9).reference.name == "seasonal_naive"


def test_the_best_is_a_variant_even_where_a_baseline_is_better(
    variant: Variant, judged: Judged
) -> None:
    found = judged(variant("plain", [0.4]), variant("other", [0.45]), ridge=0.1)
    assert found.best is not None
    assert found.best.name == "plain"


def test_a_network_wins_only_if_it_beats_every_baseline(variant: Variant, judged: Judged) -> None:
    entry = variant("plain", [0.2, 0.2])
    assert judged(entry, ridge=0.3, boosting=0.3).network_wins
    assert not judged(entry, ridge=0.3, boosting=0.1).network_wins
    assert not judged(variant("plain", [float("nan")])).network_wins


def test_nothing_is_best_where_every_seed_failed(variant: Variant, judged: Judged) -> None:
    assert judged(variant("plain", [float("nan")])).best is None


def test_unit_errors_are_kept_apart_for_each_target(variant: Variant, judged: Judged) -> None:
    result = judged(
        variant("plain", [0.25, 0.25], targets=2, scale=10.0), targets=("temp", "pressure")
    ).variants[0]
    assert result.unit_mae["pressure"].mean == pytest.approx(5.0)
    assert result.unit_mse["temp"].mean == pytest.approx(25.0)


def test_a_folder_without_results_is_rejected_with_the_command_that_makes_them(
    tmp_path: Path,
) -> None:
    with pytest.raises(InputError, match="dvc repro evaluate"):
        verdict.read(tmp_path, Questions())
