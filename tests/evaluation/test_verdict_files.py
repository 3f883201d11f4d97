import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from pipeline.evaluation import leaderboard, verdict_files
from pipeline.evaluation.entries import Entry
from pipeline.evaluation.verdict import Verdict

Variant, Judged = Callable[..., Entry], Callable[..., Verdict]
NAN = float("nan")


def validated(entry: Entry, losses: list[float], parameters: int = 100, loss: str = "mse") -> Entry:
    summary = replace(
        entry.summary,
        validation_losses=tuple(losses),
        parameters=parameters,
        train={"loss": loss},
    )
    return replace(entry, summary=summary)


def test_metrics_are_at_most_twelve_flat_numbers(study: Verdict) -> None:
    metrics = verdict_files.metrics(study)
    assert len(metrics) <= 12
    assert {type(value) for value in metrics.values()} == {float}
    assert (metrics["mse"], metrics["worse"], metrics["undecided"]) == (0.21, 1.0, 1.0)


def test_files_are_json_even_where_every_seed_failed(variant: Variant, judged: Judged) -> None:
    failed = judged(variant("plain", [NAN]))
    assert "mse" not in json.loads(json.dumps(verdict_files.metrics(failed), allow_nan=False))
    summary = json.loads(json.dumps(verdict_files.summary(failed), allow_nan=False))
    assert (summary["champion"], summary["best_set"]) == (None, [])
    assert leaderboard.effects(failed).empty


def test_the_summary_names_champion_best_set_and_reasons_to_distrust(study: Verdict) -> None:
    found = verdict_files.summary(study)
    assert found["best_set"] == ["conv_ln", "plain"]
    assert (found["reference"], found["seeds"], found["windows"]) == ("plain", 3, 40)
    assert any(
        "Failed seeds" in sentence and "conv_ln" in sentence for sentence in found["warnings"]
    )
    assert any("validation losses are not comparable" in each for each in found["warnings"])


def test_identical_variants_are_named_together_and_share_their_place(
    variant: Variant, judged: Judged
) -> None:
    found = judged(
        variant("plain", [0.2, 0.22]), variant("twin", [0.2, 0.22]), variant("far", [0.9, 1.0])
    )
    table = leaderboard.leaderboard(found).set_index("name")
    assert verdict_files.summary(found)["identical"] == [["plain", "twin"]]
    assert table.loc["twin", ["effect", "effect_low", "effect_high"]].tolist() == [0, 0, 0]
    assert table.loc["twin", "answer"] == "equivalent"
    assert table.loc[["plain", "twin", "far"], "rank"].tolist() == [1, 1, 3]


def test_the_champion_is_the_smallest_within_the_margin_of_the_lowest_validation_loss(
    variant: Variant, judged: Judged
) -> None:
    found = judged(
        validated(variant("plain", [0.30, 0.31]), [0.200, 0.202], parameters=100),
        validated(variant("large", [0.29, 0.30]), [0.199, 0.201], parameters=900),
        validated(variant("lucky", [0.10, 0.11]), [0.300, 0.310], parameters=10),
    )
    assert found.champion is not None
    assert found.champion.name == "plain"
    assert found.best is not None
    assert found.best.name == "lucky"
    warnings = list(verdict_files.warnings(found))
    assert any("not in the best set" in sentence for sentence in warnings)


@pytest.mark.parametrize("loss", ["mse", "mae"])
def test_losses_of_different_kinds_choose_no_champion(
    loss: str, variant: Variant, judged: Judged
) -> None:
    found = judged(
        validated(variant("plain", [0.30, 0.31]), [0.200, 0.202]),
        validated(variant("other", [0.40, 0.41]), [0.1, 0.1], loss=loss),
    )
    assert found.champion_is_validated == (loss == "mse")
    assert found.champion is not None
    assert found.champion.name == ("other" if loss == "mse" else "plain")


def test_without_plain_the_reference_is_the_best_baseline(variant: Variant, judged: Judged) -> None:
    found = judged(variant("a", [0.1, 0.11]), variant("b", [0.2, 0.21]))
    table = leaderboard.leaderboard(found).set_index("name")
    assert table.loc[["a", "b"], "reference"].tolist() == ["ridge", "ridge"]
    assert table.loc["ridge", "answer"] == "reference"
    assert any("plain" in sentence for sentence in verdict_files.warnings(found))
