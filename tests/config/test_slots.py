"""Slots: what fills them is found by one walk, and reads back as it was written."""

import pytest
from pydantic import ValidationError

from pipeline.config.learning import Train
from pipeline.config.model import Model
from pipeline.config.slots import slots

DROPOUT = {"kind": "standard", "rate": 0.1, "monte_carlo": True}


def test_the_walk_finds_every_slot_of_every_section_under_its_dotted_path() -> None:
    model = Model.model_validate({"recurrent": {"dropout_after": DROPOUT}})
    found = dict(slots(model))
    assert {"input.normalization", "conv.weights", "head.dropout"} <= set(found)
    filled = [path for path, slot in found.items() if slot.row.layer]
    assert filled == ["recurrent.dropout_after", "head.kind"]


def test_training_has_slots_like_the_network() -> None:
    filled = {path: slot.kind for path, slot in slots(Train())}
    assert filled == {
        "loss": "mse",
        "optimizer": "adam",
        "schedule": "constant",
        "clip": "none",
        "average": "none",
    }


def test_a_slot_is_written_as_in_the_file_and_reads_back_with_its_row() -> None:
    model = Model.model_validate({"head": {"dropout": DROPOUT}})
    written = model.model_dump(mode="json")
    assert written["head"]["dropout"] == DROPOUT
    again = Model.model_validate(written)
    assert again == model
    assert again.head.dropout.row is model.head.dropout.row


@pytest.mark.parametrize("value", [0, False, "", [], 1.5], ids=repr)
def test_only_null_leaves_a_slot_empty(value: object) -> None:
    with pytest.raises(ValidationError, match="choose one of"):
        Model.model_validate({"conv": {"dropout": value}})
