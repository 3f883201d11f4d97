"""What each trained weight of a network does: it weighs, it is a bias, or it normalizes."""

from typing import Literal

import keras

from pipeline.config.kinds import NORMALIZATIONS
from pipeline.config.model import Model
from pipeline.config.slots import slots

Role = Literal["weight", "bias", "normalization"]


def roles(network: keras.Model, model: Model) -> list[Role]:
    """Return the role of every trained variable of `network`, which was built from `model`.

    All that the layers of a normalization train is of the role `normalization`: gains and shifts,
    and the slope of `dyt`. The length in weight normalization is a weight, since decaying it
    decays the kernel.
    """
    rows = [slot.row for _, slot in slots(model) if slot.row == NORMALIZATIONS.get(slot.kind)]
    kinds = tuple(row.load() for row in rows if row.layer)
    normalizing = {
        variable.path
        for layer in network._flatten_layers()
        if isinstance(layer, kinds)
        for variable in layer.trainable_variables
    }
    return [
        "normalization"
        if variable.path in normalizing
        else "bias"
        if variable.name == "bias"
        else "weight"
        for variable in network.trainable_variables
    ]
