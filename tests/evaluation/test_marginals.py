"""Marginal effects of slots, and the comparisons that a study asks for."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.evaluation import leaderboard, report, verdict_files
from pipeline.evaluation.entries import Entry
from pipeline.evaluation.marginals import Marginal
from pipeline.evaluation.page import html
from pipeline.evaluation.page.study import Study
from pipeline.evaluation.questions import Questions
from pipeline.evaluation.report_data import Source
from pipeline.evaluation.verdict import Verdict

Variant, Judged, Paged = Callable[..., Entry], Callable[..., Verdict], Callable[..., Study]
SLOTS: Mapping[str, Mapping[str, Any]] = {
    "conv": {"normalization": {"kind": "none"}, "position": "before"},
    "recurrent": {"dropout_after": {"kind": "none"}, "units": [16]},
}
LAYER = {"normalization": {"kind": "layer"}, "position": "after"}
DROPOUT = {"dropout_after": {"kind": "standard", "rate": 0.2}}


def network(entry: Entry, **changed: Mapping[str, Any]) -> Entry:
    model = {name: {**own, **changed.get(name, {})} for name, own in SLOTS.items()}
    return replace(entry, summary=replace(entry.summary, model=model))


@pytest.fixture
def grid(variant: Variant, judged: Judged) -> Verdict:
    """LayerNorm lowers the error by 10 % in each of three networks; dropout raises it by 50 %."""
    sizes = {"plain": 0.20, "drop": 0.30, "wide": 0.10}
    bases = {"plain": {}, "drop": {"recurrent": DROPOUT}, "wide": {"recurrent": {"units": [32]}}}
    entries = []
    for name, changed in bases.items():
        seeds = [sizes[name] * spread for spread in (0.99, 1.0, 1.01)]
        entries.append(network(variant(name, seeds), **changed))
        lower = [0.9 * size for size in seeds]
        entries.append(network(variant(f"ln-{name}", lower), **changed, conv=LAYER))
    return judged(*entries)


def slot(verdict: Verdict, key: str) -> Marginal:
    (found,) = [each for each in verdict.marginals if each.key == key]
    return found


def test_the_effect_of_a_slot_is_the_mean_over_all_pairs_that_differ_in_it_alone(
    grid: Verdict,
) -> None:
    norm, drop = slot(grid, "conv.normalization"), slot(grid, "recurrent.dropout_after")
    assert (norm.value, norm.base) == ("layer, after", "none")
    assert {*norm.pairs} == {(f"ln-{name}", name) for name in ("plain", "drop", "wide")}
    assert {*drop.pairs} == {("drop", "plain"), ("ln-drop", "ln-plain")}
    assert norm.effect.value == pytest.approx(-0.1, abs=1e-4)
    assert drop.effect.value == pytest.approx(0.5, abs=1e-4)
    assert (norm.answer, drop.answer) == ("better", "worse")


def test_averaging_over_pairs_narrows_the_interval(grid: Verdict) -> None:
    def width(effect: Any) -> float:
        return float(np.log1p(effect.high) - np.log1p(effect.low))

    single = grid.conclusion.compare([(["ln-plain"], ["plain"])])[0]
    bases = ["plain", "drop", "wide"]
    triple = grid.conclusion.compare([([f"ln-{name}" for name in bases], bases)])[0]
    assert width(triple) == pytest.approx(width(single) / np.sqrt(3), rel=0.1)


def test_the_slots_are_in_every_file_and_in_both_reports(
    grid: Verdict, paged: Paged, untouched: Source
) -> None:
    table = leaderboard.effects(grid)
    assert table[table["group"] == "slot"]["pairs"].tolist() == [3, 2, 2]
    summary = json.loads(json.dumps(verdict_files.summary(grid), allow_nan=False))
    assert summary["slots"][0]["value"] == "layer, after"
    assert summary["slots"][0]["effect"] == pytest.approx(-0.1, abs=1e-4)
    row = "| conv.normalization | layer, after | none | 3 | -10.0% ("
    assert row in report.text(grid, untouched)
    assert "<td>layer, after</td>" in html.text(paged(grid))


def test_a_study_without_pairs_has_no_table_of_slots(study: Verdict, untouched: Source) -> None:
    assert study.marginals == ()
    assert "What each slot does" not in report.text(study, untouched)


def test_a_variant_is_compared_with_the_reference_that_it_names(
    variant: Variant, judged: Judged
) -> None:
    entries = [
        variant("plain", [0.2, 0.21]),
        variant("stack", [0.4, 0.41]),
        variant("stack_ln", [0.4, 0.42]),
        variant("lone", [0.2, 0.2]),
    ]
    asked = Questions(references={"stack_ln": "stack", "lone": "elsewhere"})
    found = judged(*entries, questions=asked)
    against = {name: each.against for name, each in found.conclusion.effects.items()}
    assert against == {"lone": "plain", "stack": "plain", "stack_ln": "stack"}
    assert found.conclusion.effects["stack_ln"].effect.value == pytest.approx(0.0125, abs=0.001)
    sentence = verdict_files.summary(found)["headline"]
    assert str(sentence).startswith("Compared with the reference of each (plain, stack), ")
    assert any("lone" in each and "own reference" in each for each in verdict_files.warnings(found))


@pytest.mark.parametrize(("margin", "answer"), [(0.5, "equivalent"), (0.0, "undecided")])
def test_the_margin_of_the_user_says_what_is_equivalent(
    variant: Variant, judged: Judged, untouched: Source, margin: float, answer: str
) -> None:
    entries = [variant("plain", [0.2, 0.21, 0.2]), variant("twin", [0.2, 0.205, 0.21])]
    found = judged(*entries, questions=Questions(margin=margin))
    assert found.conclusion.effects["twin"].answer == answer
    assert verdict_files.summary(found)["margin"] == margin
    assert f"within ± {100 * margin:g}%" in report.text(found, untouched)


def test_what_would_decide_stands_beside_each_undecided_comparison(
    variant: Variant, judged: Judged, untouched: Source
) -> None:
    found = judged(variant("plain", [0.19, 0.2, 0.23]), variant("other", [0.19, 0.19, 0.21]))
    table = leaderboard.effects(found).set_index(["group", "name"])
    row = table.loc[("reference", "other")]
    assert row["answer"] == "undecided" and row["more_seeds"] > 0
    assert row["more_origins"] == float("inf")  # errors that are the same at every origin
    assert f"+{row['more_seeds']:,.0f} seeds, or n/a origins" in report.text(found, untouched)
