"""`study:`: a variant that it leaves out rejects nothing; a selected one has one sentence."""

from typing import Any

import pytest

from pipeline.config import params
from pipeline.config.model import Shape
from pipeline.core.errors import InputError

BASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    # what users change first in the base, and the variants of the shipped study that reject it
    "a year of months": ({"window/lookback": 12, "window/horizon": 12}, []),
    "last value": ({"model/input/normalization": "last_value"}, ["input_raw"]),
    "gru": ({"model/recurrent/cell": "gru"}, ["zoneout"]),
    "max pooling": ({"model/pooling/kind": "max"}, []),
    "bidirectional": ({"model/recurrent/bidirectional": True}, []),
    "raw inputs": ({"model/input/values": "raw"}, ["input_revin", "input_last_value"]),
}


@pytest.mark.parametrize("base", BASES)
def test_a_new_base_is_not_rejected_for_variants_that_the_study_leaves_out(
    parsed: Any, base: str
) -> None:
    read = parsed({"study": ["plain"], **BASES[base][0]})
    assert [variant.name for variant in read.selected] == ["plain"]


@pytest.mark.parametrize("base", [base for base in BASES if BASES[base][1]])
def test_each_selected_variant_rejects_a_new_base_in_one_sentence(
    rejected: Any, shipped_study: list[str], base: str
) -> None:
    edits, variants = BASES[base]
    findings = rejected({"study": shipped_study, **edits})
    assert [finding.split(": ")[1] for finding in findings] == [
        f"variants.{name}" for name in variants
    ]


@pytest.mark.parametrize("base", [base for base in BASES if not BASES[base][1]])
def test_a_new_base_that_every_selected_variant_can_have_is_accepted(
    parsed: Any, shipped_study: list[str], base: str
) -> None:
    read = parsed({"study": shipped_study, **BASES[base][0]})
    assert {variant.name for variant in read.selected} == {*shipped_study}


def test_a_variant_that_cannot_run_with_this_base_is_named_with_the_reason(parsed: Any) -> None:
    read = parsed({"study": ["plain"], "window/lookback": 12})
    (unusable,) = read.unusable
    assert unusable[0] == "stateful"
    assert "recurrent.stateful, window.lookback: no piece comes before" in unusable[1]
    assert "stateful" not in [variant.name for variant in read.variants]


def test_a_mistake_in_a_variant_that_the_study_leaves_out_is_its_reason(parsed: Any) -> None:
    mine = {"family": "mine", "conv": {"normalization": "layr"}}
    read = parsed({"study": ["plain"], "variants/mine": mine})
    (reason,) = [reason for name, reason in read.unusable if name == "mine"]
    assert reason.startswith("model.conv.normalization is 'layr'; choose one of batch,")


def test_variants_that_can_run_are_kept_in_the_order_of_the_file(
    content: dict[str, Any], parsed: Any
) -> None:
    read = parsed({"study": ["conv_ln", "plain"]})
    assert [variant.name for variant in read.variants] == list(content["variants"])
    assert [variant.name for variant in read.selected] == ["plain", "conv_ln"]
    assert read.unusable == ()


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        ({}, "variants.mine.family is missing"),
        (3, "variants.mine is 3;"),
        ({"family": 4}, "variants.mine.family is 4;"),
    ],
)
def test_what_says_whether_a_variant_is_selected_is_always_checked(
    rejected: Any, variant: Any, message: str
) -> None:
    (finding,) = rejected({"study": ["plain"], "variants/mine": variant})
    assert finding.startswith(f"params.yaml: {message}")


def test_what_many_variants_inherit_from_the_base_is_one_sentence_about_the_base(
    rejected: Any,
) -> None:
    study = ["plain", "conv_*", "dropout_*"]
    (finding,) = rejected({"study": study, "model/head/activation": "relu"})
    assert finding.startswith("params.yaml: model: head.activation: standardized targets")
    assert "[R29] (in plain, conv_bn_before, conv_bn_after and" in finding


def test_a_selected_variant_that_breaks_two_rules_has_one_sentence(rejected: Any) -> None:
    head = {"activation": "relu"}
    mine = {"family": "mine", "head": head, "input": {"normalization": "last_value"}}
    (finding,) = rejected({"study": ["plain", "mine"], "variants/mine": mine})
    assert finding.startswith("params.yaml: variants.mine: ")
    assert "[R16]; also " in finding
    assert "[R29]" in finding


def test_the_real_shape_is_checked_again(parsed: Any) -> None:
    read = parsed({"study": ["plain"], "variants/plain/pooling": {"kind": "max", "size": 12}})
    shape = read.expected_shape
    read.check(shape)
    with pytest.raises(InputError, match=r"params\.yaml: variants\.plain: .*\[R25\]"):
        read.check(Shape(shape.lookback // 3, shape.horizon, shape.targets))


def test_the_expected_shape_counts_what_the_parameters_tell(parsed: Any) -> None:
    columns = {
        "data/targets": ["a", "b"],
        "data/past_covariates": ["c", "d", "e"],
        "data/future_covariates": ["f", "g"],
        "data/categories": {"g": "other"},
        "data/calendar": ["hour_of_day", "day_of_week"],
        "data/holidays": "US-NY",
        "validate/missing": {
            "a": {"policy": "mask"},
            "c": {"policy": "forward_fill", "max_run": 3, "beyond": "mask"},
            "d": {"policy": "cut"},
        },
        "validate/limits": {},
        "standardize/columns": {},
    }
    read = parsed({**columns, "study": ["plain"], "window": {"lookback": 9, "horizon": 2}})
    cycles = [
        f"{cycle}_{wave}" for cycle in ("hour_of_day", "day_of_week") for wave in ("sin", "cos")
    ]
    calendar = (*cycles, "holiday")
    assert read.expected_shape == Shape(
        9, 2, targets=2, past=3 + 2, future=2 + 4 + 1, calendar=calendar
    )
    assert read.expected_shape.pair("day_of_week") == -3
    named = [read.expected_shape.cycle(name) for name in ("first", "day_of_week", "hour_of_week")]
    assert named == ["hour_of_day", "day_of_week", None]
    assert read.expected_shape.channels == 14


def test_a_variant_keeps_the_other_settings_of_a_section_that_has_a_kind(parsed: Any) -> None:
    read = parsed(
        {
            "model/pooling": {"kind": "average", "size": 3},
            "model/head": {"hidden": [7]},
            "variants": {
                "mine": {
                    "family": "mine",
                    "pooling": {"kind": "max"},
                    "head": {"kind": "per_step"},
                }
            },
        }
    )
    (mine,) = read.variants
    assert (mine.model.pooling.kind, mine.model.pooling.size) == ("max", 3)
    assert (mine.model.head.kind.kind, mine.model.head.hidden) == ("per_step", (7,))


def test_a_single_name_is_a_study(content: dict[str, Any]) -> None:
    content["study"] = "plain"
    assert [variant.name for variant in params.parse(content).selected] == ["plain"]


@pytest.mark.parametrize("reference", ["stak", "mine"])
def test_a_reference_that_is_no_other_variant_is_rejected(rejected: Any, reference: str) -> None:
    (finding,) = rejected({"variants/mine": {"family": "mine", "reference": reference}})
    assert finding == (
        f"params.yaml: variants.mine.reference is {reference!r}; name another variant, the one to "
        "compare with"
    )


def test_a_margin_is_a_share(rejected: Any) -> None:
    (finding,) = rejected({"compare/margin": 2})
    assert finding == "params.yaml: compare.margin is 2; it must be less than 1"
