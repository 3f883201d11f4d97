"""`factors:` span grids of variants with readable names; a mistake in a grid is said once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import params

NORM = {
    "values": {"bn": "batch", "ln": "layer"},
    "at": {
        "conv": {"slot": "conv.normalization", "set": {"conv.position": "after"}},
        "lstm": "recurrent.output_normalization",
    },
}
DROP = {
    "values": {"drop": {"kind": "standard", "rate": 0.2}},
    "at": {"before": "recurrent.dropout_before", "after": "recurrent.dropout_after"},
}


def grid(**changed: Any) -> Mapping[str, Any]:
    return {"factors/g": {"family": "g", "span": {"norm": NORM, "drop": DROP}, **changed}}


def test_a_grid_spans_every_combination_but_the_base_itself(parsed: Any) -> None:
    read = parsed({"study": "g", **grid()})
    names = [variant.name for variant in read.selected]
    assert len(names) == (1 + 2 * 2) * (1 + 2) - 1 == 14
    assert names[:4] == ["drop_before", "drop_after", "bn_conv", "bn_conv-drop_before"]
    chosen = next(v for v in read.selected if v.name == "ln_conv-drop_after").model
    assert (chosen.conv.normalization.kind, chosen.conv.position) == ("layer", "after")
    assert (chosen.recurrent.dropout_after.kind, chosen.recurrent.dropout_before.kind) == (
        "standard",
        "none",
    )


def test_a_study_selects_variants_of_a_grid_by_name_and_glob_like_others(parsed: Any) -> None:
    read = parsed({"study": ["plain", "ln_lstm-*", "drop_before"], **grid()})
    assert {variant.name for variant in read.selected} == {
        *("plain", "drop_before", "ln_lstm-drop_before", "ln_lstm-drop_after"),
    }


def test_exclusions_take_out_combinations_with_all_of_their_levels(parsed: Any) -> None:
    exclude = [{"norm": "bn_*", "drop": ["drop_before", "off"]}, {"norm": "off"}]
    read = parsed({"study": "g", **grid(exclude=exclude)})
    assert [variant.name for variant in read.selected] == [
        *("bn_conv-drop_after", "bn_lstm-drop_after"),
        *("ln_conv", "ln_conv-drop_before", "ln_conv-drop_after"),
        *("ln_lstm", "ln_lstm-drop_before", "ln_lstm-drop_after"),
    ]


def test_values_in_a_list_name_themselves_and_a_single_place_adds_nothing(parsed: Any) -> None:
    span = {
        "cell": {"values": ["gru"], "at": "recurrent.cell"},
        "rate": {"values": [0.01, 0.03], "at": "train.learning_rate"},
        "norm": {"values": [{"kind": "batch", "momentum": 0.9}], "at": "conv.normalization"},
    }
    read = parsed({"study": "g", **grid(span=span, exclude=[{"norm": "off"}, {"cell": "off"}])})
    assert [v.name for v in read.selected] == ["gru-batch", "gru-0.01-batch", "gru-0.03-batch"]
    assert [v.train.learning_rate for v in read.selected] == [0.003, 0.01, 0.03]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"family": ""}, "factors.g.family is ''; "),
        ({"span": {}}, "factors.g.span is {}; "),
        ({"span": {"norm": {"values": {}, "at": "conv.dropout"}}}, "factors.g.span.norm.values is"),
        ({"span": {"norm": {**NORM, "on": 1}}}, "factors.g.span.norm.on is not a known key; "),
        (
            {"exclude": [{"nrom": "off"}]},
            "factors.g has no factor 'nrom' (exclude.0); its factors are norm, drop",
        ),
        (
            {"exclude": [{"norm": ["off", "ln"]}]},
            "factors.g has no level 'ln' of norm (exclude.0); its levels are off, bn_conv, ",
        ),
        (
            {"span": {"one": NORM, "other": NORM}},
            "factors.g sets conv.normalization, conv.position, recurrent.output_normalization by "
            "one and by other; a setting belongs to one factor",
        ),
        (
            {"span": {"one": DROP, "other": {"values": ["x"], "at": "recurrent"}}},
            "factors.g sets recurrent.dropout_after, and the whole section too; set one of them",
        ),
        (
            {"span": {"norm": {**NORM, "values": {"x": "layr"}}}},
            "factors.g: conv.normalization is 'layr'; choose one of batch, ",
        ),
        (
            {"span": {"a b": {"values": {"a b": "gru"}, "at": "recurrent.cell"}}},
            "factors.g: name is 'a b'; string should match pattern",
        ),
        (
            {"span": {"x": {"values": ["asker"], "at": "recurrent.cell"}}},
            "factors.g: spans asker, which variants has as well; rename a level or exclude it",
        ),
    ],
)
def test_a_mistake_in_a_grid_is_reported_once_with_what_to_do(
    rejected: Any, changed: Mapping[str, Any], message: str
) -> None:
    findings = rejected({**grid(**changed), "study": "*"})
    assert findings[0].startswith(f"params.yaml: {message}")
    places = 2 if "layr" in message else 1  # each place of the misspelled kind has its own choices
    assert len(findings) == places


def test_a_rule_that_many_variants_of_a_grid_break_is_one_sentence_that_counts_them(
    rejected: Any,
) -> None:
    head = {"values": ["relu"], "at": "head.activation"}
    (finding,) = rejected({**grid(span={"norm": NORM, "head": head}), "study": "*"})
    assert finding.startswith("params.yaml: factors.g: head.activation: ")
    assert finding.endswith("[R29] (in relu, bn_conv-relu, bn_lstm-relu and 2 more)")
    assert len(finding.splitlines()) == 1


def test_a_grid_may_break_a_rule_that_it_allows(parsed: Any) -> None:
    head = {"values": ["relu"], "at": "head.activation"}
    read = parsed({**grid(span={"head": head}, allow=["R29"]), "study": "g"})
    assert [variant.name for variant in read.selected] == ["relu"]


def test_variants_of_a_grid_have_the_reference_of_the_grid(parsed: Any, rejected: Any) -> None:
    read = parsed({**grid(reference="stack"), "study": "g"})
    assert {variant.reference for variant in read.selected} == {"stack"}
    (finding,) = rejected({**grid(reference="stak"), "study": "g"})
    assert finding.startswith("params.yaml: factors.g: reference is 'stak'; name another variant")
    assert finding.endswith("(in drop_before, drop_after, bn_conv and 11 more)")


def test_the_shipped_grid_has_the_combinations_that_no_other_variant_has() -> None:
    read = params.read(Path(__file__).parents[2] / "params.yaml")
    models = [variant.model for variant in read.variants if variant.family == "design"]
    assert len(models) == 2 * 2 * 2
    assert not any(v.model in models for v in read.variants if v.family != "design")
