"""What a row of the tables says about its kind, which the rules rely on, measured on the layer."""

import numpy as np
import pytest
from keras import ops

from pipeline.config import model as sections
from pipeline.config.kinds import DROPOUTS, NORMALIZATIONS
from pipeline.network.rnn.direction import Direction
from tests.network.examples import BETWEEN, CELL, FEED_FORWARD, INPUT, make, options, randomize
from tests.network.recurrent_cases import CELLS, inside

AXES = {0: "batch", 1: "time", 2: "channels"}
STEPS, UNITS = 5, 3
ROWS = {kind: row for kind, row in NORMALIZATIONS.items() if row.layer}
# within its limits, renormalization replaces the statistics of the batch by the running ones
CLIPPED = {"rmax": 1.0, "dmax": 0.0}
SETTINGS = [(kind, CLIPPED if "rmax" in row.options else {}) for kind, row in ROWS.items()]
SETTINGS += [(kind, {"per_step": True}) for kind, row in ROWS.items() if "per_step" in row.options]
TWINS = {
    "layer_addons": {"kind": "layer_paper", "epsilon": 1e-3},
    "layer_per_gate": {"kind": "layer_joint", "epsilon": 1e-12},
}  # what else it would be
IN_CELLS = {
    **{
        kind: ("normalization", row)
        for kind, row in inside(NORMALIZATIONS, "cell").items()
        if row.layer
    },
    **{
        kind: ("recurrent_dropout", row)
        for kind, row in inside(DROPOUTS, "recurrent").items()
        if row.layer
    },
}


def values(seed=0):
    return np.random.default_rng(seed).normal(size=(6, STEPS, 4 * UNITS))


def computed(kind, training, **setting):
    """The normalization as a function of (batch, time, channel), in a cell that of its gates."""

    def once(x):  # by a layer that has seen nothing before
        layer = make(ROWS[kind], dtype="float64", **setting)
        if not ROWS[kind].places - CELL:
            layer.attach(summed=4, apart=0, states=2, units=UNITS, steps=STEPS)
            return np.asarray(
                of_the_gates(layer.begin(STEPS, training).gates, ops.convert_to_tensor(x))
            )
        layer.build(x.shape)
        randomize(layer, np.random.default_rng(1))
        return np.asarray(layer(x, training=training) if kind in BETWEEN else layer(x))

    return once


def of_the_gates(gates, x):
    bias, h = ops.zeros(x.shape[-1], x.dtype), ops.convert_to_tensor(values(3)[:, 0])
    return ops.stack(
        [
            gates.sum(x_t, h, bias, t)
            for t, x_t in enumerate(ops.unstack(gates.inputs(x, bias), axis=1))
        ],
        axis=1,
    )


def measured(function):
    """The axes along which the result of a value depends on all other values."""
    x, found = values(), set()
    for axis, name in AXES.items():
        here = np.zeros(x.shape, bool)
        here[(slice(None),) * axis + (0,)] = True
        others = np.where(here, x, values(2))
        found |= (
            set()
            if np.allclose(function(x)[here], function(others)[here], rtol=0, atol=1e-9)
            else {name}
        )
    return found


@pytest.mark.parametrize(("kind", "setting"), SETTINGS, ids=str)
def test_statistics_are_over_the_axes_that_the_row_names(kind, setting):
    assert measured(computed(kind, True, **setting)) == ROWS[kind].axes(setting)


@pytest.mark.parametrize("kind", ROWS)
def test_at_inference_a_window_depends_on_its_batch_only_where_the_row_says_so(kind):
    assert ("batch" in measured(computed(kind, False))) == ROWS[kind].batch_stats_at_inference


@pytest.mark.parametrize(
    "kind",
    sorted({kind for kind, row in BETWEEN.items() if "conv" in row.places} - {"batch_renorm"}),
)  # it takes steps to follow a bias
def test_a_bias_before_it_is_cancelled_by_statistics_that_are_not_over_channels(kind):
    function, x = computed(kind, True), values()
    cancelled = np.allclose(function(x + np.arange(x.shape[-1])), function(x), rtol=0, atol=1e-9)
    axes = BETWEEN[kind].reduction_axes
    assert cancelled == (bool(axes) and "channels" not in axes)


@pytest.mark.parametrize("kind", INPUT)
def test_what_the_row_calls_reversible_can_be_undone(kind):
    assert hasattr(make(INPUT[kind]), "denormalize") == INPUT[kind].reversible


@pytest.mark.parametrize("kind", FEED_FORWARD)
def test_mean_and_variance_survive_the_dropout_that_the_row_calls_alpha(kind):
    x = np.random.default_rng(0).normal(size=(4000, 4, 32)).astype("float32")
    y = np.asarray(make(FEED_FORWARD[kind], seed=3)(x, training=True))
    assert (abs(y.mean()) < 0.02 and abs(y.var() - 1) < 0.03) == FEED_FORWARD[kind].alpha


def states(cell, **slot):
    """h after each step in training."""
    section = sections.Recurrent(cell=cell, **slot)
    direction = Direction(section, UNITS, seed=1, dtype="float64")
    direction.build((None, STEPS, 4 * UNITS))
    rng = np.random.default_rng(4)
    for variable in (direction.kernel, direction.recurrent_kernel, direction.bias):
        variable.assign(rng.normal(size=variable.shape))
    return np.array([h for h, *_ in direction.states(ops.convert_to_tensor(values()), True)])


@pytest.mark.parametrize(("kind", "cell"), [(kind, cell) for kind in IN_CELLS for cell in CELLS])
def test_a_kind_is_one_of_its_own_in_the_cells_that_the_row_names_and_in_no_other(kind, cell):
    slot, row = IN_CELLS[kind]
    twin = TWINS.get(kind, {"kind": "none"})
    same = np.allclose(
        states(cell, **{slot: {"kind": kind, **options(row)}}),
        states(cell, **{slot: twin}),
        rtol=0,
        atol=1e-9,
    )
    assert same == (cell not in row.cells)
