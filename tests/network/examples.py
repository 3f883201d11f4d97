"""Layers made from rows of the tables, with values for required options, and random weights."""

import numpy as np

from pipeline.config.kinds import DROPOUTS, NORMALIZATIONS, WEIGHTS
from pipeline.config.slots import REQUIRED

EXAMPLES = {"rate": 0.3, "groups": 2, "heads": 2}
CELL = {"cell"}
RECURRENT = {"input", "recurrent"}

BETWEEN = {
    kind: row for kind, row in NORMALIZATIONS.items() if row.layer and row.places - CELL - {"input"}
}
INPUT = {kind: row for kind, row in NORMALIZATIONS.items() if row.layer and row.places == {"input"}}
FEED_FORWARD = {kind: row for kind, row in DROPOUTS.items() if row.layer and row.places - RECURRENT}
REPARAMETRIZATIONS = {kind: row for kind, row in WEIGHTS.items() if row.layer}


def options(row):
    return {
        name: EXAMPLES[name] if value is REQUIRED else value for name, value in row.options.items()
    }


def make(row, **more):
    return row.load()(**{**options(row), **more})


def randomize(layer, rng):
    """Positive weights off their initial values; seeds stay."""
    for variable in layer.variables:
        if "float" in str(variable.dtype):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))


def weights(layer):
    """Weights by name, in float64."""
    return {variable.name: np.asarray(variable.value, np.float64) for variable in layer.weights}
