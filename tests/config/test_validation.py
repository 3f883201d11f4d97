"""`validate:`: each policy for missing values with what it needs, and what else is accepted."""

from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.config.validation import Missing, Validate

POLICIES = [  # with the rows of the longest run that is filled
    ({"policy": "refuse"}, 0),
    ({"policy": "cut"}, 0),
    ({"policy": "mask"}, 0),
    ({"policy": "forward_fill", "max_run": 2}, 2),
    ({"policy": "interpolate", "max_run": 3, "beyond": "cut"}, 3),
    ({"policy": "constant", "value": 0}, 2**31 - 1),
    ({"policy": "constant", "value": -1.5, "max_run": 4, "beyond": "mask"}, 4),
]


@pytest.mark.parametrize(("rule", "longest"), POLICIES, ids=str)
def test_a_policy_fills_runs_up_to_its_longest(rule: dict[str, Any], longest: int) -> None:
    assert Missing.model_validate(rule).longest == longest


@pytest.mark.parametrize(("rule", "_"), POLICIES, ids=str)
def test_a_column_is_masked_by_its_policy_or_beyond_it(rule: dict[str, Any], _: int) -> None:
    assert Missing.model_validate(rule).masks == ("mask" in rule.values())


INCOMPLETE = {
    "no run": ({"policy": "forward_fill"}, "has policy forward_fill and no max_run; add"),
    "no value": ({"policy": "constant"}, "constant needs a value"),
    "value of another": ({"policy": "mask", "value": 0}, "no other policy has one"),
    "run of a mask": ({"policy": "mask", "max_run": 3}, "which fills nothing; remove max_run"),
    "beyond a cut": ({"policy": "cut", "beyond": "mask"}, "which fills nothing; remove max_run"),
    "infinite value": ({"policy": "constant", "value": float("inf")}, "finite"),
    "no policy": ({"max_run": 3}, "policy is missing; add it"),
    "another policy": ({"policy": "drop"}, "choose one of 'refuse', 'constant', 'interpolate',"),
    "another beyond": (
        {"policy": "forward_fill", "max_run": 1, "beyond": "fill"},
        "choose one of 'refuse', 'cut' or 'mask'",
    ),
}


@pytest.mark.parametrize("mistake", INCOMPLETE)
def test_a_policy_that_lacks_or_ignores_a_setting_is_rejected(rejected: Any, mistake: str) -> None:
    rule, words = INCOMPLETE[mistake]
    (finding,) = rejected({"validate/missing": {"default": rule}})
    assert finding.startswith("params.yaml: validate.missing.default")
    assert words in finding


def test_a_column_without_a_rule_has_the_default_one_and_else_is_refused() -> None:
    default = {"policy": "forward_fill", "max_run": 2}
    rules = Validate.model_validate(
        {"max_gap": 0, "missing": {"default": default, "x": {"policy": "mask"}}}
    )
    assert (rules.rule("x").policy, rules.rule("y").policy) == ("mask", "forward_fill")
    assert Validate(max_gap=0).rule("x").policy == "refuse"


def test_series_that_cannot_be_used_are_refused_unless_they_are_left_out() -> None:
    assert Validate(max_gap=0).series_policy == "refuse"
    assert Validate(max_gap=0, series_policy="leave_out").series_policy == "leave_out"
    with pytest.raises(ValidationError):
        Validate.model_validate({"max_gap": 0, "series_policy": "drop"})
