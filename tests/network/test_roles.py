"""The role of each trained weight, in networks with every kind of normalization."""

from collections import Counter
from typing import Any

import pytest

from pipeline.config.kinds import NORMALIZATIONS
from pipeline.config.model import Model, Shape
from pipeline.config.slots import REQUIRED
from pipeline.network.build import build
from pipeline.network.roles import roles
from tests.network.examples import EXAMPLES

SHAPE = Shape(lookback=3, horizon=2, targets=1, past=1, future=1)
SLOTS = {
    "input": "input.normalization",
    "conv": "conv.normalization",
    "pooling": "pooling.normalization",
    "cell": "recurrent.normalization",
    "between": "recurrent.output_normalization",
    "head": "head.normalization",
}
BASE: dict[str, dict[str, Any]] = {
    "input": {},
    "conv": {"filters": 4},
    "pooling": {},
    "recurrent": {"units": 4},
    "head": {"kind": "per_step", "hidden": 4, "sequence": True},  # a window after each layer
}


def found(place: str, value: object) -> tuple[Counter[tuple[str, Any]], Counter[tuple[str, Any]]]:
    """Names and shapes of all trained variables, and of those that normalize, with this slot."""
    section, _, field = SLOTS[place].partition(".")
    model = Model.model_validate({**BASE, section: {**BASE[section], field: value}})
    network = build(model, SHAPE, 0)
    named = [(variable.name, variable.shape) for variable in network.trainable_variables]
    pairs = zip(named, roles(network, model), strict=True)
    return Counter(named), Counter(each for each, role in pairs if role == "normalization")


@pytest.mark.parametrize(
    ("kind", "place"),
    [(kind, place) for kind, row in NORMALIZATIONS.items() for place in sorted(row.places)],
)
def test_the_weights_that_a_normalization_adds_are_those_that_normalize(
    kind: str, place: str
) -> None:
    options = NORMALIZATIONS[kind].options
    required = {name: EXAMPLES[name] for name, value in options.items() if value is REQUIRED}
    with_it, normalizing = found(place, {"kind": kind, **required})
    without, none = found(place, "none")
    assert normalizing == with_it - without
    assert not none


def test_biases_are_biases_and_the_length_of_a_weight_normalization_is_a_weight() -> None:
    model = Model.model_validate({**BASE, "recurrent": {"cell": "gru", "weights": "weight_norm"}})
    network = build(model, SHAPE, 0)
    named = [variable.name for variable in network.trainable_variables]
    by_role = {(name, role) for name, role in zip(named, roles(network, model), strict=True)}
    assert by_role == {
        ("bias", "bias"),
        ("gain", "weight"),  # the embedding of a step of the horizon
        ("offset", "weight"),
        ("kernel", "weight"),
        ("recurrent_kernel", "weight"),
        ("length", "weight"),
    }
