"""The walk along a network: its parts in the order of the data, and the shapes of their inputs."""

from pipeline.config.flow import Place, parts
from pipeline.config.kinds import HEADS
from pipeline.config.model import Model, Shape
from pipeline.config.slots import Slot

SHAPE = Shape(lookback=12, horizon=3, targets=2, past=3, future=2)
MODEL = Model.model_validate(
    {
        "columns": "shared",
        "input": {"normalization": "revin"},
        "conv": {"filters": [4, 6], "stride": [1, 2], "normalization": "batch"},
        "pooling": {"kind": "max", "size": 2},
        "recurrent": {
            "units": [5, 7],
            "bidirectional": True,
            "input_dropout": {"kind": "keras", "rate": 0.1},
        },
        "head": {"hidden": 8, "normalization": "layer"},
    }
)


def test_parts_come_in_the_order_of_the_data_with_the_shapes_of_their_inputs() -> None:
    found = [(p.name, p.batch, p.steps, p.width, p.preceding) for p in parts(MODEL, SHAPE, 10)]
    assert found == [
        ("input_normalization", 10, 12, 7, "input"),
        ("conv_1", 20, 12, 6, "revin"),
        ("conv_1_normalization", 20, 12, 4, "convolution"),
        ("conv_1_activation", 20, 12, 4, "batch"),
        ("conv_2", 20, 12, 4, "relu"),
        ("conv_2_normalization", 20, 6, 6, "convolution"),
        ("conv_2_activation", 20, 6, 6, "batch"),
        ("pooling", 20, 6, 6, "relu"),
        ("recurrent_1", 20, 3, 6, "pooling"),
        ("recurrent_1_input_dropout", 20, 3, 6, "pooling"),
        ("recurrent_2", 20, 3, 10, "lstm"),
        ("recurrent_2_input_dropout", 20, 3, 10, "lstm"),
        ("hidden_1", 20, 1, 14 + 3 * 2, "lstm"),
        ("hidden_1_normalization", 20, 1, 8, "relu"),
    ]


def test_a_head_for_each_step_sees_as_many_vectors_as_there_are_steps() -> None:
    head = MODEL.head.model_copy(update={"kind": Slot("per_step", row=HEADS["per_step"])})
    found = [*parts(MODEL.model_copy(update={"head": head}), SHAPE, 10)][-2:]
    assert [(p.name, p.batch, p.steps, p.width, p.in_head) for p in found] == [
        ("hidden_1", 20 * 3, 1, 14 + 2, True),
        ("hidden_1_normalization", 20 * 3, 1, 8, True),
    ]


def test_the_slots_that_a_recurrent_layer_fills_itself_are_marked() -> None:
    places = [part for part in parts(MODEL, SHAPE) if isinstance(part, Place)]
    assert {place.name for place in places if place.in_cell} == {
        "recurrent_1_input_dropout",
        "recurrent_2_input_dropout",
    }
