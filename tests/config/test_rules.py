"""The rules: each has a smallest network that breaks it."""

from dataclasses import replace
from typing import Any

import pytest

from pipeline.config.kinds import DROPOUTS, NORMALIZATIONS
from pipeline.config.model import Model, Shape
from pipeline.config.rules.case import Case
from pipeline.config.rules.findings import findings
from pipeline.config.rules.table import RULES

SHAPE = Shape(lookback=12, horizon=3, targets=1, past=2, future=2)
DROPOUT = {"kind": "standard", "rate": 0.1}
ALPHA = {"kind": "alpha", "rate": 0.1}
SELU = {"activation": "selu", "initializer": "lecun_normal"}

BREAKS: dict[str, tuple[dict[str, Any], int]] = {  # rule -> (overlay, batch)
    "R1": (
        {"recurrent": {"activation": "relu", "recurrent_dropout": {"kind": "keras", "rate": 0.1}}},
        32,
    ),
    "R1b": ({"recurrent": {"activation": "relu"}}, 32),
    "R2": ({"conv": {"dropout": DROPOUT}, "recurrent": {"output_normalization": "batch"}}, 32),
    "R3": ({"conv": {"dropout": ALPHA}}, 32),
    "R3b": ({"conv": {"activation": "selu"}}, 32),
    "R4": ({"recurrent": {"output_normalization": "batch"}}, 1),
    "R4b": ({"recurrent": {"output_normalization": "batch"}}, 4),
    "R6": ({"conv": {"normalization": "batch", "position": "before"}}, 32),
    "R15": ({"recurrent": {"normalization": "batch_recurrent"}}, 4),
    "R16": ({"input": {"normalization": "last_value"}, "head": {"activation": "tanh"}}, 32),
    "R16b": ({"input": {"values": "raw", "normalization": "revin"}}, 32),
    "R18c": ({"recurrent": {"output_normalization": "instance"}}, 32),
    "R18": ({"conv": {"filters": 1, "normalization": "layer"}}, 32),
    "R18b": ({"conv": {"filters": 2, "normalization": "layer"}}, 32),
    "R19": ({"head": {"sequence": True}, "recurrent": {"bidirectional": True}}, 32),
    "R19b": ({"head": {"sequence": True}, "conv": {"stride": 2}}, 32),
    "R24": ({"recurrent": {"output_normalization": "batch"}}, 32),
    "R25": ({"pooling": {"kind": "average", "size": 13}}, 32),
    "R31": ({"recurrent": {"stateful": 4, "bidirectional": True}}, 32),
    "R32": ({"recurrent": {"stateful": 6}, "pooling": {"kind": "max"}}, 32),
    "R33": ({"input": {"season": {"kind": "cycle", "calendar": "day_of_week", "phases": 7}}}, 32),
    "R30": ({"recurrent": {"output_normalization": "batch_always"}}, 32),
    "R29": ({"head": {"activation": "relu"}}, 32),
}
KEEPS: list[dict[str, Any]] = [  # networks next to the breaking ones that break nothing
    {"recurrent": {"recurrent_dropout": {"kind": "keras", "rate": 0.1}}},
    {"conv": {"normalization": "batch", "position": "after", "dropout": DROPOUT}},
    {"conv": {**SELU, "dropout": ALPHA}},
    {"input": {"normalization": "last_value"}},
    {"conv": {"filters": 4, "normalization": {"kind": "group", "groups": 2}}},
    {"head": {"sequence": True}},
    {"conv": {"stride": 2, "filters": [4, 4]}, "pooling": {"kind": "average"}},
]


def case(overlay: dict[str, Any], batch: int = 32) -> Case:
    return Case(Model.model_validate(overlay), SHAPE, batch)


def broken(overlay: dict[str, Any], batch: int) -> set[str]:
    return {rule.name for rule in RULES if rule.broken(case(overlay, batch))}


@pytest.mark.parametrize("name", [rule.name for rule in RULES if rule.name != "R5"])
def test_a_rule_fires_on_its_network_and_says_how_to_go_on(name: str) -> None:
    overlay, batch = BREAKS[name]
    assert name in broken(overlay, batch)
    (rule,) = (rule for rule in RULES if rule.name == name)
    found = findings(case(overlay, batch), rule.action)
    assert any(
        text.startswith(", ".join(dict.fromkeys(rule.keys(case(overlay, batch)))) + ": ")
        and rule.advice in text
        and text.endswith(f"[{name}]")
        for text in found
    )
    assert not any(
        text.endswith(f"[{name}]")
        for text in findings(case(overlay, batch), rule.action, allow=(name,))
    )


@pytest.mark.parametrize("overlay", KEEPS)
def test_networks_that_work_break_no_rule(overlay: dict[str, Any]) -> None:
    assert broken(overlay, 32) == set()


def test_what_a_cell_cannot_hold_is_rejected_whatever_is_allowed() -> None:
    overlay = {"recurrent": {"cell": "gru", "recurrent_dropout": {"kind": "moon", "rate": 0.1}}}
    (finding,) = findings(case(overlay), "reject", allow=("R1",))
    assert finding.startswith(
        "recurrent.recurrent_dropout moon acts on a part that gru does not have; it fits lstm"
    )


