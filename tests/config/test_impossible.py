"""Rules of the literature that no network of this project can break: each attempt fails.

What computes in half precision, draws its own masks, or never looks ahead is tested with the
layers.
"""

from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.config.learning import Train
from pipeline.config.model import Model, Recurrent
from pipeline.config.rules.cells import keeps_cudnn
from pipeline.config.rules.table import RULES

UNKNOWN = "Extra inputs are not permitted"
KINDS = "choose one of"
OPTIONS = "has no option"
IN_CELL = {"kind": "layer_per_gate"}
DROPOUT = {"kind": "keras", "rate": 0.1}

ATTEMPTS: dict[
    str, tuple[str, dict[str, Any], str]
] = {  # rule -> (why it cannot be broken, the attempt, the message)
    "R7": (
        "every recurrent layer but the last returns sequences by itself",
        {"recurrent": {"return_sequences": False}},
        UNKNOWN,
    ),
    "R8": (
        "no slot holds a time-distributed layer",
        {"recurrent": {"output_normalization": {"kind": "time_distributed"}}},
        KINDS,
    ),
    "R9": (
        "windows lie inside one series without gaps: nothing is padded or masked",
        {"input": {"mask": 0.0}},
        UNKNOWN,
    ),
    "R10": ("as R9, and no kernel is chosen by hand", {"recurrent": {"use_cudnn": True}}, UNKNOWN),
    "R11": ("as R9", {"input": {"padding": "left"}}, UNKNOWN),
    "R14": (
        "every layer and direction draws from a stream of its own",
        {"recurrent": {"seed": 1}},
        UNKNOWN,
    ),
    "R17": (
        "targets come first, and the channels to undo are counted",
        {"input": {"normalization": {"kind": "revin", "target": 3}}},
        OPTIONS,
    ),
    "R20": (
        "rates have a range",
        {"recurrent": {"recurrent_dropout": {"kind": "keras", "rate": 1.0}}},
        "it must be a number from 0 up to but not 1",
    ),
    "R21": (
        "the recurrent layer has one implementation",
        {"recurrent": {"implementation": 1}},
        UNKNOWN,
    ),
    "R22": (
        "normalizations compute in float32 or wider",
        {"conv": {"normalization": {"kind": "layer", "dtype": "float16"}}},
        OPTIONS,
    ),
    "R23": (
        "one slot holds one recurrent dropout",
        {"recurrent": {"recurrent_dropout": [DROPOUT, DROPOUT]}},
        KINDS,
    ),
    "R26": (
        "no kind works on slices of the horizon",
        {"input": {"normalization": {"kind": "san", "period": 5}}},
        KINDS,
    ),
    "R27": ("as R22", {"recurrent": {"normalization": {**IN_CELL, "dtype": "float16"}}}, OPTIONS),
    "R28": ("no layer is ever frozen", {"conv": {"trainable": False}}, UNKNOWN),
}


@pytest.mark.parametrize("rule", ATTEMPTS)
def test_what_would_break_the_rule_is_not_a_setting(rule: str) -> None:
    _, attempt, message = ATTEMPTS[rule]
    with pytest.raises(ValidationError, match=message):
        Model.model_validate(attempt)


def test_no_compiler_is_switched_on() -> None:
    """R13: XLA has no kernel for cuDNN's LSTM."""
    with pytest.raises(ValidationError, match=UNKNOWN):
        Train.model_validate({"jit_compile": True})


@pytest.mark.parametrize(
    "slots", [{"recurrent_dropout": DROPOUT}, {"normalization": IN_CELL}], ids=str
)
def test_what_leaves_the_fused_kernel_is_recorded_rather_than_rejected(
    slots: dict[str, Any],
) -> None:
    """R12."""
    assert not keeps_cudnn(Recurrent.model_validate(slots))


def test_every_rule_is_checked_recorded_or_tried_here_in_vain() -> None:
    rules = {rule.name for rule in RULES}
    assert {f"R{number}" for number in range(1, 30)} <= rules | set(ATTEMPTS) | {"R12", "R13"}
    assert not rules & set(ATTEMPTS)