@pytest.mark.parametrize(("momentum", "steps"), [(0.99, 459), (0.9, 44), (0.0, 1)])
def test_moving_statistics_are_warned_about_until_a_hundredth_of_their_start_is_left(
    momentum: float, steps: int
) -> None:
    """Steps after which momentum ** steps <= 0.01."""
    overlay = {"recurrent": {"normalization": {"kind": "batch_recurrent", "momentum": momentum}}}
    trained = {
        n: findings(replace(case(overlay), trained=n), "warn") for n in (0, steps - 1, steps)
    }
    assert trained[0][0].startswith("recurrent.normalization: after so few steps")
    assert trained[0] == trained[steps - 1] and not trained[steps]
    assert not findings(case(overlay), "warn")  # before training


def test_groups_must_divide_every_width() -> None:
    assert "R18" in broken(
        {"conv": {"filters": [4, 6], "normalization": {"kind": "group", "groups": 4}}}, 32
    )


@pytest.mark.parametrize(
    ("heads", "rules"), [(2, {"R18"}), (5, {"R18b"}), (15, {"R18"}), (3, set())]
)
def test_heads_must_divide_every_width_and_keep_four_channels(heads: int, rules: set[str]) -> None:
    slot = {"kind": "layer_per_head", "heads": heads}
    found = broken({"recurrent": {"units": [15, 15], "output_normalization": slot}}, 32)
    assert {rule for rule in found if rule.startswith("R18")} == rules


def test_dropout_after_the_last_batch_normalization_is_fine() -> None:
    assert "R2" not in broken(
        {"conv": {"normalization": "batch"}, "recurrent": {"dropout_after": DROPOUT}}, 32
    )
    assert "R2" in broken(
        {"conv": {"filters": [4, 4], "normalization": "batch", "dropout": DROPOUT}}, 32
    )


TABLE: dict[
    str, tuple[str, dict[str, Any], int, str]
] = {  # what -> (rule, overlay, batch, the settings; none where the rule is kept)
    "alpha after a hidden selu": (
        "R3",
        {"head": {"hidden": 8, "hidden_activation": "selu", "dropout": ALPHA}},
        32,
        "",
    ),
    "alpha after a normalized selu": (
        "R3",
        {"conv": {**SELU, "normalization": "layer", "position": "after", "dropout": ALPHA}},
        32,
        "conv.dropout",
    ),
    "alpha after a selu and before the cell": (
        "R3",
        {"conv": SELU, "recurrent": {"dropout_before": ALPHA}},
        32,
        "",
    ),
    "alpha after a pool of selu": (
        "R3",
        {"conv": SELU, "pooling": {"kind": "max"}, "recurrent": {"dropout_before": ALPHA}},
        32,
        "recurrent.dropout_before",
    ),
    "alpha after an lstm": (
        "R3",
        {"recurrent": {"activation": "selu", "dropout_after": ALPHA}},
        32,
        "recurrent.dropout_after",
    ),
    "one window per step": (
        "R4",
        {"recurrent": {"normalization": "batch_recurrent"}},
        1,
        "train.batch, recurrent.normalization",
    ),
    "one window of many steps": ("R4", {"conv": {"normalization": "batch"}}, 1, ""),
    "bias and renormalization": (
        "R6",
        {"conv": {"normalization": "batch_renorm"}},
        32,
        "conv.bias, conv.normalization",
    ),
    "groups of one in a vector": (
        "R18",
        {"recurrent": {"output_normalization": {"kind": "group", "groups": 15}}},
        32,
        "recurrent.output_normalization",
    ),
    "inputs normalized over time": (
        "R19",
        {"head": {"sequence": True}, "recurrent": {"normalization": "batch_inputs"}},
        32,
        "head.sequence, recurrent.normalization",
    ),
    "inputs normalized per step": (
        "R19",
        {
            "head": {"sequence": True},
            "recurrent": {"normalization": {"kind": "batch_inputs", "per_step": True}},
        },
        32,
        "",
    ),
    "batch after the last hidden layer": (
        "R24",
        {"head": {"hidden": 8, "normalization": "batch"}},
        32,
        "head.normalization",
    ),
    "a head within 1": ("R29", {"head": {"activation": "tanh"}}, 32, "head.activation"),
    "dropout before a batch": (
        "R2",
        {"conv": {"dropout": DROPOUT}, "recurrent": {"output_normalization": "batch"}},
        32,
        "conv.dropout, recurrent.output_normalization",
    ),
}


@pytest.mark.parametrize("what", TABLE)
def test_a_rule_names_the_settings_that_break_it(what: str) -> None:
    name, overlay, batch, keys = TABLE[what]
    (rule,) = (rule for rule in RULES if rule.name == name)
    assert ", ".join(rule.keys(case(overlay, batch))) == keys


def test_an_option_that_the_cell_would_ignore_is_rejected() -> None:
    overlay = {
        "recurrent": {"cell": "gru", "normalization": {"kind": "layer_paper", "cell": "state"}}
    }
    (finding,) = findings(case(overlay), "reject")
    assert (
        finding == "recurrent.normalization.cell acts on a cell state, which gru does not have;"
        " leave it at output"
    )


def test_steps_follow_the_stride_of_each_block() -> None:
    assert case({"conv": {"filters": [4, 4], "stride": [2, 3], "kernel": [3, 5]}}).steps == 2


def test_a_normalization_says_what_its_statistics_are_over() -> None:
    assert {
        name for name, row in NORMALIZATIONS.items() if row.layer and not row.reduction_axes
    } == {"keras", "dyt", "derf"}  # the training rows; none, since each value stands by itself
    assert {name for name, row in DROPOUTS.items() if row.layer and not row.noise} == set()
